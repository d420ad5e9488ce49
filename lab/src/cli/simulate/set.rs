//! `groundswell-lab simulate set`: the small set of streams with known outages, as files.

use crate::simulate::report::Report;
use crate::simulate::set::{SmallSet, line};
use anyhow::Context;
use clap::Args;
use flate2::Compression;
use flate2::write::GzEncoder;
use groundswell::cli::output::{Finished, Outputs, Target};
use std::io::Write;
use std::path::PathBuf;

/// Which set, and where to.
#[derive(Debug, Clone, Args)]
pub struct Arguments {
    /// Seed of the random numbers: the same gives the same set
    #[arg(long, default_value_t = 1, value_name = "N")]
    seed: u64,
    /// Folder that index.json, truth.json, `real_rises.json` and the streams are written to
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

/// Writes the set: all of its files, or none.
///
/// # Errors
/// Where a file cannot be written.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let set = SmallSet::play(arguments.seed);
    let mut outputs = Outputs::beside([])?;
    let mut target = |name: &str| outputs.target(&arguments.out.join(name));
    let tables = [target("index.json")?, target("truth.json")?, target("real_rises.json")?];
    let history = target(&SmallSet::history_file())?;
    let streams = set
        .streams
        .iter()
        .map(|stream| target(&stream.index.stream))
        .collect::<Result<Vec<_>, _>>()?;
    let index: Vec<_> = set.streams.iter().map(|stream| &stream.index).collect();
    let truths: Vec<_> = set.streams.iter().flat_map(|stream| &stream.truths).collect();
    let texts = [
        serde_json::to_string_pretty(&index)?,
        serde_json::to_string_pretty(&truths)?,
        serde_json::to_string_pretty(&set.rises)?,
    ];
    let mut written = vec![packed(&set.history, &history)?];
    for (stream, target) in set.streams.iter().zip(&streams) {
        written.push(packed(&stream.reports, target)?);
    }
    for (text, target) in texts.iter().zip(&tables) {
        written.push(target.written(format!("{text}\n").as_bytes())?);
    }
    let count = set.streams.iter().map(|stream| stream.reports.len()).sum::<usize>();
    outputs.publish(written)?;
    Ok(writeln!(
        std::io::stderr(),
        "{} reports of history and {count} of {} streams, all synthetic",
        set.history.len(),
        set.streams.len()
    )?)
}

/// Writes reports, a line each.
fn packed(reports: &[Report], target: &Target) -> anyhow::Result<Finished> {
    let mut out = GzEncoder::new(target.begin()?, Compression::fast());
    for report in reports {
        writeln!(out, "{}", line(report)).with_context(|| target.to_string())?;
    }
    Ok(out.finish().with_context(|| target.to_string())?.finish()?)
}
