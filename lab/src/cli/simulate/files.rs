//! A scenario as files that `groundswell replay` reads: its history, its stream, and what
//! really happened.

use super::bar;
use crate::simulate::plan::Plan;
use anyhow::Context;
use flate2::Compression;
use flate2::write::GzEncoder;
use groundswell::cli::output::{Finished, Outputs, Target};
use groundswell::domain::time::{HOUR_MS, MINUTE_MS, Timestamp};
use indicatif::ProgressBar;
use std::io::Write;
use std::ops::Range;
use std::path::Path;

/// The quiet weeks before a stream.
pub fn history_before(stream: &Range<Timestamp>, weeks: i64) -> Range<Timestamp> {
    stream.start.plus_ms(-weeks * 7 * 24 * HOUR_MS)..stream.start
}

/// Writes history.ndjson.gz, stream.ndjson.gz and truth.json: all of them, or none.
pub fn write(
    plan: &Plan,
    history: Range<Timestamp>,
    stream: Range<Timestamp>,
    directory: &Path,
) -> anyhow::Result<()> {
    let mut outputs = Outputs::beside([])?;
    let mut target = |name: &str| outputs.target(&directory.join(name));
    let (truth_target, history_target, stream_target) =
        (target("truth.json")?, target("history.ndjson.gz")?, target("stream.ndjson.gz")?);
    let bar = bar(stream.end.ms_since(history.start) / MINUTE_MS)?;
    let truth = serde_json::to_string_pretty(&plan.truth(stream.start, stream.end))? + "\n";
    let truth = truth_target.written(truth.as_bytes())?;
    let (past, before) = play(plan, history, &history_target, &bar)?;
    let (present, count) = play(plan, stream, &stream_target, &bar)?;
    outputs.publish([past, present, truth])?;
    bar.finish_and_clear();
    let (name, crowd) = (plan.scenario.name, plan.crowd);
    Ok(writeln!(
        std::io::stderr(),
        "{name}: {before} reports of history and {count} of the stream, all synthetic: curves \
         fitted through the counts on record, {crowd} of their size"
    )?)
}

/// Writes the reports received within an interval. Gives how many there are.
fn play(
    plan: &Plan,
    received: Range<Timestamp>,
    target: &Target,
    bar: &ProgressBar,
) -> anyhow::Result<(Finished, u64)> {
    let mut out = GzEncoder::new(target.begin()?, Compression::default());
    let (began, before, mut count) = (received.start, bar.position(), 0);
    for report in plan.reports(received) {
        let mut line = report.file_line();
        line.push(b'\n');
        out.write_all(&line).with_context(|| target.to_string())?;
        count += 1;
        bar.set_position(before + (report.received_at.ms_since(began) / MINUTE_MS).unsigned_abs());
    }
    let file = out.finish().with_context(|| target.to_string())?;
    Ok((file.finish()?, count))
}
