//! People who were heard of, as the coins of each resolution count them.
//!
//! Each resolution tosses coins of its own. With one coin for all, a cell that opens would
//! say which reports count: those that open none of the cells in it would lie beside them
//! for certain.

use crate::domain::grid::Resolution;

/// Coins of a report: one of each resolution, and one of zones.
pub const COINS: usize = Resolution::ALL.len() + 1;

/// How many people count, by coin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct People([u32; COINS]);

impl People {
    /// So many by each coin.
    #[must_use]
    pub const fn by(counts: [u32; COINS]) -> Self {
        Self(counts)
    }

    /// How many count where cells of a resolution are found.
    #[must_use]
    pub const fn at(&self, resolution: Resolution) -> u32 {
        self.0[resolution.number() as usize]
    }

    /// How many count where a zone is named as a whole.
    #[must_use]
    pub const fn in_zone(&self) -> u32 {
        self.0[COINS - 1]
    }

    /// Whether nobody counts by any coin.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.0 == [0; COINS]
    }

    /// Others come.
    pub fn add(&mut self, others: &Self) {
        for (sum, count) in self.0.iter_mut().zip(others.0) {
            *sum = sum.saturating_add(count);
        }
    }

    /// Some who came before leave.
    pub fn subtract(&mut self, others: &Self) {
        for (sum, count) in self.0.iter_mut().zip(others.0) {
            *sum = sum.saturating_sub(count);
        }
    }
}

/// So many where no coin is tossed.
impl From<u32> for People {
    fn from(count: u32) -> Self {
        Self([count; COINS])
    }
}
