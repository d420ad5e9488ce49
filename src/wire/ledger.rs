//! Entries of the ledger as bytes: JSON. A field that is new is read as missing by who does
//! not know it, an entry of a kind that is new is skipped: versions N and N + 1 share a
//! ledger. The secret of a key is in none, only its hash. The coin of privacy is: whoever reads
//! the store has the exact facts anyway.

#[cfg(test)]
mod tests;

use crate::domain::access::entry::{Actor, Change, Entry, PrivacySetting};
use crate::domain::access::key::{KeyHash, KeyId, KeyLimits, KeyRecord};
use crate::domain::access::scope::Scope;
use crate::domain::access::source::{LAST_SOURCE, SourceRecord};
use crate::domain::fact::Source;
use crate::domain::grid::Resolution;
use crate::domain::privacy::coin::Coin;
use crate::domain::privacy::rule::{MOST_K, Rule};
use crate::domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

const COMMAND_LINE: &str = "command_line";
const THIS_MACHINE: &str = "this_machine";
/// Before the id of a key.
const KEY: &str = "key:";

/// Bytes that are no entry.
#[derive(Debug, thiserror::Error)]
pub enum EntryError {
    /// They are no JSON of an entry.
    #[error("not an entry: {0}")]
    Json(#[from] serde_json::Error),
    /// A field holds what it cannot.
    #[error("{0} of an entry holds what it cannot")]
    Field(&'static str),
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Line {
    Source(SourceLine),
    Key(KeyLine),
    KeyRotated(KeyRotatedLine),
    KeyRevoked(KeyRevokedLine),
    Void(VoidLine),
    Note(NoteLine),
    Privacy(PrivacyLine),
    ExactRead(ExactReadLine),
    #[serde(other)]
    Unknown,
}

#[derive(Serialize, Deserialize)]
struct SourceLine {
    at: i64,
    by: String,
    number: u16,
    name: String,
    contact: Option<String>,
    may_open: bool,
    created_at: i64,
}

#[derive(Serialize, Deserialize)]
struct KeyLine {
    at: i64,
    by: String,
    key: RecordLine,
}

#[derive(Serialize, Deserialize)]
struct KeyRotatedLine {
    at: i64,
    by: String,
    old: String,
    old_expires_at: i64,
    new: RecordLine,
}

#[derive(Serialize, Deserialize)]
struct KeyRevokedLine {
    at: i64,
    by: String,
    id: String,
}

#[derive(Serialize, Deserialize)]
struct VoidLine {
    at: i64,
    by: String,
    source: u16,
    from: i64,
    to: i64,
    provider: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct NoteLine {
    at: i64,
    by: String,
    incident: String,
}

#[derive(Serialize, Deserialize)]
struct PrivacyLine {
    at: i64,
    by: String,
    k: u8,
    finest: u8,
    is_chosen: bool,
    coin: String,
}

#[derive(Serialize, Deserialize)]
struct ExactReadLine {
    at: i64,
    by: String,
}

#[derive(Serialize, Deserialize)]
struct RecordLine {
    id: String,
    hash: String,
    source: u16,
    name: String,
    scopes: Vec<String>,
    providers: Option<Vec<String>>,
    origins: Vec<String>,
    expires_at: Option<i64>,
    reads_per_minute: Option<u32>,
    reports_per_second: Option<u32>,
    reports_per_day: Option<u64>,
    is_test: bool,
    created_at: i64,
}

/// The bytes of an entry.
#[must_use]
pub fn to_bytes(entry: &Entry) -> Vec<u8> {
    let (at, by) = (entry.at.0, actor_text(entry.by));
    let line = match &entry.change {
        Change::Source(source) => Line::Source(SourceLine::of(source, at, by)),
        Change::KeyCreated(record) => Line::Key(KeyLine { at, by, key: RecordLine::of(record) }),
        Change::KeyRotated { old, old_expires_at, new } => Line::KeyRotated(KeyRotatedLine {
            at,
            by,
            old: old.to_string(),
            old_expires_at: old_expires_at.0,
            new: RecordLine::of(new),
        }),
        Change::KeyRevoked(id) => Line::KeyRevoked(KeyRevokedLine { at, by, id: id.to_string() }),
        Change::ReportsVoided { source, from, to, provider } => Line::Void(VoidLine {
            at,
            by,
            source: source.0,
            from: from.0,
            to: to.0,
            provider: provider.clone(),
        }),
        Change::NoteAdded { incident } => {
            Line::Note(NoteLine { at, by, incident: incident.clone() })
        }
        Change::PrivacySet(setting) => Line::Privacy(PrivacyLine::of(setting, at, by)),
        Change::ExactRead => Line::ExactRead(ExactReadLine { at, by }),
    };
    serde_json::to_vec(&line).expect("an entry is plain data")
}

/// The entry of these bytes; None where a newer version wrote a kind that this one does
/// not know.
///
/// # Errors
/// Where they are no entry.
pub fn from_bytes(bytes: &[u8]) -> Result<Option<Entry>, EntryError> {
    let (at, by, change) = match serde_json::from_slice(bytes)? {
        Line::Source(line) => (line.at, line.by.clone(), Change::Source(line.read()?)),
        Line::Key(line) => (line.at, line.by, Change::KeyCreated(line.key.read()?)),
        Line::KeyRotated(line) => {
            let change = Change::KeyRotated {
                old: key_id(&line.old)?,
                old_expires_at: Timestamp(line.old_expires_at),
                new: line.new.read()?,
            };
            (line.at, line.by, change)
        }
        Line::KeyRevoked(line) => (line.at, line.by, Change::KeyRevoked(key_id(&line.id)?)),
        Line::Void(line) => {
            let change = Change::ReportsVoided {
                source: source(line.source).ok_or(EntryError::Field("source"))?,
                from: Timestamp(line.from),
                to: Timestamp(line.to),
                provider: line.provider,
            };
            (line.at, line.by, change)
        }
        Line::Note(line) => (line.at, line.by, Change::NoteAdded { incident: line.incident }),
        Line::Privacy(line) => (line.at, line.by.clone(), Change::PrivacySet(line.read()?)),
        Line::ExactRead(line) => (line.at, line.by, Change::ExactRead),
        Line::Unknown => return Ok(None),
    };
    Ok(Some(Entry { at: Timestamp(at), by: actor(&by), change }))
}

impl SourceLine {
    fn of(source: &SourceRecord, at: i64, by: String) -> Self {
        let SourceRecord { number, name, contact, may_open, created_at } = source.clone();
        Self { at, by, number: number.0, name, contact, may_open, created_at: created_at.0 }
    }

    fn read(self) -> Result<SourceRecord, EntryError> {
        let Self { number, name, contact, may_open, created_at, .. } = self;
        let number = source(number).filter(|number| *number != Source(0));
        Ok(SourceRecord {
            number: number.ok_or(EntryError::Field("number"))?,
            name,
            contact,
            may_open,
            created_at: Timestamp(created_at),
        })
    }
}

impl PrivacyLine {
    fn of(setting: &PrivacySetting, at: i64, by: String) -> Self {
        let PrivacySetting { rule: Rule { k, finest }, is_chosen, coin } = setting;
        let coin = digits(&coin.secret());
        Self { at, by, k: *k, finest: finest.number(), is_chosen: *is_chosen, coin }
    }

    fn read(self) -> Result<PrivacySetting, EntryError> {
        let k = Some(self.k).filter(|k| (1..=MOST_K).contains(k)).ok_or(EntryError::Field("k"))?;
        let finest =
            Resolution::new(self.finest.into()).map_err(|_| EntryError::Field("finest"))?;
        let coin = bytes_of(&self.coin).ok_or(EntryError::Field("coin"))?;
        Ok(PrivacySetting {
            rule: Rule { k, finest },
            is_chosen: self.is_chosen,
            coin: Coin::new(coin),
        })
    }
}

impl RecordLine {
    fn of(record: &KeyRecord) -> Self {
        let KeyLimits { reads_per_minute, reports_per_second, reports_per_day } = record.limits;
        Self {
            id: record.id.to_string(),
            hash: digits(&record.hash.0),
            source: record.source.0,
            name: record.name.clone(),
            scopes: record.scopes.given().map(|scope| scope.name().to_owned()).collect(),
            providers: record.providers.as_ref().map(|ids| ids.to_vec()),
            origins: record.origins.to_vec(),
            expires_at: record.expires_at.map(|at| at.0),
            reads_per_minute,
            reports_per_second,
            reports_per_day,
            is_test: record.is_test,
            created_at: record.created_at.0,
        }
    }

    fn read(self) -> Result<KeyRecord, EntryError> {
        let Self { reads_per_minute, reports_per_second, reports_per_day, .. } = self;
        Ok(KeyRecord {
            id: key_id(&self.id)?,
            hash: bytes_of(&self.hash).map(KeyHash).ok_or(EntryError::Field("hash"))?,
            source: source(self.source).ok_or(EntryError::Field("source"))?,
            name: self.name,
            // A scope that only a newer version knows allows nothing here.
            scopes: self.scopes.iter().filter_map(|name| Scope::from_name(name)).collect(),
            providers: self.providers.map(Arc::from),
            origins: self.origins.into(),
            expires_at: self.expires_at.map(Timestamp),
            limits: KeyLimits { reads_per_minute, reports_per_second, reports_per_day },
            is_test: self.is_test,
            created_at: Timestamp(self.created_at),
        })
    }
}

fn actor_text(actor: Actor) -> String {
    match actor {
        Actor::CommandLine => COMMAND_LINE.to_owned(),
        Actor::ThisMachine => THIS_MACHINE.to_owned(),
        Actor::Key(id) => format!("{KEY}{id}"),
        Actor::Other => "other".to_owned(),
    }
}

/// What somebody did counts, whoever it was.
fn actor(text: &str) -> Actor {
    match text {
        COMMAND_LINE => Actor::CommandLine,
        THIS_MACHINE => Actor::ThisMachine,
        other => {
            let id = other.strip_prefix(KEY).and_then(KeyId::parse);
            id.map_or(Actor::Other, Actor::Key)
        }
    }
}

fn key_id(text: &str) -> Result<KeyId, EntryError> {
    KeyId::parse(text).ok_or(EntryError::Field("id"))
}

fn source(number: u16) -> Option<Source> {
    Some(Source(number)).filter(|number| *number <= LAST_SOURCE)
}

/// Bytes as hexadecimal digits, two each.
fn digits(bytes: &[u8]) -> String {
    let halves = bytes.iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
    halves.filter_map(|half| char::from_digit(half.into(), 16)).collect()
}

/// The bytes of exactly as many hexadecimal digits.
fn bytes_of<const N: usize>(digits: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
    if pairs.len() != N || !rest.is_empty() {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(pairs) {
        let digit = |at: usize| char::from(pair[at]).to_digit(16);
        *byte = u8::try_from(digit(0)? << 4 | digit(1)?).ok()?;
    }
    Some(bytes)
}
