//! Who changed what: the entries of the ledger as those see them who run the server.

use super::time::rfc3339;
use crate::domain::access::entry::{Actor, Change, Entry};
use serde::Serialize;
use utoipa::ToSchema;

/// A change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = AuditEntry)]
pub struct AuditJson {
    /// When.
    #[schema(format = DateTime, examples("2022-07-08T08:44:10Z"))]
    pub at: String,
    /// Who.
    pub by: ActorWord,
    /// Id of the key that they held; null where none was needed.
    #[schema(required = true, examples("Ab3dEf9h"))]
    pub by_key: Option<String>,
    /// What.
    pub change: ChangeWord,
    /// Number of the source that was set, or that the key belongs to; null where that is
    /// not said.
    #[schema(required = true, examples(1))]
    pub source: Option<u16>,
    /// Id of the key; null for a source.
    #[schema(required = true, examples("Gh7kLm2p"))]
    pub key: Option<String>,
    /// Id of the key that takes its place; null where none does.
    #[schema(required = true, examples(json!(null)))]
    pub replaced_by: Option<String>,
    /// What the source or key is called; null where that is not said.
    #[schema(required = true, examples("android 2.1"))]
    pub name: Option<String>,
    /// Id of the incident that a note was added to; null of all else.
    #[schema(required = true, examples(json!(null)))]
    pub incident: Option<String>,
    /// Reports that were observed from then on were withdrawn; null of all else.
    #[schema(required = true, format = DateTime, examples(json!(null)))]
    pub from: Option<String>,
    /// And before then; null of all else.
    #[schema(required = true, format = DateTime, examples(json!(null)))]
    pub to: Option<String>,
    /// Id of the provider whose reports were withdrawn; null where all were, and of all
    /// else.
    #[schema(required = true, examples(json!(null)))]
    pub provider: Option<String>,
    /// A number shown is about at least so many people from then on; null of all else.
    #[schema(required = true, minimum = 1, maximum = 50, examples(json!(null)))]
    pub k: Option<u8>,
    /// No cell is shown that is finer than this H3 resolution from then on; null of all
    /// else.
    #[schema(required = true, minimum = 0, maximum = 8, examples(json!(null)))]
    pub finest: Option<u8>,
}

/// Who changed something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = AuditActor)]
#[serde(rename_all = "snake_case")]
pub enum ActorWord {
    /// Somebody at a command line with access to the store.
    CommandLine,
    /// Somebody on the machine of a server that only this machine reaches.
    ThisMachine,
    /// Whoever holds the key `by_key`.
    Key,
    /// Somebody of a kind that only a newer version knows.
    Other,
}

/// What was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = AuditChange)]
#[serde(rename_all = "snake_case")]
pub enum ChangeWord {
    /// A source was created or changed.
    SourceSet,
    /// A key was created.
    KeyCreated,
    /// A key was replaced by another.
    KeyRotated,
    /// A key was revoked.
    KeyRevoked,
    /// Reports of a source were withdrawn.
    ReportsVoided,
    /// A note was added to an incident.
    NoteAdded,
    /// It was set what readers may see: `k` and `finest`.
    PrivacySet,
    /// Somebody read exact figures, on this day for the first time.
    ExactRead,
}

/// Who somebody is, and the id of the key that they held.
#[must_use]
pub fn actor(actor: Actor) -> (ActorWord, Option<String>) {
    match actor {
        Actor::CommandLine => (ActorWord::CommandLine, None),
        Actor::ThisMachine => (ActorWord::ThisMachine, None),
        Actor::Key(id) => (ActorWord::Key, Some(id.to_string())),
        Actor::Other => (ActorWord::Other, None),
    }
}

impl From<&Entry> for AuditJson {
    fn from(entry: &Entry) -> Self {
        let (by, by_key) = actor(entry.by);
        let blank = Self {
            at: rfc3339(entry.at),
            by,
            by_key,
            change: ChangeWord::SourceSet,
            source: None,
            key: None,
            replaced_by: None,
            name: None,
            incident: None,
            from: None,
            to: None,
            provider: None,
            k: None,
            finest: None,
        };
        match &entry.change {
            Change::Source(source) => {
                Self { source: Some(source.number.0), name: Some(source.name.clone()), ..blank }
            }
            Change::KeyCreated(key) => Self {
                change: ChangeWord::KeyCreated,
                source: Some(key.source.0),
                key: Some(key.id.to_string()),
                name: Some(key.name.clone()),
                ..blank
            },
            Change::KeyRotated { old, new, .. } => Self {
                change: ChangeWord::KeyRotated,
                source: Some(new.source.0),
                key: Some(old.to_string()),
                replaced_by: Some(new.id.to_string()),
                name: Some(new.name.clone()),
                ..blank
            },
            Change::KeyRevoked(id) => {
                Self { change: ChangeWord::KeyRevoked, key: Some(id.to_string()), ..blank }
            }
            Change::ReportsVoided { source, from, to, provider } => Self {
                change: ChangeWord::ReportsVoided,
                source: Some(source.0),
                from: Some(rfc3339(*from)),
                to: Some(rfc3339(*to)),
                provider: provider.clone(),
                ..blank
            },
            Change::NoteAdded { incident } => {
                Self { change: ChangeWord::NoteAdded, incident: Some(incident.clone()), ..blank }
            }
            Change::PrivacySet(setting) => Self {
                change: ChangeWord::PrivacySet,
                k: Some(setting.rule.k),
                finest: Some(setting.rule.finest.number()),
                ..blank
            },
            Change::ExactRead => Self { change: ChangeWord::ExactRead, ..blank },
        }
    }
}
