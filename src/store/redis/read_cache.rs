//! What this node has read of a provider's facts: the next reader reads only what came
//! since.
//!
//! An hour's facts are a string that only grows, so what came since is its end. The last
//! row read is read again: where it is another one, or the string is shorter than what
//! was read, the Redis lost what it had, and the hour is read anew.

use super::SHARDS;
use super::connection::{Ask, Connection, Fault};
use super::keys::ShardKeys;
use super::rows::{self, ROW_BYTES};
use crate::domain::counts::Counts;
use crate::domain::time::{Hour, Minute};
use redis::Value;
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Range;
use std::sync::Arc;

/// Hours that nobody asked for in so many steps of maintenance (five seconds each) are
/// let go.
const KEPT_FOR_STEPS: u64 = 180;

/// Bytes of facts that are read at once, and what an hour whose bytes are not known is
/// taken for.
const READ_AT_ONCE: u64 = 16 << 20;
const CLOSED_BYTES: u64 = 256 << 10;

/// The open hours of each shard, and the bytes of their facts.
pub type OpenHours = Vec<BTreeMap<Hour, u64>>;

/// A provider's facts, as far as they were asked for.
#[derive(Debug, Default)]
pub struct ReadCache {
    minutes: BTreeMap<Minute, Arc<Counts>>,
    hours: BTreeMap<Hour, HourRead>,
}

/// How much of an hour was read.
#[derive(Debug)]
struct HourRead {
    shards: [ShardRead; SHARDS as usize],
    asked: u64,
}

#[derive(Debug, Clone, Copy, Default)]
struct ShardRead {
    bytes: u64,
    last_row: [u8; ROW_BYTES],
    state: State,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum State {
    #[default]
    Unread,
    /// It was among the open hours when read.
    Open,
    /// It was not: it stays as it was read unless it opens again.
    Closed,
}

/// What has to be read of one hour in one shard.
#[derive(Debug, Clone, Copy)]
struct Piece {
    hour: Hour,
    shard: u32,
    /// From which byte of the string.
    from: u64,
    /// How many bytes are expected; a guess where the hour is closed.
    bytes: u64,
    open: bool,
}

/// Reads the open hours of a provider.
///
/// # Errors
/// Where a shard does not answer.
pub async fn open_hours(connection: &Connection, keys: &[ShardKeys]) -> Result<OpenHours, Fault> {
    let ask = |keys: &ShardKeys| {
        let mut all = redis::cmd("HGETALL");
        all.arg(keys.open());
        Ask { key: keys.open(), commands: vec![all] }
    };
    let asks: Vec<Ask> = keys.iter().map(ask).collect();
    let replies = connection.ask_all(&asks).await?;
    replies.into_iter().map(|mut replies| pairs(replies.pop().unwrap_or_default())).collect()
}

/// A number that changes with the open hours.
#[must_use]
pub fn revision(open: &OpenHours) -> u64 {
    let mut hasher = DefaultHasher::new();
    open.hash(&mut hasher);
    hasher.finish()
}

impl ReadCache {
    /// Reads what came since of these hours, given what is open. Cancelled or failed
    /// half-way, it is as it was.
    ///
    /// # Errors
    /// Where a shard does not answer.
    pub async fn refresh(
        &mut self,
        connection: &Connection,
        keys: &[ShardKeys],
        open: &OpenHours,
        range: Range<Hour>,
        step: u64,
    ) -> Result<(), Fault> {
        let mut pieces = self.pieces(open, range.clone());
        while !pieces.is_empty() {
            let rest = pieces.split_off(first_of_the_rest(&pieces));
            let some = std::mem::replace(&mut pieces, rest);
            let read = read(connection, keys, &some).await?;
            for hour in self.take(&some, read)? {
                self.forget(hour);
                pieces.retain(|piece| piece.hour != hour);
                pieces.extend(self.pieces(open, hour..hour.plus(1)));
            }
        }
        for (_, hour) in self.hours.range_mut(range) {
            hour.asked = step;
        }
        Ok(())
    }

    /// The minutes of a range that hold facts.
    #[must_use]
    pub fn minutes(&self, range: Range<Minute>) -> Vec<(Minute, Arc<Counts>)> {
        self.minutes.range(range).map(|(minute, counts)| (*minute, Arc::clone(counts))).collect()
    }

    /// Lets go of hours before `keep` and of those that nobody asked for lately; sorts
    /// minutes before `settle` that were added to.
    pub fn tidy(&mut self, keep: Hour, settle: Minute, step: u64) {
        let old = self
            .hours
            .iter()
            .filter(|(hour, read)| **hour < keep || read.asked + KEPT_FOR_STEPS < step);
        let old: Vec<Hour> = old.map(|(hour, _)| *hour).collect();
        for hour in old {
            self.forget(hour);
        }
        for counts in self
            .minutes
            .range_mut(..settle)
            .map(|(_, counts)| counts)
            .filter(|counts| !counts.is_settled())
        {
            Arc::make_mut(counts).settle();
        }
    }

    /// Rows of minutes whose hours are still open, and the bytes that all rows take.
    #[must_use]
    pub fn size(&self) -> (u64, u64) {
        let is_open =
            |minute: &Minute| self.hours.get(&minute.hour()).is_some_and(HourRead::is_open);
        let rows = self
            .minutes
            .iter()
            .filter(|(minute, _)| is_open(minute))
            .map(|(_, counts)| counts.len() as u64)
            .sum();
        let bytes = self
            .minutes
            .values()
            .map(|counts| (counts.heap_bytes() + size_of::<Counts>()) as u64)
            .sum();
        (rows, bytes)
    }

    /// What has to be read so that these hours are as they are now.
    fn pieces(&mut self, open: &OpenHours, range: Range<Hour>) -> Vec<Piece> {
        let mut pieces = Vec::new();
        for hour in (range.start.0..range.end.0).map(Hour) {
            let known = self.hours.entry(hour).or_default();
            // Closed since: it may have been rewritten, and is read once more from its
            // beginning. Shorter than before: so is what was lost.
            let lost = |(read, open): (&ShardRead, &BTreeMap<Hour, u64>)| match open.get(&hour) {
                None => read.state == State::Open,
                Some(bytes) => *bytes < read.bytes,
            };
            if known.shards.iter().zip(open).any(lost) {
                self.forget(hour);
            }
            let known = self.hours.entry(hour).or_default();
            for (shard, (read, open)) in (0..).zip(known.shards.iter().zip(open)) {
                let from = read.bytes.saturating_sub(ROW_BYTES as u64);
                match open.get(&hour) {
                    Some(bytes) if read.state == State::Unread || *bytes != read.bytes => {
                        pieces.push(Piece { hour, shard, from, bytes: bytes - from, open: true });
                    }
                    None if read.state == State::Unread => {
                        pieces.push(Piece { hour, shard, from, bytes: CLOSED_BYTES, open: false });
                    }
                    _ => {}
                }
            }
        }
        pieces
    }

    /// Adds what was read. Gives the hours whose last row is another one than before,
    /// which are as they were.
    fn take(&mut self, pieces: &[Piece], read: Vec<Vec<u8>>) -> Result<Vec<Hour>, Fault> {
        let mut lost: Vec<Hour> = Vec::new();
        for (piece, bytes) in pieces.iter().zip(&read) {
            let known = self.hours.entry(piece.hour).or_default().shards[piece.shard as usize];
            if known.bytes > 0 && !bytes.starts_with(&known.last_row) && !lost.contains(&piece.hour)
            {
                lost.push(piece.hour);
            }
        }
        for (piece, bytes) in
            pieces.iter().zip(read).filter(|(piece, _)| !lost.contains(&piece.hour))
        {
            let shard = &mut self.hours.entry(piece.hour).or_default().shards[piece.shard as usize];
            let known = if shard.bytes > 0 { ROW_BYTES } else { 0 };
            let facts = rows::read(piece.hour, &bytes[known..]);
            let facts = facts.ok_or_else(|| {
                Fault::Lasting(format!("facts of hour {} are not whole rows", piece.hour.0))
            })?;
            for (minute, key, tally) in facts {
                Arc::make_mut(self.minutes.entry(minute).or_default()).add(key, tally);
            }
            shard.bytes = piece.from + bytes.len() as u64;
            shard.state = if piece.open { State::Open } else { State::Closed };
            if let Some(last) = bytes.last_chunk() {
                shard.last_row = *last;
            }
        }
        Ok(lost)
    }

    fn forget(&mut self, hour: Hour) {
        self.hours.remove(&hour);
        let mut rest = self.minutes.split_off(&hour.first_minute());
        self.minutes.append(&mut rest.split_off(&hour.plus(1).first_minute()));
    }
}

impl HourRead {
    fn is_open(&self) -> bool {
        self.shards.iter().any(|shard| shard.state == State::Open)
    }
}

impl Default for HourRead {
    fn default() -> Self {
        Self { shards: [ShardRead::default(); SHARDS as usize], asked: 0 }
    }
}

/// The first piece that is to be read later: a reply has to come within its time.
fn first_of_the_rest(pieces: &[Piece]) -> usize {
    let mut bytes = 0;
    let fits = |piece: &&Piece| {
        bytes += piece.bytes;
        bytes <= READ_AT_ONCE
    };
    pieces.iter().take_while(fits).count().max(1)
}

async fn read(
    connection: &Connection,
    keys: &[ShardKeys],
    pieces: &[Piece],
) -> Result<Vec<Vec<u8>>, Fault> {
    // By shard, so that a cluster is asked once a slot.
    let mut asks: BTreeMap<u32, (Ask, Vec<usize>)> = BTreeMap::new();
    for (place, piece) in pieces.iter().enumerate() {
        let keys = &keys[piece.shard as usize];
        let mut range = redis::cmd("GETRANGE");
        range.arg(keys.facts(piece.hour)).arg(piece.from).arg(-1);
        let (ask, places) = asks
            .entry(piece.shard)
            .or_insert_with(|| (Ask { key: keys.open(), commands: Vec::new() }, Vec::new()));
        ask.commands.push(range);
        places.push(place);
    }
    let (asks, places): (Vec<Ask>, Vec<Vec<usize>>) = asks.into_values().unzip();
    let mut read = vec![Vec::new(); pieces.len()];
    for (replies, places) in connection.ask_all(&asks).await?.into_iter().zip(places) {
        for (reply, place) in replies.into_iter().zip(places) {
            let Value::BulkString(bytes) = reply else {
                return Err(Fault::Lasting(format!("facts were expected, got {reply:?}")));
            };
            read[place] = bytes;
        }
    }
    Ok(read)
}

/// Hours and bytes of a hash.
fn pairs(reply: Value) -> Result<BTreeMap<Hour, u64>, Fault> {
    let pairs: Vec<(i64, u64)> =
        redis::from_redis_value(reply).map_err(|error| Fault::Lasting(error.to_string()))?;
    Ok(pairs.into_iter().map(|(hour, bytes)| (Hour(hour), bytes)).collect())
}
