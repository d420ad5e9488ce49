//! A fact: in one minute, in one cell, so many reporters said one symptom of one
//! provider, through one source, in one lane.

use super::grid::{Cell, Resolution, Spot};
use super::symptom::Symptom;

/// Which app key submitted, of at most 16,384; 0 where the service is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Source(pub u16);

impl Source {
    /// Nobody in particular: the service is open, or a stream is replayed.
    pub const OPEN: Self = Self(0);
}

/// When a report came, seen from when it was observed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Lane {
    /// Observed within five minutes of arrival; stands in the minute it was observed.
    OnTime = 0,
    /// A late report, in the minute it was observed.
    LateObserved = 1,
    /// The same late report, in the minute it came.
    LateArrived = 2,
}

impl Lane {
    /// All of them, in the order of their stored numbers.
    pub const ALL: [Self; 3] = [Self::OnTime, Self::LateObserved, Self::LateArrived];

    /// Whether history (maps, series, onset) counts it. Each report stands in exactly one
    /// such lane.
    #[must_use]
    pub const fn is_history(self) -> bool {
        matches!(self, Self::OnTime | Self::LateObserved)
    }
}

/// All that distinguishes one fact from another within a minute of a provider.
///
/// Held in one number that sorts by cell first, so that a roll-up is one pass over
/// neighbours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FactKey(u64);

// From its top: 7 unused bits, cell 35, symptom 4, lane 2, spot 2, source 14.
const CELL_SHIFT: u32 = 22;
const SYMPTOM_SHIFT: u32 = 18;
const LANE_SHIFT: u32 = 16;
const SPOT_SHIFT: u32 = 14;
const SOURCE_MASK: u64 = (1 << SPOT_SHIFT) - 1;

impl FactKey {
    /// The key of these four, at a spot that is not known.
    #[must_use]
    pub const fn new(cell: Cell, symptom: Symptom, lane: Lane, source: Source) -> Self {
        let source = source.0 as u64 & SOURCE_MASK;
        Self(
            cell.packed() << CELL_SHIFT
                | (symptom as u64) << SYMPTOM_SHIFT
                | (lane as u64) << LANE_SHIFT
                | source,
        )
    }

    /// The same at a spot of its cell.
    #[must_use]
    pub const fn at_spot(self, spot: Spot) -> Self {
        Self(self.0 & !(0x3 << SPOT_SHIFT) | (spot as u64) << SPOT_SHIFT)
    }

    /// The number it is stored as.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }

    /// The key stored as that number, if it is one.
    #[must_use]
    pub fn from_number(number: u64) -> Option<Self> {
        let sound = Cell::from_packed(number >> CELL_SHIFT).is_some()
            && Symptom::from_number((number >> SYMPTOM_SHIFT & 0xf) as u8).is_some()
            && Lane::ALL.get((number >> LANE_SHIFT & 0x3) as usize).is_some();
        sound.then_some(Self(number))
    }

    /// The key of a number that this program stored itself, and that a checksum has
    /// guarded since.
    #[must_use]
    pub(crate) const fn from_number_unchecked(number: u64) -> Self {
        Self(number)
    }

    /// Where.
    #[must_use]
    pub const fn cell(self) -> Cell {
        Cell::from_packed_unchecked(self.0 >> CELL_SHIFT)
    }

    /// What.
    #[must_use]
    pub fn symptom(self) -> Symptom {
        Symptom::from_number((self.0 >> SYMPTOM_SHIFT & 0xf) as u8)
            .expect("a key is made of a symptom")
    }

    /// How late.
    #[must_use]
    pub fn lane(self) -> Lane {
        Lane::ALL[(self.0 >> LANE_SHIFT & 0x3) as usize]
    }

    /// Where in its cell.
    #[must_use]
    pub fn spot(self) -> Spot {
        Spot::ALL[(self.0 >> SPOT_SHIFT & 0x3) as usize]
    }

    /// Through whom.
    #[must_use]
    pub const fn source(self) -> Source {
        Source((self.0 & SOURCE_MASK) as u16)
    }

    /// The same in another lane.
    #[must_use]
    pub const fn in_lane(self, lane: Lane) -> Self {
        Self(self.0 & !(0x3 << LANE_SHIFT) | (lane as u64) << LANE_SHIFT)
    }

    /// The same in another cell, at a spot that is not known.
    #[must_use]
    pub const fn in_cell(self, cell: Cell) -> Self {
        let rest = self.0 & ((1 << CELL_SHIFT) - 1);
        Self(cell.packed() << CELL_SHIFT | rest).at_spot(Spot::Unknown)
    }

    /// The same in the ancestor at `resolution`, where the cell is finer; the spot is
    /// forgotten then.
    #[must_use]
    pub const fn rolled_up_to(self, resolution: Resolution) -> Self {
        if self.cell().resolution().number() <= resolution.number() {
            return self;
        }
        self.in_cell(self.cell().rolled_up_to(resolution))
    }
}

/// How many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Reporters counted.
    pub count: u32,
    /// Those of them whose first report of this provider that day it was: distinct
    /// people.
    pub first: u32,
}

impl Tally {
    /// Both together, held at the top of the range.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            count: self.count.saturating_add(other.count),
            first: self.first.saturating_add(other.first),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::grid::Position;

    #[test]
    fn a_key_gives_back_what_it_was_made_of() {
        let cell = Cell::at(Position::new(-33.87, 151.21).unwrap(), Resolution::FINEST);
        for symptom in Symptom::ALL {
            for lane in Lane::ALL {
                for spot in Spot::ALL {
                    let key = FactKey::new(cell, symptom, lane, Source(16_383)).at_spot(spot);
                    assert_eq!(
                        (key.cell(), key.symptom(), key.lane(), key.source(), key.spot()),
                        (cell, symptom, lane, Source(16_383), spot)
                    );
                    assert_eq!(FactKey::from_number(key.number()), Some(key));
                    let coarse = key.rolled_up_to(Resolution::HOURLY);
                    assert_eq!(coarse.cell(), cell.rolled_up_to(Resolution::HOURLY));
                    assert_eq!(
                        (coarse.symptom(), coarse.lane(), coarse.source()),
                        (symptom, lane, Source(16_383))
                    );
                    assert_eq!(coarse.spot(), Spot::Unknown);
                }
            }
        }
        assert_eq!(FactKey::from_number(u64::MAX), None);
    }
}
