//! Counts as bytes: sixteen a row.

use crate::domain::counts::Counts;
use crate::domain::fact::{FactKey, Tally};

const ROW_BYTES: usize = 16;

/// Appends the rows of `counts`.
pub fn write(counts: &Counts, out: &mut Vec<u8>) {
    out.reserve(counts.len() * ROW_BYTES);
    for (key, tally) in counts.rows() {
        out.extend_from_slice(&key.number().to_le_bytes());
        out.extend_from_slice(&tally.count.to_le_bytes());
        out.extend_from_slice(&tally.first.to_le_bytes());
    }
}

/// The counts of these bytes, which a checksum has guarded. None where they are no whole
/// rows.
#[must_use]
pub fn read(bytes: &[u8]) -> Option<Counts> {
    let (rows, []) = bytes.as_chunks::<ROW_BYTES>() else { return None };
    Some(Counts::from_rows(rows.iter().map(row).collect()))
}

fn row(bytes: &[u8; ROW_BYTES]) -> (FactKey, Tally) {
    let four = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
    let key = u64::from(four(0)) | u64::from(four(4)) << 32;
    (FactKey::from_number_unchecked(key), Tally { count: four(8), first: four(12) })
}
