//! What a bench prints: Markdown, ready for `benches/RESULTS.md`.
#![expect(clippy::print_stdout, reason = "a bench exists to print its result")]

use super::machine;
use std::process::Command;

/// Prints what every result needs beside it: question, date, command, commit, machine.
pub fn title(question: &str) {
    let date = jiff::Timestamp::now().strftime("%Y-%m-%d %H:%M");
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    let bench = env!("CARGO_CRATE_NAME");
    let command = format!(
        "cargo bench --bench {bench}{}{}",
        if args.is_empty() { "" } else { " -- " },
        args.join(" ")
    );
    println!(
        "\n## {question}\n\n{date} UTC · `{command}` · commit {} · {}\n",
        commit(),
        machine::description()
    );
}

/// Prints a paragraph.
pub fn paragraph(text: &str) {
    println!("{text}\n");
}

/// Prints a table.
pub fn table<const COLUMNS: usize>(header: [&str; COLUMNS], rows: &[[String; COLUMNS]]) {
    let line = |cells: &[String]| println!("| {} |", cells.join(" | "));
    line(&header.map(str::to_owned));
    // Figures line up at the right, names at the left.
    println!("|---|{}", "---:|".repeat(COLUMNS - 1));
    for row in rows {
        line(row);
    }
    println!();
}

/// The median; of an even number, the mean of both in the middle.
#[must_use]
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    if sorted.len().is_multiple_of(2) {
        f64::midpoint(sorted[middle - 1], sorted[middle])
    } else {
        sorted[middle]
    }
}

/// The least and the most of some values, written so.
#[must_use]
pub fn spread(values: &[f64], write: impl Fn(f64) -> String) -> String {
    let (least, most) = values
        .iter()
        .fold((f64::MAX, f64::MIN), |(least, most), value| (least.min(*value), most.max(*value)));
    format!("{} to {}", write(least), write(most))
}

/// A whole number with its thousands apart.
#[must_use]
pub fn thousands(value: f64) -> String {
    let digits = format!("{value:.0}");
    let groups: Vec<&str> = digits
        .as_bytes()
        .rchunks(3)
        .rev()
        .map(|group| std::str::from_utf8(group).unwrap_or_default())
        .collect();
    groups.join(",")
}

/// Microseconds as milliseconds.
#[must_use]
pub fn ms(us: u64) -> String {
    format!("{:.2}", us as f64 / 1e3)
}

/// Bytes as mebibytes.
#[must_use]
pub fn mib(bytes: u64) -> String {
    format!("{:.1}", bytes as f64 / f64::from(1 << 20))
}

fn commit() -> String {
    let git = |args: &[&str]| {
        let output = Command::new("git")
            .args(args)
            .output()
            .ok()
            .filter(|output| output.status.success())?;
        Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let Some(hash) = git(&["rev-parse", "--short", "HEAD"]) else { return "unknown".to_owned() };
    let changed = git(&["status", "--porcelain", "--untracked-files=no"])
        .is_some_and(|status| !status.is_empty());
    if changed { format!("{hash} with changes") } else { hash }
}
