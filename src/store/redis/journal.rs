//! The journal in one hash and the lease in another, in one slot: scripts append only for
//! who has the lease and has read to the end.
//!
//! Each entry carries an id that was drawn for it. A failover may lose the last entries
//! and others take their numbers; ids tell them apart, and tell a call that is repeated
//! what an earlier try of it did.

use super::connection::Fault;
use super::retry_policy::RetryPolicy;
use super::script::{APPEND, LEASE, RELEASE, TAIL};
use super::{Node, Redis};
use crate::store::StoreError;
use crate::store::fail_point::{self, FailPoint};
use crate::store::journal::{
    Appended, JournalName, Lease, MOST_BYTES_READ, MOST_ENTRIES_READ, NodeId, Piece, Position,
    Tail, Token, random,
};
use redis::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Before each entry.
pub(super) const ID_BYTES: usize = 8;

impl Redis {
    pub(in crate::store) async fn lease(
        &self,
        node: NodeId,
        for_ms: i64,
    ) -> Result<Lease, StoreError> {
        let this = Arc::clone(&self.node);
        self.here(async move { Ok(this.lease(node, for_ms).await?) }).await?
    }

    pub(in crate::store) async fn release(&self, token: Token) -> Result<(), StoreError> {
        let this = Arc::clone(&self.node);
        self.here(async move {
            Ok(RELEASE
                .call(&this.connection, &[this.keys.lease(JournalName::Incidents)], &held(token))
                .await
                .map(drop)?)
        })
        .await?
    }

    /// What follows a position of a journal.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub async fn journal(&self, name: JournalName, from: Position) -> Result<Tail, StoreError> {
        let this = Arc::clone(&self.node);
        self.here(async move { Ok(this.journal(name, from).await?) }).await?
    }

    pub(in crate::store) async fn append(
        &self,
        name: JournalName,
        token: Option<Token>,
        expected: Position,
        entries: &[Vec<u8>],
    ) -> Result<Appended, StoreError> {
        let (this, entries) = (Arc::clone(&self.node), with_ids(entries)?);
        self.here(async move { Ok(this.append(name, token, expected, entries).await?) }).await?
    }
}

impl Node {
    /// Who holds it must not lose it in a failover, so replicas are waited for here, too.
    async fn lease(&self, node: NodeId, for_ms: i64) -> Result<Lease, Fault> {
        let arguments = [named(node), for_ms.to_string()];
        let keys = [self.keys.lease(JournalName::Incidents)];
        let reply =
            LEASE.call_and_wait(&self.connection, &keys, &arguments, self.min_replicas).await?;
        match redis::from_redis_value(reply).map_err(|error| Fault::Lasting(error.to_string()))? {
            (0, for_ms) => Ok(Lease::HeldByOther { for_ms }),
            (number, _) => Ok(Lease::Held(Token { number, holder: node })),
        }
    }

    async fn journal(&self, name: JournalName, from: Position) -> Result<Tail, Fault> {
        let key = self.keys.journal(name);
        let Some((length, stored)) = self.stored_tail(&key, from).await? else {
            return Ok(Tail::Lost);
        };
        self.entries_of(name).store(length, Ordering::Relaxed);
        let (mut entries, mut end) = (Vec::with_capacity(stored.len()), from);
        for mut entry in stored {
            let last = id_of(&entry).ok_or_else(|| unreadable(&key, end.length))?;
            end = Position { length: end.length + 1, last };
            entry.drain(..ID_BYTES);
            entries.push(entry);
        }
        Ok(Tail::Since(Piece { entries, end, more: end.length < length }))
    }

    /// How many entries the journal in a key has, and those that follow a position, each
    /// behind its id; None where it lost what was read before.
    pub(super) async fn stored_tail(
        &self,
        key: &str,
        from: Position,
    ) -> Result<Option<(u64, Vec<Vec<u8>>)>, Fault> {
        let bounds = [from.length, MOST_ENTRIES_READ as u64, MOST_BYTES_READ as u64]
            .map(|number| number.to_string().into_bytes());
        let [length, most_entries, most_bytes] = bounds;
        let arguments = [length, from.last.to_le_bytes().to_vec(), most_entries, most_bytes];
        let unreadable = || unreadable(key, from.length);
        let Value::Array(reply) =
            TAIL.call(&self.connection, &[key.to_owned()], &arguments).await?
        else {
            return Err(unreadable());
        };
        let mut reply = reply.into_iter();
        let Some(Value::Int(length)) = reply.next() else { return Err(unreadable()) };
        let Ok(length) = u64::try_from(length) else { return Ok(None) };
        let stored = |entry: Value| match entry {
            Value::BulkString(stored) => Ok(stored),
            _ => Err(unreadable()),
        };
        Ok(Some((length, reply.map(stored).collect::<Result<_, _>>()?)))
    }

    /// Repeated until its answer is known, or time is up.
    async fn append(
        &self,
        name: JournalName,
        token: Option<Token>,
        expected: Position,
        entries: Vec<Vec<u8>>,
    ) -> Result<Appended, Fault> {
        let mut end = Position { length: expected.length + entries.len() as u64, ..expected };
        if let Some(id) = entries.last().and_then(|last| id_of(last)) {
            end.last = id;
        }
        let [node, number] = token.map_or_else(<[String; 2]>::default, held);
        let head = [
            node.into_bytes(),
            number.into_bytes(),
            expected.length.to_string().into_bytes(),
            expected.last.to_le_bytes().to_vec(),
        ];
        let arguments: Vec<Vec<u8>> = head.into_iter().chain(entries).collect();
        let keys = [self.keys.journal(name), self.keys.lease(name)];
        let mut retries = RetryPolicy::of(self.connection.timing().repeat);
        loop {
            fail_point::pass(FailPoint::BeforeRedisAppend);
            match APPEND.call_and_wait(&self.connection, &keys, &arguments, self.min_replicas).await
            {
                Ok(Value::Int(1)) => {
                    fail_point::pass(FailPoint::RedisAppended);
                    self.entries_of(name).fetch_max(end.length, Ordering::Relaxed);
                    return Ok(Appended::Yes { end });
                }
                Ok(Value::Int(0)) => return Ok(Appended::Behind),
                Ok(Value::Int(-1)) => return Ok(Appended::Fenced),
                Ok(other) => {
                    return Err(Fault::Lasting(format!(
                        "an outcome of an append was expected, got {other:?}"
                    )));
                }
                Err(fault) if fault.is_passing() => retries.after(fault).await?,
                Err(lasting) => return Err(lasting),
            }
        }
    }

    /// Entries of a journal, as of the last look.
    pub(super) fn entries_of(&self, name: JournalName) -> &AtomicU64 {
        match name {
            JournalName::Incidents => &self.journal_entries,
            JournalName::Ledger => &self.ledger_entries,
        }
    }
}

/// The id of an entry as it is stored.
pub(super) fn id_of(stored: &[u8]) -> Option<u64> {
    stored.first_chunk().map(|id| u64::from_le_bytes(*id))
}

/// Entries as they are stored.
pub(super) fn with_ids(entries: &[Vec<u8>]) -> Result<Vec<Vec<u8>>, StoreError> {
    let first = random()?;
    let with_id =
        |(n, entry): (u64, &Vec<u8>)| [&first.wrapping_add(n).to_le_bytes()[..], entry].concat();
    Ok((0..).zip(entries).map(with_id).collect())
}

/// Holder and number, as scripts know them.
fn held(token: Token) -> [String; 2] {
    [named(token.holder), token.number.to_string()]
}

/// A node, as scripts know it: a number would lose its last bits there.
fn named(node: NodeId) -> String {
    format!("{:016x}", node.0)
}

fn unreadable(key: &str, number: u64) -> Fault {
    Fault::Lasting(format!("entry {number} of {key} cannot be read"))
}
