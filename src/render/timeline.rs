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
#[schema(as = TimelineEvent)]
pub struct EventJson {
    /// When: of a note when it was said, of the onset when it was, of all else when it
    /// was published.
    #[schema(format = DateTime, examples("2022-07-08T08:52:00Z"))]
    pub t: String,
    /// What happened.
    #[serde(rename = "type")]
    pub kind: WhatWord,
    /// The event in a sentence; of a note, what was said. Plain text.
    #[schema(examples("first published: confirmed"))]
    pub text: String,
    /// The new state.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub state: Option<StateWord>,
    /// The provider that was added, or whose failure is the cause.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub provider: Option<String>,
    /// The incident that it was merged into, or that caused it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, pattern = "^[0-9a-f]{16}$")]
    pub incident: Option<String>,
    /// Who said it, or where. Plain text.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub source: Option<String>,
    /// Whether the provider itself, or an authority, said it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub official: Option<bool>,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = EventType)]
#[serde(rename_all = "snake_case")]
pub enum WhatWord {
    /// It began, by the newest estimate.
    Onset,
    /// It was first published.
    Detected,
    /// Its state changed.
    State,
    /// A provider was added.
    Joined,
    /// The estimate of the onset changed.
    OnsetRevised,
    /// No region stands out any more.
    Global,
    /// Another incident was found to be the cause.
    Cause,
    /// Somebody said something.
    Note,
}

impl EventJson {
    fn new(event: &Event<'_>, kind: WhatWord, text: impl Into<String>) -> Self {
        let (t, text) = (rfc3339(event.at), text.into());
        Self {
            t,
            kind,
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
        let new = |kind, text: String| Self::new(event, kind, text);
        match &event.what {
            What::Began => new(WhatWord::Onset, "reports began".into()),
            What::Detected(state) => Self {
                state: Some((*state).into()),
                ..new(WhatWord::Detected, format!("first published: {}", state.name()))
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
                ..new(WhatWord::Joined, format!("{provider} fails, too"))
            },
            What::Dated { from, to } => new(
                WhatWord::OnsetRevised,
                format!("onset revised to {}, from {}", rfc3339(*to), rfc3339(*from)),
            ),
            What::Everywhere => new(
                WhatWord::Global,
                "no region stands out any more: the incident is global".into(),
            ),
            What::Caused(cause) => Self {
                incident: Some(cause.incident.to_string()),
                provider: Some(cause.provider.clone()),
                ..new(WhatWord::Cause, format!("caused by the failure of {}", cause.provider))
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
        (State::Possible, _) => "possible: published with reserve".into(),
        (State::Confirmed, _) => "confirmed".into(),
        (State::Recovering, _) => "recovering: its reports have subsided".into(),
        (State::Resolved, Some(Ending::Merged(into))) => format!("merged into {into}"),
        (State::Resolved, Some(Ending::Retired)) => "resolved: its providers were retired".into(),
        (State::Resolved, _) => "resolved".into(),
        (State::Withdrawn, Some(Ending::Withdrawn(reason))) => format!("withdrawn: {reason}"),
        (State::Withdrawn, _) => "withdrawn".into(),
    }
}
