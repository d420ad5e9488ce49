//! One number that changes when an answer's content does: what an `ETag` needs, without
//! rendering.

use super::cell::rounded;
use super::{Heatmap, HeatmapFormat, Subject};
use crate::domain::assessment::Assessment;
use crate::domain::grid::Cell;

/// Raise it when the same content is written differently, so that clients fetch what they
/// have cached anew.
const RENDERING: u8 = 4;

/// A digest of all that the answer says except `as_of`, equal on every node and in every
/// build that writes alike.
///
/// 64-bit FNV-1a, because its definition is fixed for ever and needs no seed; a keyed or
/// vendored hash may differ between nodes or versions. Twice a CRC-32 would be no better
/// than once, as both are linear. A collision (about 1 in 10^19 a change) leaves an old
/// map until the next change.
#[must_use]
pub fn digest(heatmap: &Heatmap<'_>, format: HeatmapFormat) -> u64 {
    let Heatmap { subject, window, as_of: _, stale, privacy, level, assessment, fields, credit } =
        *heatmap;
    let (kind, id) = match subject {
        Subject::Provider(id) => (0, id),
        Subject::Network(id) => (1, id),
        Subject::All => (2, ""),
    };
    // Lengths stand before what they measure, so that no two contents give the same
    // bytes.
    let digest = Fnv1a::START
        .plus(&[RENDERING, format as u8, kind, u8::from(stale), level.resolution().number()])
        .plus(&window.from.0.to_le_bytes())
        .plus(&window.to.0.to_le_bytes())
        .plus(&(id.len() as u64).to_le_bytes())
        .plus(id.as_bytes())
        .plus(&privacy.map_or([0, 0], |rule| [rule.k, rule.finest.number()]))
        .plus_rows(level.rows())
        .plus_rows(level.coarser().iter().copied())
        .plus(&level.unplaced().to_le_bytes())
        .plus_assessment(assessment);
    let digest = match fields {
        Some(fields) => digest.plus(b"fields").plus(fields.join(",").as_bytes()),
        None => digest,
    };
    let of_credit = credit.columns().into_iter().filter(|_| format == HeatmapFormat::Csv);
    let digest = of_credit.fold(digest, |digest, name| {
        let said = credit.of_column(name).unwrap_or_default();
        digest.plus(name.as_bytes()).plus(&(said.len() as u64).to_le_bytes()).plus(said.as_bytes())
    });
    digest.0
}

/// A digest of bytes, equal on every node: of an answer that is rendered without `as_of`.
#[must_use]
pub fn digest_of(bytes: &[u8]) -> u64 {
    Fnv1a::START.plus(bytes).0
}

/// The hash of Fowler, Noll and Vo with 64 bits (RFC 9923).
struct Fnv1a(u64);

impl Fnv1a {
    const START: Self = Self(0xcbf2_9ce4_8422_2325);
    const PRIME: u64 = 0x0000_0100_0000_01b3;

    fn plus(self, bytes: &[u8]) -> Self {
        Self(
            bytes
                .iter()
                .fold(self.0, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(Self::PRIME)),
        )
    }

    /// As they are written: digits that are not shown do not count.
    fn plus_assessment(self, assessment: Option<&Assessment>) -> Self {
        let Some(assessment) = assessment else { return self.plus(&[0]) };
        let number = |hash: Self, number: Option<f64>| match number {
            None => hash.plus(&[0]),
            Some(number) => hash.plus(&[1]).plus(&rounded(number).to_le_bytes()),
        };
        let start = self.plus(&[1, u8::from(assessment.is_known)]);
        assessment.cells.iter().chain(&assessment.coarser).fold(start, |hash, judged| {
            let hash = number(number(hash, judged.expected), judged.score);
            hash.plus(&[judged.level.unwrap_or(u8::MAX)])
        })
    }

    fn plus_rows(self, rows: impl ExactSizeIterator<Item = (Cell, u32)>) -> Self {
        let start = self.plus(&(rows.len() as u64).to_le_bytes());
        rows.fold(start, |hash, (cell, count)| {
            hash.plus(&cell.h3().to_le_bytes()).plus(&count.to_le_bytes())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::privacy::rule::Rule;
    use crate::domain::time::Minute;
    use crate::render::sample::{at, heatmap, level};
    use crate::render::table::Credit;

    #[test]
    fn it_is_the_published_hash() {
        assert_eq!(Fnv1a::START.plus(b"a").0, 0xaf63_dc4c_8601_ec8c);
        assert_eq!(Fnv1a::START.plus(b"foobar").0, 0x8594_4171_f739_67e8);
    }

    #[test]
    fn it_is_the_same_number_on_every_node_and_in_every_build() {
        let level = level(7, &[(at(43.65, -79.38, 7), 12)], &[]);
        assert_eq!(digest(&heatmap(&level), HeatmapFormat::Json), 0x1f40_7ddc_756f_040a);
    }

    #[test]
    fn it_ignores_as_of_and_notices_everything_else() {
        let (here, around) = (at(43.65, -79.38, 7), at(43.65, -79.38, 3));
        let plain = level(7, &[(here, 12)], &[(around, 5)]);
        let base = heatmap(&plain);
        let of = |heatmap: &Heatmap<'_>| digest(heatmap, HeatmapFormat::Json);
        assert_eq!(of(&Heatmap { as_of: base.as_of.plus_ms(1), ..base }), of(&base));

        let levels = [
            level(7, &[(here, 13)], &[(around, 5)]),
            level(7, &[(here, 12)], &[(around, 6)]),
            level(7, &[(here, 12)], &[]),
            level(7, &[(here, 12), (around, 5)], &[]),
            level(8, &[(here, 12)], &[(around, 5)]),
            level(7, &[(here, 12)], &[(around, 5)]).with_unplaced(1),
        ];
        let later = crate::domain::time::Window { to: Minute(base.window.to.0 + 1), ..base.window };
        let mut digests: Vec<u64> =
            levels.iter().map(|level| of(&Heatmap { level, ..base })).collect();
        digests.push(of(&Heatmap { stale: true, ..base }));
        digests.push(of(&Heatmap { window: later, ..base }));
        digests.push(of(&Heatmap { privacy: None, ..base }));
        digests.push(of(&Heatmap { privacy: base.privacy.map(|r| Rule { k: 5, ..r }), ..base }));
        digests.push(of(&Heatmap { subject: Subject::Provider("fido"), ..base }));
        digests.push(of(&Heatmap { subject: Subject::Network("rogers"), ..base }));
        for fields in [&["hex"][..], &["hex", "count"], &["count", "hex"]] {
            digests.push(of(&Heatmap { fields: Some(fields), ..base }));
        }
        let credits = [("a", None), ("b", None), ("a", Some("b"))].map(|(whom, licence)| Credit {
            attribution: Some(whom.to_owned()),
            licence: licence.map(str::to_owned),
        });
        for credit in &credits {
            digests.push(digest(&Heatmap { credit, ..base }, HeatmapFormat::Csv));
            assert_eq!(of(&Heatmap { credit, ..base }), of(&base), "it stands in CSV alone");
        }
        digests.extend(HeatmapFormat::ALL.map(|format| digest(&base, format)));
        let all = digests.len();
        digests.sort_unstable();
        digests.dedup();
        assert_eq!(digests.len(), all);
    }
}
