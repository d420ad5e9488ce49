//! The score as a table for the terminal: the very text that the set's own scorer prints.

use super::figures::{All, Family, Score};
use std::fmt::Write;

/// The table, a line for the head, each family and all together.
#[must_use]
pub fn table(score: &Score) -> String {
    let mut text = head();
    for (name, family) in &score.families {
        text += &family_line(name, family);
    }
    text + &all_line(&score.all)
}

fn head() -> String {
    let mut line = format!(
        "{:12} {:>7} {:>5} {:>6} {:>6} {:>7}",
        "family", "hit/n", "rate", "med", "p90", "reports"
    );
    let _ =
        write!(line, " {:>7} {:>7} {:>5} {:>5} {:>5}", "FA/wk", "rise/wk", "prec", "recA", "recW");
    let _ = writeln!(line, " {:>8} {:>4} {:>7}  note", "resolve", "open", "onset±");
    line
}

fn family_line(name: &str, f: &Family) -> String {
    let shares = format!("{} {} {}", fixed(f.prec, 5, 2), fixed(f.rec, 5, 2), fixed(f.wrec, 5, 2));
    let delays = format!("{} {} {}", fixed(f.med, 6, 1), fixed(f.p90, 6, 1), fixed(f.need, 7, 1));
    let alarms = format!("{} {}", fixed(f.fa_wk, 7, 2), fixed(f.rise_wk, 7, 2));
    let ends = format!("{} {:4} {}", fixed(f.resolve, 8, 1), f.never, fixed(f.onset, 7, 1));
    format!(
        "{name:12} {:>7} {} {delays} {alarms} {shares} {ends}  {}\n",
        format!("{}/{}", f.hit, f.n),
        fixed(f.rate, 5, 2),
        f.note
    )
}

fn all_line(a: &All) -> String {
    let shares = format!("{} {} {}", fixed(a.prec, 5, 2), fixed(a.rec, 5, 2), fixed(a.wrec, 5, 2));
    let delays = format!("{} {} {}", fixed(a.med, 6, 1), fixed(a.p90, 6, 1), fixed(a.need, 7, 1));
    let alarms = format!("{} {}", fixed(a.fa_wk, 7, 2), fixed(a.rise_wk, 7, 2));
    let verdict = format!(
        "mean capped delay {} min; SCORE {} (lower is better); spam quiet {}/{}",
        fixed(a.cost, 0, 1),
        fixed(a.score, 0, 1),
        a.spam_quiet,
        a.spam_n
    );
    let hits = format!("{}/{}", a.hit, a.n);
    let (rate, resolve) = (fixed(a.rate, 5, 2), fixed(a.resolve, 8, 1));
    format!(
        "{:12} {hits:>7} {rate} {delays} {alarms} {shares} {resolve} {:4}          {verdict}\n",
        "ALL", a.never
    )
}

/// A float with so many digits, to the right of a field; `nan` in small letters.
fn fixed(value: f64, width: usize, digits: usize) -> String {
    if value.is_nan() { format!("{:>width$}", "nan") } else { format!("{value:width$.digits$}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_rounded_as_the_scorer_rounds_them() {
        // Half to even where a half is exact, else to the nearest; digits as Python
        // prints them.
        let rows = [
            (12.25, " 12.2"),
            (12.35, " 12.3"),
            (12.75, " 12.8"),
            (0.05, "  0.1"),
            (-0.04, " -0.0"),
            (1e6, "1000000.0"),
            (f64::NAN, "  nan"),
        ];
        for (value, text) in rows {
            assert_eq!(fixed(value, 5, 1), text, "{value}");
        }
        assert_eq!((fixed(0.125, 4, 2), fixed(0.375, 4, 2)), ("0.12".into(), "0.38".into()));
    }
}
