//! Who already counts: one small record per provider, reporter and reporter's day.

use crate::domain::report::Report;
use crate::domain::symptom::Claim;
use crate::store::SHARDS;
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

/// Sixteen bytes a reporter: the keyed hash; and, from the top, provider 16 bits, hour of
/// the last write 12, claims taken 36.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record {
    hash: u64,
    rest: u64,
}

/// A reporter that is remembered: by keyed hash, with the provider's number and a bit for
/// each claim taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Remembered {
    /// The keyed hash.
    pub hash: u64,
    /// The provider's number in this store.
    pub provider: u16,
    /// A bit for each of the day's claims.
    pub taken: u64,
}

const HOUR_SHIFT: u32 = 36;
const PROVIDER_SHIFT: u32 = 48;
const TAKEN_MASK: u64 = (1 << HOUR_SHIFT) - 1;
const HOURS: i64 = 1 << 12;

/// What a report asks for: a bit of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ask {
    /// The reporter's keyed hash.
    pub hash: u64,
    /// The provider's number in this store.
    pub provider: u16,
    /// Which of 36: period times claim.
    pub bit: u8,
    /// The hour it came.
    pub hour: i64,
}

/// The answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// Free until now; the reporter's first of this provider that day.
    First,
    /// Free until now.
    Again,
    /// Taken before.
    Already,
}

/// All records, spread over shards by hash.
#[derive(Debug)]
pub struct Claims {
    shards: Vec<HashTable<Record>>,
}

impl Ask {
    /// What this report asks for.
    #[must_use]
    pub fn of(report: &Report, provider: u16) -> Self {
        let bit = report.reporter.slot * 3 + report.symptom.claim() as u8;
        debug_assert!(Claim::Working as u8 == 2, "three claims a period");
        Self { hash: report.reporter.hash, provider, bit, hour: report.observed.arrived.hour().0 }
    }

    fn record(self) -> Record {
        let hour = self.hour.rem_euclid(HOURS) as u64;
        Record {
            hash: self.hash,
            rest: u64::from(self.provider) << PROVIDER_SHIFT | hour << HOUR_SHIFT | 1 << self.bit,
        }
    }
}

impl Record {
    /// Bytes of a stored record.
    pub const BYTES: usize = 16;

    /// As stored.
    #[must_use]
    pub fn to_bytes(self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        bytes[..8].copy_from_slice(&self.hash.to_le_bytes());
        bytes[8..].copy_from_slice(&self.rest.to_le_bytes());
        bytes
    }

    /// From what was stored.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; Self::BYTES]) -> Self {
        let half = |range: std::ops::Range<usize>| {
            u64::from_le_bytes(bytes[range].try_into().expect("eight bytes"))
        };
        Self { hash: half(0..8), rest: half(8..16) }
    }

    /// Who it is of, and what is taken.
    #[must_use]
    pub const fn remembered(self) -> Remembered {
        Remembered { hash: self.hash, provider: self.provider() as u16, taken: self.taken() }
    }

    const fn provider(self) -> u64 {
        self.rest >> PROVIDER_SHIFT
    }

    const fn is_of(self, other: Self) -> bool {
        self.hash == other.hash && self.provider() == other.provider()
    }

    const fn taken(self) -> u64 {
        self.rest & TAKEN_MASK
    }

    /// Hours since the last write; what seems far in the future was written before the
    /// clock was set back.
    const fn age_hours(self, now_hour: i64) -> i64 {
        let written = (self.rest >> HOUR_SHIFT) as i64 % HOURS;
        let age = (now_hour - written).rem_euclid(HOURS);
        if age < HOURS / 2 { age } else { 0 }
    }

    /// Both records in one: what either took, written when `later` was.
    const fn with(self, later: Self) -> Self {
        Self { hash: self.hash, rest: later.rest | self.taken() }
    }

    // The keyed hash is random already. Its lowest bits choose the shard and are all
    // alike within it, so they must choose neither the bucket (low bits) nor the tag (top
    // seven).
    const fn table_hash(self) -> u64 {
        self.hash.rotate_right(11) ^ self.provider() << 20
    }

    const fn shard(self) -> usize {
        (self.hash % SHARDS as u64) as usize
    }
}

impl Default for Claims {
    fn default() -> Self {
        Self { shards: (0..SHARDS).map(|_| HashTable::new()).collect() }
    }
}

impl Claims {
    /// Takes what is asked for, if it is free.
    pub fn take(&mut self, ask: Ask) -> Taken {
        let asked = ask.record();
        match self.entry(asked) {
            Entry::Occupied(mut entry) => {
                let there = *entry.get();
                if there.taken() & asked.taken() != 0 {
                    return Taken::Already;
                }
                *entry.get_mut() = there.with(asked);
                Taken::Again
            }
            Entry::Vacant(entry) => {
                entry.insert(asked);
                Taken::First
            }
        }
    }

    /// Gives back what [`Claims::take`] just took.
    pub fn give_back(&mut self, ask: Ask) {
        let asked = ask.record();
        if let Entry::Occupied(mut entry) = self.entry(asked) {
            entry.get_mut().rest &= !asked.taken();
            if entry.get().taken() == 0 {
                entry.remove();
            }
        }
    }

    /// Puts a stored record back, beside what is there already.
    pub fn restore(&mut self, record: Record) {
        match self.entry(record) {
            Entry::Occupied(mut entry) => *entry.get_mut() = entry.get().with(record),
            Entry::Vacant(entry) => {
                entry.insert(record);
            }
        }
    }

    /// Makes room for so many records a shard.
    pub fn reserve(&mut self, shard: usize, records: usize) {
        self.shards[shard].reserve(records, |record| record.table_hash());
    }

    /// Forgets the records of one shard that were last written over `keep_hours` ago.
    pub fn forget(&mut self, shard: usize, now_hour: i64, keep_hours: i64) {
        let table = &mut self.shards[shard];
        table.retain(|record| record.age_hours(now_hour) <= keep_hours);
        if table.capacity() > 4 * table.len() + 1_024 {
            table.shrink_to(2 * table.len(), |record| record.table_hash());
        }
    }

    /// The stored form of one shard.
    #[must_use]
    pub fn shard_bytes(&self, shard: usize) -> Vec<u8> {
        let table = &self.shards[shard];
        let mut bytes = Vec::with_capacity(table.len() * Record::BYTES);
        for record in table {
            bytes.extend_from_slice(&record.to_bytes());
        }
        bytes
    }

    /// How many records.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shards.iter().map(HashTable::len).sum()
    }

    fn entry(&mut self, asked: Record) -> Entry<'_, Record> {
        self.shards[asked.shard()].entry(
            asked.table_hash(),
            |there| there.is_of(asked),
            |record| record.table_hash(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASK: Ask = Ask { hash: 0xdead_beef, provider: 7, bit: 0, hour: 100 };

    #[test]
    fn a_claim_is_taken_once_and_first_once_a_day() {
        let mut claims = Claims::default();
        assert_eq!(claims.take(ASK), Taken::First);
        assert_eq!(claims.take(ASK), Taken::Already);
        assert_eq!(claims.take(Ask { bit: 35, ..ASK }), Taken::Again);
        assert_eq!(claims.take(Ask { provider: 8, ..ASK }), Taken::First);
        assert_eq!(claims.take(Ask { hash: 0xdead_beee, ..ASK }), Taken::First);
        assert_eq!(claims.len(), 3);
    }

    #[test]
    fn what_is_given_back_is_free_again() {
        let mut claims = Claims::default();
        claims.take(ASK);
        claims.take(Ask { bit: 1, ..ASK });
        claims.give_back(Ask { bit: 1, ..ASK });
        assert_eq!(claims.take(Ask { bit: 1, ..ASK }), Taken::Again);
        claims.give_back(Ask { bit: 1, ..ASK });
        claims.give_back(ASK);
        assert_eq!(claims.take(ASK), Taken::First);
    }

    #[test]
    fn claims_are_forgotten_by_the_hour_of_the_last_write() {
        let now = 100;
        for (written, kept) in [(now - 74, false), (now - 73, true), (now, true), (now + 5, true)] {
            let mut claims = Claims::default();
            claims.take(Ask { hour: written, ..ASK });
            for shard in 0..SHARDS as usize {
                claims.forget(shard, now, 73);
            }
            assert_eq!(claims.len() == 1, kept, "written at {written}");
        }
    }

    #[test]
    fn stored_records_come_back_beside_what_is_there() {
        let mut claims = Claims::default();
        claims.take(ASK);
        let stored = claims.shard_bytes(ASK.record().shard());
        let mut again = Claims::default();
        again.take(Ask { bit: 1, ..ASK });
        again.restore(Record::from_bytes(stored[..].try_into().unwrap()));
        assert_eq!(
            (again.take(ASK), again.take(Ask { bit: 1, ..ASK })),
            (Taken::Already, Taken::Already)
        );
    }
}
