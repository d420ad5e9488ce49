//! A key: what an app shows to say who it is. The server keeps its hash only.

use super::scope::Scopes;
use crate::domain::fact::Source;
use crate::domain::time::{DAY_MS, Timestamp};
use std::fmt;
use std::sync::Arc;

/// Characters of a key's name at most.
pub const MOST_NAME: usize = 100;
/// Origins of one key at most.
pub const MOST_ORIGINS: usize = 20;
/// How long a key that was replaced still works, where nobody says.
pub const DEFAULT_GRACE_MS: i64 = DAY_MS;
/// And at most: a year, since keys in shipped apps live as long as the apps.
pub const MOST_GRACE_MS: i64 = 365 * DAY_MS;
/// Providers that one key speaks for at most.
pub const MOST_PROVIDERS: usize = 100;

/// The public part of a key: 8 characters of base62.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId([u8; 8]);

/// SHA-256 of the whole text of a key. The text has 190 random bits, so that no slow hash
/// is needed: there is no dictionary to try.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct KeyHash(pub [u8; 32]);

/// What a key may do, whose it is and until when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRecord {
    /// Its public part.
    pub id: KeyId,
    /// What its text must hash to.
    pub hash: KeyHash,
    /// The app that it belongs to.
    pub source: Source,
    /// What operators call it.
    pub name: String,
    /// What it may do.
    pub scopes: Scopes,
    /// The only providers that it may report about, by id; all where there is none.
    pub providers: Option<Arc<[String]>>,
    /// The origins of pages that may use it. With some it is a browser's key, and must come
    /// from one of them. Without, it must come from no page.
    pub origins: Arc<[String]>,
    /// From when on it is refused.
    pub expires_at: Option<Timestamp>,
    /// How much it may ask for.
    pub limits: KeyLimits,
    /// Whether its reports are judged and answered as in production, and count nowhere.
    pub is_test: bool,
    /// When it was created.
    pub created_at: Timestamp,
}

/// A key that is to be created: what somebody says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewKey {
    /// See [`KeyRecord::source`].
    pub source: Source,
    /// See [`KeyRecord::name`].
    pub name: String,
    /// See [`KeyRecord::scopes`].
    pub scopes: Scopes,
    /// See [`KeyRecord::providers`].
    pub providers: Option<Arc<[String]>>,
    /// See [`KeyRecord::origins`].
    pub origins: Arc<[String]>,
    /// See [`KeyRecord::expires_at`].
    pub expires_at: Option<Timestamp>,
    /// See [`KeyRecord::limits`].
    pub limits: KeyLimits,
    /// See [`KeyRecord::is_test`].
    pub is_test: bool,
}

/// How much a key may ask for; where there is none, the server's default holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct KeyLimits {
    /// Reads in a minute.
    pub reads_per_minute: Option<u32>,
    /// Reports in a second.
    pub reports_per_second: Option<u32>,
    /// Reports in a day of UTC, over all nodes.
    pub reports_per_day: Option<u64>,
}

/// Why a key is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No key has that id, or that id has another secret.
    #[error("unknown")]
    Unknown,
    /// Its time is over.
    #[error("expired")]
    Expired,
    /// It was revoked.
    #[error("revoked")]
    Revoked,
}

impl KeyId {
    /// The id of that text, if it is 8 characters of base62.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes: [u8; 8] = text.as_bytes().try_into().ok()?;
        bytes.iter().all(u8::is_ascii_alphanumeric).then_some(Self(bytes))
    }

    /// Its 8 characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("base62 is ASCII")
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

impl KeyHash {
    /// Whether two hashes are equal, in a time that does not depend on where they differ.
    #[must_use]
    pub fn matches(&self, other: &Self) -> bool {
        let differing = self.0.iter().zip(&other.0).fold(0, |bits, (a, b)| bits | (a ^ b));
        std::hint::black_box(differing) == 0
    }
}

/// Nothing of a hash is shown, either: it identifies the secret.
impl fmt::Debug for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyHash(…)")
    }
}

impl NewKey {
    /// The key, once its text is drawn.
    #[must_use]
    pub fn created(self, id: KeyId, hash: KeyHash, created_at: Timestamp) -> KeyRecord {
        let Self { source, name, scopes, providers, origins, expires_at, limits, is_test } = self;
        KeyRecord {
            id,
            hash,
            source,
            name,
            scopes,
            providers,
            origins,
            expires_at,
            limits,
            is_test,
            created_at,
        }
    }
}

impl KeyRecord {
    /// The key that takes its place: with the same settings, and for as long.
    #[must_use]
    pub fn renewed(&self, id: KeyId, hash: KeyHash, created_at: Timestamp) -> Self {
        let lasts_ms = self.expires_at.map(|end| end.ms_since(self.created_at));
        let expires_at = lasts_ms.map(|ms| created_at.plus_ms(ms));
        Self { id, hash, expires_at, created_at, ..self.clone() }
    }

    /// Whether it may report about that provider.
    #[must_use]
    pub fn speaks_for(&self, provider: &str) -> bool {
        self.providers.as_ref().is_none_or(|ids| ids.iter().any(|id| id == provider))
    }

    /// Whether it belongs to pages in browsers.
    #[must_use]
    pub fn is_for_browsers(&self) -> bool {
        !self.origins.is_empty()
    }

    /// Whether its time is over.
    #[must_use]
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|end| end <= now)
    }
}
