//! The coin: one in eight of the reports that would open a cell is passed over, and nobody
//! who asks knows which. That a cell did not open therefore never says for certain that
//! nobody reported in it.

use crate::domain::grid::Cell;
use crate::domain::time::Minute;
use siphasher::sip::SipHasher24;
use std::hash::Hasher;

/// Of so many coins one shows tails.
const TAILS_ONE_IN: u64 = 8;

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

    /// Whether the reports of a provider from a cell, as it was reported, in a minute are
    /// passed over.
    #[must_use]
    pub fn is_tails(&self, provider: &str, cell: Cell, minute: Minute) -> bool {
        let mut hash = SipHasher24::new_with_key(&self.0);
        hash.write_u64(cell.packed());
        hash.write_i64(minute.0);
        hash.write(provider.as_bytes());
        hash.finish().is_multiple_of(TAILS_ONE_IN)
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

impl std::fmt::Debug for Coin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Coin(secret)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::grid::{Position, Resolution};

    #[test]
    fn one_in_eight_shows_tails_and_whom_where_and_when_decide_it() {
        let cell =
            |n: i64| Cell::at(Position::new(n as f64 / 10.0, 7.0).unwrap(), Resolution::FINEST);
        let (coin, other) = (Coin::new([1; 16]), Coin::new([2; 16]));
        let tossed = |coin: &Coin, provider: &str| -> Vec<bool> {
            (0..4_000).map(|n| coin.is_tails(provider, cell(n % 80), Minute(n / 80))).collect()
        };
        let tails = tossed(&coin, "rogers");
        let count = tails.iter().filter(|tails| **tails).count();
        assert!((430..570).contains(&count), "{count} of 4,000");
        assert_eq!(tails, tossed(&coin, "rogers"));
        for differs in [tossed(&coin, "bell"), tossed(&other, "rogers")] {
            let both = tails.iter().zip(&differs).filter(|(a, b)| **a && **b).count();
            assert!((30..100).contains(&both), "as many as chance has both: {both}");
        }
    }
}
