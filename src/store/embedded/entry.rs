//! What the log says of a report that counts.

use super::claims::Ask;
use super::stored_time::stored_minute;
use crate::domain::fact::FactKey;
use crate::domain::report::Counted;
use crate::domain::time::Minute;

/// A counted report in 24 bytes: all that is needed to count it again, and to know its
/// reporter again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// The provider's number in this store.
    pub provider: u16,
    /// The reporter's keyed hash.
    pub hash: u64,
    /// Which of a reporter's 36 claims it took.
    pub bit: u8,
    /// What it adds to the facts.
    pub counted: Counted,
}

const BIT_SHIFT: u32 = 57;
const FIRST_SHIFT: u32 = 63;
const KEY_MASK: u64 = (1 << BIT_SHIFT) - 1;

impl Entry {
    /// Bytes of one.
    pub const BYTES: usize = 24;

    /// The claim it took.
    #[must_use]
    pub const fn ask(&self) -> Ask {
        Ask {
            hash: self.hash,
            provider: self.provider,
            bit: self.bit,
            hour: self.counted.arrived.hour().0,
        }
    }

    /// As written.
    pub fn write(&self, out: &mut Vec<u8>) {
        let Counted { key, observed, arrived, first } = self.counted;
        let key = key.number() | u64::from(self.bit) << BIT_SHIFT | u64::from(first) << FIRST_SHIFT;
        let lag = u16::try_from(arrived.0 - observed.0).expect("the lateness is at most 14 days");
        let mut bytes = [0; Self::BYTES];
        bytes[..8].copy_from_slice(&self.hash.to_le_bytes());
        bytes[8..16].copy_from_slice(&key.to_le_bytes());
        bytes[16..20].copy_from_slice(&stored_minute(observed).to_le_bytes());
        bytes[20..22].copy_from_slice(&lag.to_le_bytes());
        bytes[22..].copy_from_slice(&self.provider.to_le_bytes());
        out.extend_from_slice(&bytes);
    }

    /// From what was written and guarded by a checksum since.
    #[must_use]
    pub fn read(bytes: &[u8; Self::BYTES]) -> Self {
        let eight =
            |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"));
        let two = |at: usize| u16::from_le_bytes([bytes[at], bytes[at + 1]]);
        let key = eight(8);
        let observed =
            Minute(i64::from(u32::from_le_bytes(bytes[16..20].try_into().expect("four bytes"))));
        Self {
            provider: two(22),
            hash: eight(0),
            bit: (key >> BIT_SHIFT & 0x3f) as u8,
            counted: Counted {
                key: FactKey::from_number_unchecked(key & KEY_MASK),
                observed,
                arrived: observed.plus(i64::from(two(20))),
                first: key >> FIRST_SHIFT == 1,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fact::{Lane, Source};
    use crate::domain::grid::{Cell, Position, Resolution};
    use crate::domain::symptom::Symptom;

    #[test]
    fn an_entry_comes_back_as_it_was_written() {
        for (lane, first, bit, lag) in
            [(Lane::OnTime, false, 0, 0), (Lane::LateObserved, true, 35, 20_160)]
        {
            let cell = Cell::at(Position::new(-17.0, 180.0).unwrap(), Resolution::FINEST);
            let key = FactKey::new(cell, Symptom::Working, lane, Source(16_383));
            let observed = Minute(29_000_000);
            let counted = Counted { key, observed, arrived: observed.plus(lag), first };
            let entry = Entry { provider: 9, hash: u64::MAX - 5, bit, counted };
            let mut bytes = Vec::new();
            entry.write(&mut bytes);
            assert_eq!(Entry::read(bytes[..].try_into().unwrap()), entry);
        }
    }
}
