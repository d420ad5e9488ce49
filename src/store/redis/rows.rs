//! Facts as bytes, twelve a row: minute of the hour and fact in one number (8 bytes),
//! count (2), first (2).
//!
//! An hour is a string of rows in the order they came. A fact may be in several rows,
//! which add up.

use crate::domain::counts::Counts;
use crate::domain::fact::{FactKey, Tally};
use crate::domain::time::{Hour, Minute};

/// Bytes of a row.
pub const ROW_BYTES: usize = 12;

const MINUTE_SHIFT: u32 = 57;
const KEY_MASK: u64 = (1 << MINUTE_SHIFT) - 1;

/// Minute of the hour and fact, as stored.
#[must_use]
pub fn head(minute: Minute, key: FactKey) -> [u8; 8] {
    let of_the_hour = minute.0 - minute.hour().first_minute().0;
    (key.number() | (of_the_hour as u64) << MINUTE_SHIFT).to_le_bytes()
}

/// Appends rows that add up to this.
pub fn write(minute: Minute, key: FactKey, tally: Tally, out: &mut Vec<u8>) {
    let Tally { mut count, mut first } = tally;
    while count > 0 || first > 0 {
        let [some, some_first] = [count, first].map(|n| n.min(u32::from(u16::MAX)) as u16);
        out.extend_from_slice(&head(minute, key));
        out.extend_from_slice(&some.to_le_bytes());
        out.extend_from_slice(&some_first.to_le_bytes());
        count -= u32::from(some);
        first -= u32::from(some_first);
    }
}

/// The rows of an hour's string. None where it is no string of whole rows.
#[must_use]
pub fn read(
    hour: Hour,
    bytes: &[u8],
) -> Option<impl Iterator<Item = (Minute, FactKey, Tally)> + '_> {
    let (rows, []) = bytes.as_chunks::<ROW_BYTES>() else { return None };
    Some(rows.iter().map(move |row| read_row(hour, row)))
}

fn read_row(hour: Hour, row: &[u8; ROW_BYTES]) -> (Minute, FactKey, Tally) {
    let head = u64::from_le_bytes(row[..8].try_into().expect("eight bytes"));
    let two = |at: usize| u32::from(u16::from_le_bytes([row[at], row[at + 1]]));
    let minute = hour.first_minute().plus((head >> MINUTE_SHIFT) as i64);
    let key = FactKey::from_number_unchecked(head & KEY_MASK);
    (minute, key, Tally { count: two(8), first: two(10) })
}

/// An hour's roll-up: bytes of the facts it is of (8), then rows dated to the hour's
/// first minute.
#[must_use]
pub fn write_rolled_up(hour: Hour, of_bytes: u64, counts: &Counts) -> Vec<u8> {
    let mut out = of_bytes.to_le_bytes().to_vec();
    for (key, tally) in counts.rows() {
        write(hour.first_minute(), key, tally, &mut out);
    }
    out
}

/// The bytes of facts that a roll-up is of, and its counts. None where it is no roll-up.
#[must_use]
pub fn read_rolled_up(hour: Hour, bytes: &[u8]) -> Option<(u64, Counts)> {
    let (of_bytes, rows) = bytes.split_first_chunk()?;
    let rows = read(hour, rows)?.map(|(_, key, tally)| (key, tally)).collect();
    Some((u64::from_le_bytes(*of_bytes), Counts::from_rows(rows)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fact::{Lane, Source};
    use crate::domain::grid::{Cell, Position, Resolution};
    use crate::domain::symptom::Symptom;

    #[test]
    fn rows_come_back_as_they_were_written_however_large() {
        let cell = Cell::at(Position::new(-17.0, 180.0).unwrap(), Resolution::FINEST);
        let key = FactKey::new(cell, Symptom::Working, Lane::LateArrived, Source(16_383));
        let hour = Hour(460_000);
        for (minute, tally) in
            [(0, Tally { count: 1, first: 0 }), (59, Tally { count: 200_000, first: 70_000 })]
        {
            let (minute, mut bytes) = (hour.first_minute().plus(minute), Vec::new());
            write(minute, key, tally, &mut bytes);
            let rows: Vec<_> = read(hour, &bytes).unwrap().collect();
            assert!(rows.iter().all(|row| (row.0, row.1) == (minute, key)));
            assert_eq!(rows.iter().fold(Tally::default(), |sum, row| sum.plus(row.2)), tally);
        }
        assert!(read(hour, &[0; 13]).is_none());
    }

    #[test]
    fn a_roll_up_says_of_how_much_it_is() {
        let counts = Counts::from_rows(vec![(
            FactKey::new(
                Cell::at(Position::new(1.0, 2.0).unwrap(), Resolution::HOURLY),
                Symptom::NoTv,
                Lane::OnTime,
                Source(0),
            ),
            Tally { count: 9, first: 3 },
        )]);
        let (of_bytes, again) =
            read_rolled_up(Hour(9), &write_rolled_up(Hour(9), 1_200, &counts)).unwrap();
        assert_eq!((of_bytes, again.rows().collect::<Vec<_>>()), (1_200, counts.rows().collect()));
        assert!(read_rolled_up(Hour(9), &[0; 7]).is_none());
    }
}
