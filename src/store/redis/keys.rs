//! Names of keys: all of them, and nowhere else.
//!
//! What one report touches shares a hash tag, `{provider:shard}`, and with it a slot of a
//! cluster: one script writes it all or nothing.

use crate::domain::time::Hour;
use crate::store::journal::JournalName;

/// The keys of one tenant.
#[derive(Debug, Clone)]
pub struct Keys {
    prefix: String,
}

/// The keys of one provider in one shard.
#[derive(Debug, Clone)]
pub struct ShardKeys {
    base: String,
}

/// The keys of the public twins of one provider's hours.
#[derive(Debug, Clone)]
pub struct ShownKeys {
    base: String,
}

/// Where a reporter's claims are: `hash` has 64 bits, of which the shard takes 4, the key
/// 6 and 14, and the field the other 40.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClaimPlace {
    /// The reporter's day, modulo 64.
    pub day: u8,
    /// Which of a day's hashes.
    pub bucket: u16,
    /// The rest.
    pub field: [u8; 5],
}

/// A half-day (of 12 h since 1970, by the clock of who wrote) in which claims of a
/// reporter's day were written. Claims are forgotten by when they were written, many at
/// once, and never by what a sender's clock said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Written {
    /// The half-day.
    pub half_day: i64,
    /// The reporter's day, modulo 64.
    pub day: u8,
}

const HALF_DAY_HOURS: i64 = 12;
/// Buckets that share a bit: 128 bytes then say what was written, as much as a key costs
/// anyway. With a bit each it would be 2 KiB for one report.
const GROUP_BITS: u32 = 4;
const BUCKET_BITS: u32 = 14;
const SHARD_BITS: u32 = super::SHARDS.trailing_zeros();
const FIELD_SHIFT: u32 = SHARD_BITS + BUCKET_BITS;
const DAY_SHIFT: u32 = crate::domain::reporter::DAY_SHIFT;
const _: () = assert!(
    super::SHARDS.is_power_of_two() && DAY_SHIFT - FIELD_SHIFT == 40,
    "shard, bucket, field and day are the whole hash"
);

impl Keys {
    /// Keys that begin with `prefix`.
    #[must_use]
    pub fn new(prefix: &str) -> Self {
        Self { prefix: prefix.to_owned() }
    }

    /// What the store was written with. The one name that every version knows.
    #[must_use]
    pub fn meta(&self) -> String {
        format!("{}:meta", self.prefix)
    }

    /// The minutes of one day (of 24 h since 1970) in which somebody ran, a bit each.
    #[must_use]
    pub fn live_day(&self, day: i64) -> String {
        format!("{}:1:{{live}}:{day}", self.prefix)
    }

    /// The days of which there are such minutes.
    #[must_use]
    pub fn live_days(&self) -> String {
        format!("{}:1:{{live}}:days", self.prefix)
    }

    /// Written to learn whether writing works; spread over the slots.
    #[must_use]
    pub fn probe(&self, n: u32) -> String {
        format!("{}:1:{{probe:{n}}}", self.prefix)
    }

    /// Never written: removing it tells whether writing works.
    #[must_use]
    pub fn spare(&self) -> String {
        format!("{}:1:spare", self.prefix)
    }

    /// Held by the node that keeps house.
    #[must_use]
    pub fn maintenance(&self) -> String {
        format!("{}:1:maintenance", self.prefix)
    }

    /// Units of a copy that are done.
    #[must_use]
    pub fn copied(&self) -> String {
        format!("{}:1:copied", self.prefix)
    }

    /// A journal: number of an entry to the entry, behind its id. That of incidents is
    /// another than in format 1.
    #[must_use]
    pub fn journal(&self, name: JournalName) -> String {
        let format = match name {
            JournalName::Incidents => 2,
            JournalName::Ledger => 1,
        };
        format!("{}:{format}:{{{}}}:journal", self.prefix, name.name())
    }

    /// The journal of incidents of format 1. Since then it holds a text, which ends every
    /// call of a version that takes it for a journal.
    #[must_use]
    pub fn journal_before(&self) -> String {
        format!("{}:1:{{incidents}}:journal", self.prefix)
    }

    /// The lease of a journal, in its slot: of incidents, that of the node that detects. Of
    /// the ledger there is none.
    #[must_use]
    pub fn lease(&self, name: JournalName) -> String {
        format!("{}:1:{{{}}}:lease", self.prefix, name.name())
    }

    /// Places of incidents that were made known in a day (of UTC since 1970), in the slot of
    /// their journal: revision to its place.
    #[must_use]
    pub fn places(&self, day: i64) -> String {
        format!("{}:1:{{incidents}}:places:{day}", self.prefix)
    }

    /// The days of which there are such places.
    #[must_use]
    pub fn place_days(&self) -> String {
        format!("{}:1:{{incidents}}:places", self.prefix)
    }

    /// Reports of a day (of UTC since 1970) by key.
    #[must_use]
    pub fn used_on(&self, day: i64) -> String {
        format!("{}:1:{{quota}}:{day}", self.prefix)
    }

    /// The days of which there are such counts.
    #[must_use]
    pub fn used_days(&self) -> String {
        format!("{}:1:{{quota}}:days", self.prefix)
    }

    /// The last day of use by key.
    #[must_use]
    pub fn last_used(&self) -> String {
        format!("{}:1:{{quota}}:last", self.prefix)
    }

    /// Nodes that told what keys were used for, and when: in milliseconds of Redis' clock,
    /// with the number of the batch.
    #[must_use]
    pub fn nodes(&self) -> String {
        format!("{}:1:{{quota}}:nodes", self.prefix)
    }

    /// Those of the public twins of a provider's hours.
    #[must_use]
    pub fn shown(&self, provider: &str) -> ShownKeys {
        ShownKeys { base: format!("{}:1:{{{provider}:shown}}", self.prefix) }
    }

    /// Those of a provider in a shard.
    #[must_use]
    pub fn shard(&self, provider: &str, shard: u32) -> ShardKeys {
        ShardKeys { base: format!("{}:1:{{{provider}:{shard}}}", self.prefix) }
    }
}

impl ShardKeys {
    /// Hours that can still change: hour to bytes of its facts.
    #[must_use]
    pub fn open(&self) -> String {
        format!("{}:open", self.base)
    }

    /// Hours that were rolled up: hour to bytes of the facts that the roll-up is of.
    #[must_use]
    pub fn aged(&self) -> String {
        format!("{}:aged", self.base)
    }

    /// The facts of an hour's minutes, appended as they came.
    #[must_use]
    pub fn facts(&self, hour: Hour) -> String {
        format!("{}:m:{}", self.base, hour.0)
    }

    /// An hour's facts in cells no finer than resolution 7.
    #[must_use]
    pub fn rolled_up(&self, hour: Hour) -> String {
        format!("{}:h:{}", self.base, hour.0)
    }

    /// Half-days in which claims were written, each with the reporter's day that they are
    /// of.
    #[must_use]
    pub fn written(&self) -> String {
        format!("{}:w", self.base)
    }

    /// Which buckets of a reporter's day were written to in a half-day: a bit for each
    /// group of them.
    #[must_use]
    pub fn written_in(&self, written: Written) -> String {
        format!("{}:w:{written}", self.base)
    }

    /// Claims of reporters: field of the reporter to a bit for each claim taken.
    #[must_use]
    pub fn claims(&self, place: ClaimPlace) -> String {
        format!("{}:c:{:x}:{:x}", self.base, place.day, place.bucket)
    }
}

impl ShownKeys {
    /// Hours that have a twin: hour to the two bytes of its rule.
    #[must_use]
    pub fn kept(&self) -> String {
        format!("{}:kept", self.base)
    }

    /// The twin of an hour.
    #[must_use]
    pub fn hour(&self, hour: Hour) -> String {
        format!("{}:h:{}", self.base, hour.0)
    }
}

/// The buckets of a group.
pub fn buckets_of(group: u16) -> std::ops::Range<u16> {
    group << GROUP_BITS..(group + 1) << GROUP_BITS
}

impl Written {
    /// Claims of that day, written in this hour.
    #[must_use]
    pub const fn at(hour: Hour, day: u8) -> Self {
        Self { half_day: hour.0.div_euclid(HALF_DAY_HOURS), day }
    }

    /// The last hour in which it was written.
    #[must_use]
    pub const fn last_hour(self) -> Hour {
        Hour((self.half_day + 1) * HALF_DAY_HOURS - 1)
    }

    /// What [`Display`](std::fmt::Display) wrote.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (half_day, day) = text.split_once(':')?;
        Some(Self { half_day: half_day.parse().ok()?, day: u8::from_str_radix(day, 16).ok()? })
    }
}

impl std::fmt::Display for Written {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{:x}", self.half_day, self.day)
    }
}

impl ClaimPlace {
    /// Where the claims of this reporter are, within their shard.
    #[must_use]
    pub const fn of(hash: u64) -> Self {
        let [f0, f1, f2, f3, f4, ..] = (hash >> FIELD_SHIFT & ((1 << 40) - 1)).to_le_bytes();
        let bucket = (hash >> SHARD_BITS & ((1 << BUCKET_BITS) - 1)) as u16;
        Self { day: (hash >> DAY_SHIFT) as u8, bucket, field: [f0, f1, f2, f3, f4] }
    }

    /// Which group its bucket belongs to.
    #[must_use]
    pub const fn group(self) -> u16 {
        self.bucket >> GROUP_BITS
    }
}

/// The shard of this reporter.
#[must_use]
pub const fn shard_of(hash: u64) -> u32 {
    (hash % super::SHARDS as u64) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_two_reporters_share_a_place(hash: u64) {
            let ClaimPlace { day, bucket, field } = ClaimPlace::of(hash);
            let mut rest = [0; 8];
            rest[..5].copy_from_slice(&field);
            let again = u64::from(day) << DAY_SHIFT
                | u64::from_le_bytes(rest) << FIELD_SHIFT
                | u64::from(bucket) << SHARD_BITS
                | u64::from(shard_of(hash));
            prop_assert_eq!(again, hash);
        }
    }

    #[test]
    fn every_bucket_is_in_its_group() {
        for bucket in 0..1 << BUCKET_BITS {
            assert!(
                buckets_of(ClaimPlace { day: 0, bucket, field: [0; 5] }.group()).contains(&bucket)
            );
        }
    }

    #[test]
    fn all_that_a_report_touches_has_one_tag() {
        let keys = Keys::new("tenant").shard("rogers", 3);
        let all = [
            keys.open(),
            keys.aged(),
            keys.facts(Hour(9)),
            keys.rolled_up(Hour(9)),
            keys.claims(ClaimPlace::of(77)),
            keys.written(),
        ];
        assert!(all.iter().all(|key| key.starts_with("tenant:1:{rogers:3}:")), "{all:?}");
    }

    #[test]
    fn what_a_script_touches_beside_facts_has_one_tag() {
        let keys = Keys::new("tenant");
        for name in JournalName::ALL {
            let tag = format!(":{{{}}}:", name.name());
            assert!([keys.journal(name), keys.lease(name)].iter().all(|key| key.contains(&tag)));
        }
        let shown = keys.shown("rogers");
        let shown = [shown.kept(), shown.hour(Hour(9))];
        assert!(shown.iter().all(|key| key.starts_with("tenant:1:{rogers:shown}:")), "{shown:?}");
        let of_incidents = [keys.journal_before(), keys.places(1), keys.place_days()];
        assert!(of_incidents.iter().all(|key| key.contains(":{incidents}:")), "{of_incidents:?}");
        let used = [keys.used_on(20_422), keys.used_days(), keys.last_used(), keys.nodes()];
        assert!(used.iter().all(|key| key.starts_with("tenant:1:{quota}:")), "{used:?}");
    }
}
