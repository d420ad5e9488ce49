//! The timeline of an incident, for people: what its revisions changed, and what was
//! said, in order.

use super::entry::Note;
use super::known::Known;
use super::{Cause, Ending, Incident, State};
use crate::domain::time::Timestamp;

/// Something that happened to an incident.
#[derive(Debug, Clone, PartialEq)]
pub struct Event<'a> {
    /// When: for a note when it was said, for the rest when it was known.
    pub at: Timestamp,
    /// What.
    pub what: What<'a>,
}

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum What<'a> {
    /// It began, as far as the reports say now.
    Began,
    /// It was told of first, in that state.
    Detected(State),
    /// It came to another state.
    Became(State, Option<&'a Ending>),
    /// A brand came to it.
    Joined(&'a str),
    /// Its beginning was dated anew.
    Dated {
        /// As it was.
        from: Timestamp,
        /// As it is.
        to: Timestamp,
    },
    /// No region stands out any more.
    Everywhere,
    /// Another incident was found to have taken it along.
    Caused(&'a Cause),
    /// Somebody said something.
    Said(&'a Note),
}

/// All that happened, in order; of what happened at once, what was told first.
#[must_use]
pub fn timeline<'a>(known: &Known<'a>) -> Vec<Event<'a>> {
    let revisions = known.revisions();
    let first = &revisions[0];
    let mut events = vec![
        Event { at: known.incident().onset, what: What::Began },
        Event { at: first.detected_at, what: What::Detected(first.state) },
    ];
    events.extend(revisions.windows(2).flat_map(|pair| changes(&pair[0], &pair[1])));
    events.extend(
        known.notes().iter().map(|note| Event { at: note.said_at, what: What::Said(note) }),
    );
    events.sort_by_key(|event| event.at);
    events
}

fn changes<'a>(before: &'a Incident, after: &'a Incident) -> Vec<Event<'a>> {
    let mut changes = Vec::new();
    if before.state != after.state {
        changes.push(What::Became(after.state, after.ending.as_ref()));
    }
    changes.extend(
        after
            .brands
            .iter()
            .filter(|brand| before.brand(&brand.provider).is_none())
            .map(|brand| What::Joined(&brand.provider)),
    );
    if before.onset.minute() != after.onset.minute() {
        changes.push(What::Dated { from: before.onset, to: after.onset });
    }
    if after.everywhere && !before.everywhere {
        changes.push(What::Everywhere);
    }
    if before.cause != after.cause {
        changes.extend(after.cause.as_ref().map(What::Caused));
    }
    changes.into_iter().map(|what| Event { at: after.known_at, what }).collect()
}
