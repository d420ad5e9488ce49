//! A store of an older format: entries of its journal of incidents go into another key of
//! the same slot, written anew. Once that has all, a script removes the journal of before
//! and puts a text into its place.
//!
//! Any number of nodes may do it at once, and any of them may be cut off: each entry keeps
//! its number and its id, and is the same whoever writes it. A node of an older version
//! that still runs can append until the script, whose entries are carried over like all
//! others, and never after it: to Redis a text is no journal.

use super::connection::{Ask, Fault};
use super::journal::{ID_BYTES, id_of};
use super::script::{CARRY_OVER, CLOSE_BEFORE};
use super::{Node, meta};
use crate::store::OpenError;
use crate::store::fail_point::{self, FailPoint};
use crate::store::journal::{JournalName, Position};
use crate::store::places::MOST_AT_ONCE;
use crate::store::upgrade::{Carry, Older};
use ::redis::{Value, cmd};

/// What stands in the place of the journal of before.
const CLOSED: &str = "closed: this store was upgraded, use a later version of Groundswell";

impl Node {
    /// Does with a store of this format what is to be done with such.
    ///
    /// # Errors
    /// Where it is refused, or does not answer.
    pub(super) async fn heed_format(&self, found: u32) -> Result<(), OpenError> {
        let is_older = found < *self.schemas.start();
        let may_open = match self.older {
            // One of this format is closed to older versions by whoever opens it first.
            Older::Refused | Older::AsItIs if !is_older => self.close_before().await.map(|_| true),
            Older::Refused => Ok(false),
            Older::AsItIs => Ok(true),
            Older::Upgraded { carry, is_asked_for } => {
                self.upgrade(found, &carry, is_asked_for || !is_older).await
            }
        };
        if may_open.map_err(|fault| self.unreachable(fault.to_string()))? {
            Ok(())
        } else {
            Err(self.refused(found))
        }
    }

    fn refused(&self, found: u32) -> OpenError {
        let place = self.connection.shown().to_owned();
        OpenError::Older { place, found, writes: *self.schemas.start() }
    }

    /// Gives whether it is of this format now: not where entries are to be written anew,
    /// and nobody asked for that.
    async fn upgrade(&self, found: u32, carry: &Carry, is_asked_for: bool) -> Result<bool, Fault> {
        let writes = *self.schemas.start();
        if !self.close_before().await? {
            let has_begun = Position::START != self.carried_over().await?;
            if !is_asked_for && !has_begun && self.changes(carry).await? {
                return Ok(false);
            }
            tracing::info!("the journal of incidents is upgraded");
            while !self.close_before().await? {
                let carried = self.carry_over(carry).await;
                // Another node may have been quicker.
                if carried.is_err() && !self.close_before().await? {
                    carried?;
                }
            }
        }
        if found < writes {
            fail_point::pass(FailPoint::RedisUpgradeSwapped);
            meta::upgraded(&self.connection, &self.keys, writes).await?;
            tracing::info!(from = found, to = writes, "the store is of another format now");
        }
        Ok(true)
    }

    /// Closes the journal of before, unless it has more than that of this format. Gives
    /// whether it is closed.
    async fn close_before(&self) -> Result<bool, Fault> {
        let keys = [self.keys.journal_before(), self.keys.journal(JournalName::Incidents)];
        // Replicas are not waited for: where a failover opens it again, it has all that it had.
        let closed = CLOSE_BEFORE.call(&self.connection, &keys, &[CLOSED]);
        Ok(closed.await? == Value::Int(1))
    }

    /// How far the journal of before was carried over.
    async fn carried_over(&self) -> Result<Position, Fault> {
        let key = self.keys.journal(JournalName::Incidents);
        let ask = async |command| {
            let ask = Ask { key: key.clone(), commands: vec![command] };
            Ok::<_, Fault>(self.connection.ask(&ask).await?.pop().unwrap_or_default())
        };
        let [mut length, mut last] = ["HLEN", "HGET"].map(cmd);
        length.arg(&key);
        let Value::Int(length @ 1..) = ask(length).await? else { return Ok(Position::START) };
        last.arg(&key).arg(length - 1);
        let id = match ask(last).await? {
            Value::BulkString(entry) => id_of(&entry),
            _ => None,
        };
        let last = id.ok_or_else(|| Fault::Lasting(format!("the end of {key} is no entry")))?;
        Ok(Position { length: length.unsigned_abs(), last })
    }

    /// Whether any entry of the journal of before is to be written anew.
    async fn changes(&self, carry: &Carry) -> Result<bool, Fault> {
        let (key, mut from) = (self.keys.journal_before(), Position::START);
        loop {
            let found = self.stored_tail(&key, from).await?;
            let Some((_, stored)) = found.filter(|(_, stored)| !stored.is_empty()) else {
                return Ok(false);
            };
            from.length += stored.len() as u64;
            from.last = stored.last().and_then(|last| id_of(last)).unwrap_or_default();
            if carry.changes(&apart(stored).1) {
                return Ok(true);
            }
        }
    }

    /// Carries over the next entries, their places first.
    async fn carry_over(&self, carry: &Carry) -> Result<(), Fault> {
        let keys = [self.keys.journal_before(), self.keys.journal(JournalName::Incidents)];
        let from = self.carried_over().await?;
        let Some((length, stored)) = self.stored_tail(&keys[0], from).await? else {
            return Err(Fault::Lasting(format!(
                "{} holds other entries than {}: remove it, if no node of this version has run \
                 on this store, and start again",
                keys[1], keys[0]
            )));
        };
        let is_last = length == from.length + stored.len() as u64;
        let (ids, entries) = apart(stored);
        let (anew, places) = carry.carried(entries);
        for some in places.chunks(MOST_AT_ONCE) {
            self.keep_places(some).await?;
        }
        fail_point::pass(FailPoint::RedisUpgradePlaced);
        let anew = ids.into_iter().zip(anew).map(|(id, entry)| [id, entry].concat());
        let first = from.length.to_string().into_bytes();
        let arguments: Vec<Vec<u8>> = std::iter::once(first).chain(anew).collect();
        CARRY_OVER.call_and_wait(&self.connection, &keys, &arguments, self.min_replicas).await?;
        fail_point::pass(FailPoint::RedisUpgradeHalfWritten);
        if is_last {
            fail_point::pass(FailPoint::RedisUpgradeWritten);
        }
        Ok(())
    }
}

/// Ids and entries of what is stored.
fn apart(stored: Vec<Vec<u8>>) -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
    let split = |mut stored: Vec<u8>| {
        let entry = stored.split_off(ID_BYTES.min(stored.len()));
        (stored, entry)
    };
    stored.into_iter().map(split).unzip()
}
