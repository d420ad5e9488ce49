//! A scenario as files that `groundswell replay` reads: its history, its stream, and what really happened.

use super::bar;
use crate::domain::time::{HOUR_MS, MINUTE_MS, Timestamp};
use crate::simulate::plan::Plan;
use anyhow::Context;
use flate2::Compression;
use flate2::write::GzEncoder;
use indicatif::ProgressBar;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::ops::Range;
use std::path::Path;

/// The quiet weeks before a stream.
pub fn history_before(stream: &Range<Timestamp>, weeks: i64) -> Range<Timestamp> {
    stream.start.plus_ms(-weeks * 7 * 24 * HOUR_MS)..stream.start
}

/// Writes history.ndjson.gz, stream.ndjson.gz and truth.json.
pub fn write(plan: &Plan, history: Range<Timestamp>, stream: Range<Timestamp>, directory: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(directory).with_context(|| directory.display().to_string())?;
    let bar = bar(stream.end.ms_since(history.start) / MINUTE_MS)?;
    let truth = serde_json::to_string_pretty(&plan.truth(stream.start, stream.end))?;
    let path = directory.join("truth.json");
    std::fs::write(&path, truth + "\n").with_context(|| path.display().to_string())?;
    let before = play(plan, history.clone(), &directory.join("history.ndjson.gz"), &bar)?;
    let count = play(plan, stream, &directory.join("stream.ndjson.gz"), &bar)?;
    bar.finish_and_clear();
    let (name, crowd) = (plan.scenario.name, plan.crowd);
    Ok(writeln!(
        std::io::stderr(),
        "{name}: {before} reports of history and {count} of the stream, all synthetic: curves fitted through the counts on record, {crowd} of their size"
    )?)
}

/// Writes the reports received within an interval. Gives how many there are.
fn play(plan: &Plan, received: Range<Timestamp>, path: &Path, bar: &ProgressBar) -> anyhow::Result<u64> {
    let shown = || path.display().to_string();
    let mut out = GzEncoder::new(BufWriter::new(File::create(path).with_context(shown)?), Compression::default());
    let (began, before, mut count) = (received.start, bar.position(), 0);
    for report in plan.reports(received) {
        let mut line = report.file_line();
        line.push(b'\n');
        out.write_all(&line).with_context(shown)?;
        count += 1;
        bar.set_position(before + (report.received_at.ms_since(began) / MINUTE_MS).unsigned_abs());
    }
    out.finish().and_then(|mut file| file.flush()).with_context(shown)?;
    Ok(count)
}
