//! Lines and areas in steps, as commands of an SVG path: nothing is drawn where nothing
//! was measured.

use std::fmt::Write;

/// A value, or the space between two, that holds from `left` to `right`; in pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// Where it begins.
    pub left: f64,
    /// Where it ends.
    pub right: f64,
    /// The value, or the upper of two.
    pub high: f64,
    /// The lower of two.
    pub low: f64,
}

/// How far apart two steps may lie and still be one line, in pixels.
const SEAM: f64 = 0.2;

/// A line along the values.
#[must_use]
pub fn line(steps: &[Option<Step>]) -> String {
    let mut commands = String::new();
    for run in runs(steps) {
        let _ = write!(commands, "M{:.1} {:.1}", run[0].left, run[0].high);
        stairs(&mut commands, run.iter().map(|step| (step.right, step.high)));
    }
    commands
}

/// The areas between the two values.
#[must_use]
pub fn area(steps: &[Option<Step>]) -> String {
    let mut commands = String::new();
    for run in runs(steps) {
        let _ = write!(commands, "M{:.1} {:.1}", run[0].left, run[0].high);
        stairs(&mut commands, run.iter().map(|step| (step.right, step.high)));
        stairs(&mut commands, run.iter().rev().map(|step| (step.left, step.low)));
        commands.push('Z');
    }
    commands
}

/// To each place in turn: to its height at once, then along. Places of one height are one
/// stroke.
fn stairs(commands: &mut String, places: impl Iterator<Item = (f64, f64)>) {
    let mut places = places.peekable();
    let mut height = f64::NAN;
    while let Some((x, y)) = places.next() {
        if y.to_bits() != height.to_bits() {
            let _ = write!(commands, "V{y:.1}");
            height = y;
        }
        if places.peek().is_none_or(|(_, next)| next.to_bits() != y.to_bits()) {
            let _ = write!(commands, "H{x:.1}");
        }
    }
}

/// Steps that follow each other without a gap.
fn runs(steps: &[Option<Step>]) -> Vec<Vec<Step>> {
    let mut runs: Vec<Vec<Step>> = Vec::new();
    for step in steps.iter().flatten() {
        match runs.last_mut() {
            Some(run) if run.last().is_some_and(|last| (step.left - last.right).abs() < SEAM) => {
                run.push(*step);
            }
            _ => runs.push(vec![*step]),
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(left: f64, high: f64) -> Step {
        Step { left, right: left + 10.0, high, low: 50.0 }
    }

    #[test]
    fn equal_steps_are_one_stroke_and_a_gap_is_left_open() {
        let steps = [
            Some(step(0.0, 5.0)),
            Some(step(10.0, 5.0)),
            Some(step(20.0, 7.0)),
            None,
            Some(step(40.0, 7.0)),
        ];
        assert_eq!(line(&steps), "M0.0 5.0V5.0H20.0V7.0H30.0M40.0 7.0V7.0H50.0");
        assert_eq!(area(&steps[..3]), "M0.0 5.0V5.0H20.0V7.0H30.0V50.0H0.0Z");
        assert_eq!(line(&[None]), "");
    }
}
