//! The file that figures are held against: TOML, a table for each set and rehearsal, a line
//! for each figure.

use super::figures::{Figure, Kind, Subject};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt::Write;

/// What the file says of itself.
const HEAD: &str = "\
# The quality of detection that a change must keep: `make guard` fails where a figure is worse
# than `value` by more than `noise`. Written by `groundswell-lab guard --write`; write it anew
# where figures are better, or where a worse one is the price of something, and say so in the
# commit.
#
# Of a set, `noise` is a third of the bootstrap standard error, over outages and, for false
# alarms, over streams: a run over the same streams shares most of their chance. Of a
# rehearsal, values are means over the seeds, and `noise` is their standard error. No time has
# a noise below half a minute. docs/lab.md says what each figure is.
";

/// What is rounded away in the file.
const ROUNDING: f64 = 1e-4;

/// The figures of the file.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bounds {
    #[serde(default, rename = "set")]
    sets: BTreeMap<String, BTreeMap<String, Bound>>,
    #[serde(default, rename = "rehearsal")]
    rehearsals: BTreeMap<String, BTreeMap<String, Bound>>,
}

/// A figure of the file.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bound {
    /// Its value.
    pub value: f64,
    /// How much worse it may be.
    pub noise: f64,
}

/// How a figure compares with the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is better.
    Better,
    /// It is the same.
    Same,
    /// It is worse, within the noise.
    Within,
    /// It is worse beyond the noise.
    Worse,
    /// The file does not have it.
    Unknown,
}

impl Bounds {
    /// The bounds of a text in TOML.
    ///
    /// # Errors
    /// Where it is no such text.
    pub fn parse(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }

    /// The bound of a figure; none where the file does not have it.
    #[must_use]
    pub fn of(&self, subject: &Subject, figure: &str) -> Option<Bound> {
        self.tables(subject.kind).get(&subject.name)?.get(figure).copied()
    }

    /// How a figure compares.
    #[must_use]
    pub fn outcome(&self, subject: &Subject, figure: &Figure) -> Outcome {
        let Some(bound) = self.of(subject, &figure.name) else { return Outcome::Unknown };
        let gain = figure.gain_over(bound.value);
        if gain < -bound.noise - ROUNDING {
            Outcome::Worse
        } else if gain < -ROUNDING {
            Outcome::Within
        } else if gain > ROUNDING {
            Outcome::Better
        } else {
            Outcome::Same
        }
    }

    /// What the file has and a run lacks: `set NAME` or `rehearsal NAME`, with the figure
    /// where only that is missing. Subjects that were not run count where `all` should
    /// have been.
    #[must_use]
    pub fn missing(&self, subjects: &[Subject], all: bool) -> Vec<String> {
        let mut missing = Vec::new();
        for kind in [Kind::Set, Kind::Rehearsal] {
            for (name, figures) in self.tables(kind) {
                let run =
                    subjects.iter().find(|subject| subject.kind == kind && subject.name == *name);
                match run {
                    None if all => missing.push(format!("{} {name}", word(kind))),
                    None => {}
                    Some(subject) => missing.extend(
                        figures
                            .keys()
                            .filter(|key| subject.figures.iter().all(|one| one.name != **key))
                            .map(|key| format!("{} {name}: {key}", word(kind))),
                    ),
                }
            }
        }
        missing
    }

    /// Takes over the figures of a run, in place of those that the file has of the same
    /// sets and rehearsals.
    pub fn take(&mut self, subjects: &[Subject]) {
        for subject in subjects {
            let bound = |figure: &Figure| Bound { value: figure.value, noise: figure.noise };
            let figures = subject.figures.iter().map(|figure| (figure.name.clone(), bound(figure)));
            let tables = match subject.kind {
                Kind::Set => &mut self.sets,
                Kind::Rehearsal => &mut self.rehearsals,
            };
            tables.insert(subject.name.clone(), figures.collect());
        }
    }

    /// All sets and rehearsals, as if they had just been run.
    #[must_use]
    pub fn subjects(&self) -> Vec<Subject> {
        let mut subjects = Vec::new();
        for kind in [Kind::Set, Kind::Rehearsal] {
            for (name, figures) in self.tables(kind) {
                let figure = |(name, bound): (&String, &Bound)| Figure {
                    name: name.clone(),
                    value: bound.value,
                    noise: bound.noise,
                };
                let figures = figures.iter().map(figure).collect();
                subjects.push(Subject { kind, name: name.clone(), figures });
            }
        }
        subjects
    }

    /// The text of the file.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = HEAD.to_owned();
        for kind in [Kind::Set, Kind::Rehearsal] {
            for (name, figures) in self.tables(kind) {
                let _ = writeln!(text, "\n[{}.{name}]", word(kind));
                for (figure, Bound { value, noise }) in figures {
                    let key =
                        if figure.contains('.') { format!("{figure:?}") } else { figure.clone() };
                    let (value, noise) = (rounded(*value), rounded(*noise));
                    let _ = writeln!(text, "{key} = {{ value = {value:?}, noise = {noise:?} }}");
                }
            }
        }
        text
    }

    fn tables(&self, kind: Kind) -> &BTreeMap<String, BTreeMap<String, Bound>> {
        match kind {
            Kind::Set => &self.sets,
            Kind::Rehearsal => &self.rehearsals,
        }
    }
}

/// What a kind is called.
#[must_use]
pub const fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Set => "set",
        Kind::Rehearsal => "rehearsal",
    }
}

fn rounded(value: f64) -> f64 {
    // Adding zero makes a negative zero a plain one.
    (value / ROUNDING).round() * 1e4 * ROUNDING / 1e4 + 0.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject(found: f64, score: f64) -> Subject {
        let figure = |name: &str, value, noise| Figure { name: name.into(), value, noise };
        let figures = vec![figure("found", found, 0.5), figure("score", score, 1.5)];
        Subject { kind: Kind::Set, name: "x".into(), figures }
    }

    fn bounds() -> Bounds {
        let mut bounds = Bounds::default();
        bounds.take(&[subject(30.0, 43.123_456)]);
        Bounds::parse(&bounds.text()).unwrap()
    }

    #[test]
    fn what_was_written_is_read_again_and_the_same_run_is_the_same() {
        let (run, bounds) = (subject(30.0, 43.123_456), bounds());
        for figure in &run.figures {
            assert_eq!(bounds.outcome(&run, figure), Outcome::Same, "{}", figure.name);
        }
        assert!(bounds.text().contains("score = { value = 43.1235, noise = 1.5 }"));
    }

    #[test]
    fn a_figure_fails_where_it_is_worse_beyond_its_noise() {
        let rows = [
            (31.0, 40.0, [Outcome::Better, Outcome::Better]),
            (29.5, 44.6, [Outcome::Within, Outcome::Within]),
            (29.0, 44.7, [Outcome::Worse, Outcome::Worse]),
        ];
        for (found, score, expected) in rows {
            let run = subject(found, score);
            let got = [0, 1].map(|n| bounds().outcome(&run, &run.figures[n]));
            assert_eq!(got, expected, "{found} {score}");
        }
    }

    #[test]
    fn what_is_in_the_file_and_not_in_the_run_is_missing() {
        let bounds = bounds();
        let mut run = subject(30.0, 43.0);
        run.figures.pop();
        assert_eq!(bounds.missing(&[run.clone()], false), ["set x: score"]);
        run.name = "y".into();
        assert!(bounds.missing(&[run.clone()], false).is_empty());
        assert_eq!(bounds.missing(&[run], true), ["set x"]);
    }
}
