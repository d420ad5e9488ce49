//! The timeline of an incident as clients see it: a sentence an event, and what a program
//! needs of it.

use super::incident::StateWord;
use super::time::rfc3339;
use crate::domain::incident::timeline::{Event, What};
use crate::domain::incident::{Ending, State};
use serde::Serialize;
use utoipa::ToSchema;

/// Something that happened to an incident.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct EventJson {
    /// When: for a note when it was said, for the beginning when it was, for the rest
    /// when it was known.
    #[schema(format = DateTime, examples("2022-07-08T08:52:00Z"))]
    pub t: String,
    /// What.
    pub what: WhatWord,
    /// The same in words. Of a note, what was said: plain text.
    #[schema(examples("it was told of first: confirmed"))]
    pub text: String,
    /// The state that it came to.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub state: Option<StateWord>,
    /// The provider that joined it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub provider: Option<String>,
    /// The incident that it became a part of, or that took it along.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, pattern = "^[0-9a-f]{16}$")]
    pub incident: Option<String>,
    /// Where it was said. Plain text.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub source: Option<String>,
    /// Whether the provider itself, or an authority, said it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub official: Option<bool>,
}

/// What happened, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WhatWord {
    /// It began, as far as the reports say.
    Onset,
    /// It was told of first.
    Detected,
    /// It came to another state.
    State,
    /// A provider joined it.
    Joined,
    /// Its beginning was dated anew.
    Dated,
    /// No region stands out any more.
    Everywhere,
    /// Another incident was found to have taken it along.
    Cause,
    /// Somebody said something.
    Note,
}

impl EventJson {
    fn new(event: &Event<'_>, what: WhatWord, text: impl Into<String>) -> Self {
        let (t, text) = (rfc3339(event.at), text.into());
        Self {
            t,
            what,
            text,
            state: None,
            provider: None,
            incident: None,
            source: None,
            official: None,
        }
    }
}

impl From<&Event<'_>> for EventJson {
    fn from(event: &Event<'_>) -> Self {
        let new = |what, text: String| Self::new(event, what, text);
        match &event.what {
            What::Began => new(WhatWord::Onset, "reports began to come".into()),
            What::Detected(state) => Self {
                state: Some((*state).into()),
                ..new(WhatWord::Detected, format!("it was told of first: {}", state.name()))
            },
            What::Became(state, ending) => Self {
                state: Some((*state).into()),
                incident: ending.and_then(|ending| {
                    if let Ending::Merged(into) = ending { Some(into.to_string()) } else { None }
                }),
                ..new(WhatWord::State, became(*state, *ending))
            },
            What::Joined(provider) => Self {
                provider: Some((*provider).to_owned()),
                ..new(WhatWord::Joined, format!("{provider} fails too"))
            },
            What::Dated { from, to } => new(
                WhatWord::Dated,
                format!("its beginning is now {}, not {}", rfc3339(*to), rfc3339(*from)),
            ),
            What::Everywhere => {
                new(WhatWord::Everywhere, "no region stands out any more: it is everywhere".into())
            }
            What::Caused(cause) => Self {
                incident: Some(cause.incident.to_string()),
                provider: Some(cause.provider.clone()),
                ..new(WhatWord::Cause, format!("the failure of {} took it along", cause.provider))
            },
            What::Said(note) => Self {
                source: Some(note.source.clone()),
                official: Some(note.official),
                ..new(WhatWord::Note, note.text.clone())
            },
        }
    }
}

fn became(state: State, ending: Option<&Ending>) -> String {
    match (state, ending) {
        (State::Possible, _) => "it is told with reserve".into(),
        (State::Confirmed, _) => "it is confirmed".into(),
        (State::Recovering, _) => "its reports have ebbed away".into(),
        (State::Resolved, Some(Ending::Merged(into))) => format!("it goes on as a part of {into}"),
        (State::Resolved, Some(Ending::Retired)) => "its providers take reports no more".into(),
        (State::Resolved, _) => "it is over".into(),
        (State::Withdrawn, Some(Ending::Withdrawn(reason))) => format!("it is withdrawn: {reason}"),
        (State::Withdrawn, _) => "it is withdrawn".into(),
    }
}
