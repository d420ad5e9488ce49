//! The journal of incidents of older versions, in the form of this one.

use crate::domain::incident::entry::Entry;
use crate::domain::time::Timestamp;
use crate::engine::detection::places::key;
use crate::store::upgrade::{Carry, Rewritten};
use crate::wire::journal::{from_bytes, nothing, to_bytes};
use std::sync::Arc;

/// How entries are carried over at an instant.
#[must_use]
pub const fn carry(now: Timestamp) -> Carry {
    Carry { rewrite, now }
}

/// A revision without a public form becomes the one that everybody was told of it: its
/// number, its instants and its name stay. What nobody can read may name a place, and
/// becomes an entry that says nothing. All others stay.
fn rewrite(bytes: &[u8]) -> Option<Rewritten> {
    match from_bytes(bytes) {
        Ok(Some(Entry::Revision(told))) if told.naming.is_none() => {
            let public = Entry::Revision(Arc::new(told.public_of_before()));
            Some(Rewritten { entry: to_bytes(&public), place: Some(key(&told)) })
        }
        Ok(_) => None,
        Err(error) => {
            tracing::error!(%error, "an entry that cannot be read is not carried over");
            Some(Rewritten { entry: nothing(), place: None })
        }
    }
}
