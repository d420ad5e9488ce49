//! Coarsening: one report in sixteen is counted and shown as if it had come from a coarser
//! cell, and nobody who asks knows which. That a report is shown beside an open cell
//! therefore never says for certain that it does not lie in that cell.

use super::groups::Groups;
use crate::domain::fact::FactKey;
use crate::domain::grid::{Cell, Resolution};

/// Bits that a report draws of a hash: it is coarsened where all are zero.
const DRAW_BITS: u32 = 4;
/// Reports that draw of one hash.
const DRAWS: u32 = u64::BITS / DRAW_BITS;
/// The lowest bit of each draw.
const LOWEST: u64 = 0x1111_1111_1111_1111;
/// Beyond the numbers of all hashes of which reports draw: of how far they are coarsened.
const HOW_FAR: u32 = 1 << 31;
const LEVELS: usize = Resolution::ALL.len();

/// Which reports of a provider and a minute are coarsened, and how far.
///
/// Half of them to the resolution before the finest, a quarter to the one before that, and
/// so on; who reported no finer cell than that stays. Reports of one fact draw by their
/// number in it, so that one more moves none of the others. The draws are SipHash-1-3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Coarsening {
    keys: (u64, u64),
}

/// In which cells the reports of a minute are shown.
#[derive(Debug, Clone, Copy)]
pub struct Shown<'a> {
    /// Cells that are open.
    pub groups: &'a Groups,
    /// Which reports are coarsened; none are where nothing is hidden.
    pub coarsening: Option<Coarsening>,
}

impl Coarsening {
    /// By the secret of one provider and minute.
    pub(super) const fn new(keys: (u64, u64)) -> Self {
        Self { keys }
    }

    /// How many reports of a fact stay in its cell; `coarsened` gets the cell of each other
    /// one.
    pub fn split(self, key: FactKey, reports: u32, mut coarsened: impl FnMut(Cell)) -> u32 {
        let (cell, mut stay) = (key.cell(), reports);
        if cell.is_nowhere() {
            return reports;
        }
        // The upper bits of the number of a fact are not used.
        let hash = |n: u32| self.hash(key.number() ^ u64::from(n).rotate_right(7));
        for block in 0..reports.div_ceil(DRAWS) {
            let drawing = DRAWS.min(reports - block * DRAWS);
            let mut drew_zero =
                zeros(hash(block)) & (u64::MAX >> (u64::BITS - drawing * DRAW_BITS));
            while drew_zero != 0 {
                let n = drew_zero.trailing_zeros() / DRAW_BITS;
                drew_zero &= drew_zero - 1;
                let to = coarsened_to(hash(HOW_FAR | (block * DRAWS + n)));
                if to < cell.resolution() {
                    coarsened(cell.rolled_up_to(to));
                    stay -= 1;
                }
            }
        }
        stay
    }

    /// SipHash-1-3 of eight bytes. A library's takes any number of bytes, and eight times as
    /// long for so few: every row of a map is hashed.
    #[inline]
    const fn hash(self, word: u64) -> u64 {
        let (k0, k1) = self.keys;
        let start = [
            k0 ^ 0x736f_6d65_7073_6575,
            k1 ^ 0x646f_7261_6e64_6f6d,
            k0 ^ 0x6c79_6765_6e65_7261,
            k1 ^ 0x7465_6462_7974_6573,
        ];
        let mut v = compressed(start, word);
        v = compressed(v, (size_of::<u64>() as u64) << 56);
        v[2] ^= 0xff;
        v = round(round(round(v)));
        v[0] ^ v[1] ^ v[2] ^ v[3]
    }

    /// The same as facts: those that stay first.
    pub fn parts(self, key: FactKey, reports: u32) -> impl Iterator<Item = (FactKey, u32)> {
        let mut by_level = [0; LEVELS];
        let stay = self.split(key, reports, |cell| {
            by_level[usize::from(cell.resolution().number())] += 1;
        });
        let coarsened = Resolution::ALL.into_iter().zip(by_level);
        let coarsened = coarsened.map(move |(to, count)| (key.rolled_up_to(to), count));
        std::iter::once((key, stay)).chain(coarsened).filter(|(_, count)| 0 < *count)
    }
}

#[inline]
const fn compressed([v0, v1, v2, v3]: [u64; 4], word: u64) -> [u64; 4] {
    let [v0, v1, v2, v3] = round([v0, v1, v2, v3 ^ word]);
    [v0 ^ word, v1, v2, v3]
}

/// One round of `SipHash` (Aumasson, Bernstein 2012).
#[inline]
const fn round([v0, v1, v2, v3]: [u64; 4]) -> [u64; 4] {
    let (v0, v2) = (v0.wrapping_add(v1), v2.wrapping_add(v3));
    let (v1, v3) = (v1.rotate_left(13) ^ v0, v3.rotate_left(16) ^ v2);
    let (v0, v2) = (v0.rotate_left(32).wrapping_add(v3), v2.wrapping_add(v1));
    let (v1, v3) = (v1.rotate_left(17) ^ v2, v3.rotate_left(21) ^ v0);
    [v0, v1, v2.rotate_left(32), v3]
}

/// The lowest bit of each draw that is zero.
const fn zeros(drawn: u64) -> u64 {
    let of_two = drawn | drawn >> 1;
    !(of_two | of_two >> 2) & LOWEST
}

/// The resolution before the finest, and one coarser for each zero at the end of a hash.
fn coarsened_to(hash: u64) -> Resolution {
    let finest = LEVELS - 2;
    Resolution::ALL[finest.saturating_sub(hash.trailing_zeros() as usize)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fact::{Lane, Source};
    use crate::domain::grid::Position;
    use crate::domain::privacy::coin::Coin;
    use crate::domain::symptom::Symptom;
    use crate::domain::time::Minute;
    use siphasher::sip::SipHasher13;

    fn key(n: u32, resolution: Resolution) -> FactKey {
        let at = Position::new(f64::from(n) / 100.0 - 80.0, 7.0).unwrap();
        FactKey::new(Cell::at(at, resolution), Symptom::NoData, Lane::OnTime, Source(0))
    }

    /// How many of 16,000 reports of different places and minutes stand at each resolution.
    fn counted(reported: Resolution) -> Vec<u32> {
        let (coin, mut at) = (Coin::new([3; 16]), vec![0; Resolution::ALL.len()]);
        for n in 0..16_000 {
            let coarsening = coin.coarsening("rogers", Minute(i64::from(n) % 9));
            for (part, count) in coarsening.parts(key(n, reported), 1) {
                assert!(part.cell().contains(key(n, reported).cell()));
                at[usize::from(part.cell().resolution().number())] += count;
            }
        }
        at
    }

    #[test]
    fn one_in_sixteen_is_coarsened_half_of_them_by_one_resolution() {
        let at = counted(Resolution::FINEST);
        assert_eq!(at.iter().sum::<u32>(), 16_000);
        for (resolution, expected) in [(8, 15_000), (7, 500), (6, 250), (5, 125), (4, 62)] {
            let off = f64::from(at[resolution].abs_diff(expected));
            assert!(off < 5.0 * f64::from(expected).sqrt(), "{resolution}: {at:?}");
        }
        // Those that would become finer than they are stay.
        let at = counted(Resolution::ALL[6]);
        assert!(at[6] > 15_600 && at[7] == 0 && at[5] > 60, "{at:?}");
    }

    #[test]
    fn the_hash_is_the_one_of_the_library() {
        for n in 0..100_u64 {
            let word = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let coarsening = Coarsening::new((n, !word));
            let expected = SipHasher13::new_with_keys(n, !word).hash(&word.to_le_bytes());
            assert_eq!(coarsening.hash(word), expected);
        }
    }

    #[test]
    fn one_report_more_moves_none_of_the_others() {
        let coarsening = Coin::new([3; 16]).coarsening("rogers", Minute(7));
        let key = key(1, Resolution::FINEST);
        let parts = |count| coarsening.parts(key, count).collect::<Vec<_>>();
        let mut before = parts(0);
        for count in 1..500 {
            let now = parts(count);
            assert_eq!(now.iter().map(|(_, count)| count).sum::<u32>(), count);
            let held = |(part, count): &(FactKey, u32)| {
                now.iter().any(|(of, more)| of == part && count <= more)
            };
            assert!(before.iter().all(held), "{before:?}, then {now:?}");
            before = now;
        }
        assert!(before.len() > 3, "{before:?}");
    }
}
