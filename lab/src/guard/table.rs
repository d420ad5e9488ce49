//! The figures of a run beside those of the file, as a table for the terminal.

use super::bounds::{Bounds, Outcome, word};
use super::figures::Subject;
use std::fmt::Write;

/// A line for each figure: its value now, the file's, the noise, and how both compare.
#[must_use]
pub fn table(bounds: &Bounds, subjects: &[Subject]) -> String {
    let mut text = String::new();
    for subject in subjects {
        let title = format!("{} {}", word(subject.kind), subject.name);
        let _ = writeln!(text, "{title:28} {:>9} {:>9} {:>8}", "now", "file", "noise");
        for figure in &subject.figures {
            let _ = write!(text, "  {:26} {:9.3} ", figure.name, figure.value);
            let _ = match bounds.of(subject, &figure.name) {
                Some(bound) => write!(text, "{:9.3} {:8.3}", bound.value, bound.noise),
                None => write!(text, "{:>9} {:>8}", "-", "-"),
            };
            let _ = writeln!(text, "  {}", shown(bounds.outcome(subject, figure)));
        }
        text.push('\n');
    }
    text
}

const fn shown(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Better => "better",
        Outcome::Same => "",
        Outcome::Within => "within noise",
        Outcome::Worse => "WORSE",
        Outcome::Unknown => "not in the file",
    }
}
