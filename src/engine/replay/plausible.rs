//! Whether a line may move the time. A file holds lines whose date is wrong: by an hour,
//! a year, or a thousand years. Were the time to follow one of them, every line after it
//! would come too late.
//!
//! A line that would move the time by more than five minutes is held against the lines
//! that come after it: would more of them be refused if it moved the time than would bear
//! it out, then its own date is wrong. In a file in order no line speaks against another,
//! so there every line moves the time.

use super::statistics::Flaw;
use crate::domain::time::{HOUR_MS, ON_TIME_MS, Timestamp};
use crate::store::HOURS_KEPT_DAYS;

/// A line received this much before the one before it is still taken.
const MOST_BEHIND_MS: i64 = ON_TIME_MS;
/// After a gap this long nothing that was learnt is kept.
pub const MOST_AHEAD_MS: i64 = HOURS_KEPT_DAYS * 24 * HOUR_MS;
/// So many lines after one are asked about it.
pub const ASKED: usize = 256;
/// So many of them must bear out a gap of more than [`MOST_AHEAD_MS`]. With fewer, a few
/// wrong lines at the end of a file would do.
const BORNE_OUT_BY: usize = 16;

/// What a line does to the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Move {
    /// The time moves on to it, or stays.
    On,
    /// It was received a little before the line before it: it counts as received now.
    Stay,
    /// It is refused.
    Refused(Flaw),
}

/// Whether the answer needs the lines after it.
#[must_use]
pub fn depends_on_others(now: Option<Timestamp>, line: Timestamp) -> bool {
    now.is_none_or(|now| MOST_BEHIND_MS < line.ms_since(now))
}

/// What a line does to the time `now`, which is none before the first line. `after` holds
/// when the lines after it were received.
#[must_use]
pub fn judge(now: Option<Timestamp>, line: Timestamp, after: &[Timestamp]) -> Move {
    let Some(now) = now else { return judge_first(line, after) };
    let ahead_ms = line.ms_since(now);
    if ahead_ms < -MOST_BEHIND_MS {
        return Move::Refused(Flaw::TooFarBehind);
    }
    if ahead_ms <= MOST_BEHIND_MS {
        return if ahead_ms < 0 { Move::Stay } else { Move::On };
    }
    let agree =
        after.iter().zip(1..).filter(|(at, rank)| is_within_reach(line, **at, *rank)).count();
    // Lines that are too late anyway say nothing about this one.
    let disagree = after
        .iter()
        .filter(|at| -MOST_BEHIND_MS <= at.ms_since(now) && is_behind(line, **at))
        .count();
    let is_borne_out = disagree <= agree && (ahead_ms <= MOST_AHEAD_MS || BORNE_OUT_BY <= agree);
    if is_borne_out { Move::On } else { Move::Refused(Flaw::TooFarAhead) }
}

/// The first line has no time before it: those after it alone decide. Where one stands
/// against one, the earlier is right.
fn judge_first(line: Timestamp, after: &[Timestamp]) -> Move {
    let behind = after.iter().filter(|at| is_behind(line, **at)).count();
    let agree =
        after.iter().zip(1..).filter(|(at, rank)| is_within_reach(line, **at, *rank)).count();
    let beyond = after.len() - behind - agree;
    if agree < behind && beyond <= behind {
        Move::Refused(Flaw::TooFarAhead)
    } else if agree + 1 < beyond {
        Move::Refused(Flaw::TooFarBehind)
    } else {
        Move::On
    }
}

/// Whether a line at `at` would come too late once the time is that of `line`.
const fn is_behind(line: Timestamp, at: Timestamp) -> bool {
    at.ms_since(line) < -MOST_BEHIND_MS
}

/// Whether a line at `at`, so many lines after `line`, can be reached from there without
/// a gap of more than [`MOST_AHEAD_MS`].
const fn is_within_reach(line: Timestamp, at: Timestamp, rank: i64) -> bool {
    !is_behind(line, at) && at.ms_since(line) <= rank * MOST_AHEAD_MS
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::MINUTE_MS;

    const DAY: i64 = 24 * 60;
    const CENTURY: i64 = 36_525 * DAY;
    const AHEAD: Move = Move::Refused(Flaw::TooFarAhead);
    const BEHIND: Move = Move::Refused(Flaw::TooFarBehind);

    /// What a line does, all in minutes.
    fn judged(now: Option<i64>, line: i64, after: &[i64]) -> Move {
        let at = |minutes: i64| Timestamp((CENTURY + minutes) * MINUTE_MS);
        judge(now.map(at), at(line), &after.iter().map(|minutes| at(*minutes)).collect::<Vec<_>>())
    }

    fn many(minutes: i64) -> Vec<i64> {
        (0..50).map(|n| minutes + n).collect()
    }

    #[test]
    fn in_a_file_in_order_every_line_moves_the_time_whatever_the_gap() {
        for gap in [0, 5, 6, 60, DAY, 55 * DAY] {
            assert_eq!(judged(Some(0), gap, &many(gap)), Move::On, "{gap}");
            assert_eq!(judged(Some(0), gap, &[]), Move::On, "the last line, {gap}");
            assert_eq!(
                judged(None, gap, &(1..300).map(|n| gap + n * gap).collect::<Vec<_>>()),
                Move::On,
                "a gap before each line, {gap}"
            );
        }
        assert_eq!(
            judged(Some(0), 5 * 365 * DAY, &many(5 * 365 * DAY)),
            Move::On,
            "after five years"
        );
    }

    #[test]
    fn a_little_disorder_is_taken_as_before() {
        assert_eq!(judged(Some(10), 5, &[]), Move::Stay);
        assert_eq!(judged(Some(10), 4, &many(4)), BEHIND);
        assert_eq!(
            judged(Some(0), 20, &[&[14][..], &many(20)].concat()),
            Move::On,
            "one is late, the others are not"
        );
    }

    #[test]
    fn a_line_whose_date_is_wrong_does_not_move_the_time() {
        for wrong in [60, DAY, 20 * DAY, 60 * DAY, 9 * CENTURY] {
            assert_eq!(judged(Some(0), wrong, &many(0)), AHEAD, "{wrong}");
            assert_eq!(judged(Some(0), wrong, &[0]), AHEAD, "the last but one, {wrong}");
            assert_eq!(judged(None, wrong, &many(0)), AHEAD, "the first, {wrong}");
            assert_eq!(
                judged(None, wrong, &[&many(wrong)[..10], &many(0)].concat()),
                AHEAD,
                "ten wrong ones at first, {wrong}"
            );
        }
        assert_eq!(judged(None, -CENTURY / 2, &many(0)), BEHIND, "the first is of fifty years ago");
        assert_eq!(judged(Some(0), 9 * CENTURY, &[]), AHEAD, "the last");
        assert_eq!(
            judged(Some(0), 9 * CENTURY, &many(9 * CENTURY)[..15]),
            AHEAD,
            "the last sixteen"
        );
    }

    #[test]
    fn one_against_one_the_earlier_is_right() {
        assert_eq!((judged(None, CENTURY, &[0]), judged(None, 0, &[CENTURY])), (AHEAD, Move::On));
    }

    #[test]
    fn lines_that_come_too_late_anyway_speak_against_none() {
        assert_eq!(judged(Some(2 * DAY), 3 * DAY, &[many(0), many(DAY)].concat()), Move::On);
    }
}
