//! What the operator decided: who may call without a key, how much, and in whose name
//! the server answers.

use super::client_address::Proxies;
use super::limits::AddressLimits;
use super::publisher::Publisher;
use crate::domain::access::scope::{Scope, Scopes};
use crate::domain::population::Population;
use std::num::NonZeroU32;
use std::sync::Arc;

/// Who may call without a key, how much, and in whose name the server answers.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Who runs the server.
    pub auth: Auth,
    /// What everybody may do.
    pub anonymous: Anonymous,
    /// Whether reports without a key may be the first of their reporter's day.
    pub anonymous_may_open: bool,
    /// So many ids a day may be new from one network without a key; all, where there is
    /// none.
    pub fresh_ids: Option<NonZeroU32>,
    /// The proxies in front.
    pub proxies: Proxies,
    /// How much an address may ask for.
    pub limits: AddressLimits,
    /// What documents say of the server itself.
    pub publisher: Publisher,
    /// How many people live where.
    pub population: Arc<Population>,
}

/// Who runs the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Auth {
    /// Whoever holds a key for it; and whoever is on its machine, where only that reaches
    /// it.
    Open,
    /// Whoever holds a key for it.
    Keys,
}

/// What everybody may do, without a key. Each includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Anonymous {
    /// Nothing.
    Nothing,
    /// Read.
    Read,
    /// Report, in batches of at most [`MOST_ITEMS_WITHOUT_A_KEY`].
    Report,
    /// Report in batches of any size.
    All,
}

/// Reports of a batch without a key at most, unless everybody may do all.
pub const MOST_ITEMS_WITHOUT_A_KEY: usize = 50;

impl Default for Policy {
    /// Everybody may do all, as much as they like.
    fn default() -> Self {
        Self {
            auth: Auth::Open,
            anonymous: Anonymous::All,
            anonymous_may_open: true,
            fresh_ids: None,
            proxies: Proxies::default(),
            limits: AddressLimits::default(),
            publisher: Publisher::default(),
            population: Arc::default(),
        }
    }
}

impl Anonymous {
    /// The same as scopes.
    #[must_use]
    pub fn scopes(self) -> Scopes {
        let scopes: &[Scope] = match self {
            Self::Nothing => &[],
            Self::Read => &[Scope::Read],
            // Exact figures take a key: they may point to single people.
            Self::Report | Self::All => &[Scope::Read, Scope::Report],
        };
        scopes.iter().copied().collect()
    }
}
