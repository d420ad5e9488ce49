//! The coins: one in eight of the reports that would open a cell is passed over, and nobody
//! who asks knows which. That a cell did not open therefore never says for certain that
//! nobody reported in it.
//!
//! Each resolution has coins of its own, and so has a zone that is named as a whole: that a
//! report opened a cell says nothing of whether it counts in those that lie in it.

use super::coarsening::Coarsening;
use super::people::{COINS, People};
use crate::domain::grid::Cell;
use crate::domain::time::Minute;
use siphasher::sip::SipHasher24;
use std::hash::Hasher;

/// Of so many coins one shows tails.
const TAILS_ONE_IN: u64 = 1 << BITS;
/// Bits of a hash that toss one coin.
const BITS: usize = 3;

/// The secret that decides which coins show tails: SipHash-2-4 (Aumasson, Bernstein 2012)
/// of whom, where and when, so that every node tosses the same.
#[derive(Clone, PartialEq, Eq)]
pub struct Coin([u8; 16]);

impl Coin {
    /// The coin of that secret.
    #[must_use]
    pub const fn new(secret: [u8; 16]) -> Self {
        Self(secret)
    }

    /// The secret, to be kept where the facts are: who reads those needs no coin.
    #[must_use]
    pub const fn secret(&self) -> [u8; 16] {
        self.0
    }

    /// How many of the people of a provider who were heard of in a cell, as it was reported,
    /// in a minute count: all or none by each coin.
    #[must_use]
    pub fn counted(&self, provider: &str, cell: Cell, minute: Minute, people: u32) -> People {
        let mut hash = SipHasher24::new_with_key(&self.0);
        hash.write_u64(cell.packed());
        hash.write_i64(minute.0);
        hash.write(provider.as_bytes());
        let tossed = hash.finish();
        let is_tails = |coin: usize| (tossed >> (coin * BITS)).is_multiple_of(TAILS_ONE_IN);
        People::by(std::array::from_fn::<_, COINS, _>(|n| if is_tails(n) { 0 } else { people }))
    }

    /// Which reports of a provider and a minute are coarsened.
    #[must_use]
    pub fn coarsening(&self, provider: &str, minute: Minute) -> Coarsening {
        let half = |of: &[u8]| {
            let mut hash = SipHasher24::new_with_key(&self.0);
            hash.write(of);
            hash.write_i64(minute.0);
            hash.write(provider.as_bytes());
            hash.finish()
        };
        Coarsening::new((half(b"coarsened, one"), half(b"coarsened, two")))
    }

    /// A number in place of one that says where or when something was: the same for the
    /// same, and nobody who does not know the secret finds the other.
    #[must_use]
    pub fn blinded(&self, of: &str, number: u64) -> u64 {
        let mut hash = SipHasher24::new_with_key(&self.0);
        hash.write(b"blinded");
        hash.write_u64(number);
        hash.write(of.as_bytes());
        hash.finish()
    }
}

/// What chance decides of who is counted where. In tests a part of it may be left out.
#[derive(Debug, Clone, Copy)]
pub struct Chance<'a> {
    /// Whose coins are tossed when cells open; without one everybody counts.
    pub coins: Option<&'a Coin>,
    /// By whose secret reports are coarsened; without one none are.
    pub coarsening: Option<&'a Coin>,
}

impl<'a> Chance<'a> {
    /// Everybody counts where they reported.
    pub const NONE: Chance<'static> = Chance { coins: None, coarsening: None };

    /// All of it, by one secret.
    #[must_use]
    pub const fn of(coin: &'a Coin) -> Self {
        Self { coins: Some(coin), coarsening: Some(coin) }
    }
}

impl std::fmt::Debug for Coin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Coin(secret)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::grid::{Position, Resolution};

    /// Which of 4,000 places and minutes show tails by the coin of a resolution.
    fn tossed(coin: &Coin, provider: &str, resolution: Resolution) -> Vec<bool> {
        let cell =
            |n: i64| Cell::at(Position::new(n as f64 / 10.0, 7.0).unwrap(), Resolution::FINEST);
        let counted = |n: i64| coin.counted(provider, cell(n % 80), Minute(n / 80), 2);
        let count = |n: i64| counted(n).at(resolution);
        (0..4_000).map(|n| count(n) == 0).collect()
    }

    #[test]
    fn one_in_eight_shows_tails_and_whom_where_and_when_decide_it() {
        let (coin, other) = (Coin::new([1; 16]), Coin::new([2; 16]));
        let finest = Resolution::FINEST;
        let tails = tossed(&coin, "rogers", finest);
        let count = tails.iter().filter(|tails| **tails).count();
        assert!((430..570).contains(&count), "{count} of 4,000");
        assert_eq!(tails, tossed(&coin, "rogers", finest));
        let coarser = Resolution::ALL[..8].iter().map(|of| tossed(&coin, "rogers", *of));
        let differ = [tossed(&coin, "bell", finest), tossed(&other, "rogers", finest)];
        for differs in coarser.chain(differ) {
            let both = tails.iter().zip(&differs).filter(|(a, b)| **a && **b).count();
            assert!((30..100).contains(&both), "as many as chance has both: {both}");
        }
    }
}
