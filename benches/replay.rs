//! How long does a replay take: a day of a million reports, and without the detectors'
//! own cost?
//!
//! In this process, on the embedded store in a temporary directory, one stream on one
//! core.

mod load;

use flate2::Compression;
use flate2::write::GzEncoder;
use groundswell::domain::detect::parameters::Parameters;
use groundswell::domain::provider::Catalogue;
use groundswell::domain::reporter::ReporterKey;
use groundswell::domain::time::{DEFAULT_LATENESS_MS, HOUR_MS, Timestamp};
use groundswell::engine::replay::past::Past;
use groundswell::engine::replay::{Setting, providers};
use load::cities::Cities;
use load::crowd::Crowd;
use load::sheet;
use load::task::{Options, Task};
use std::io::{BufWriter, Write};
use std::path::Path;
use std::time::Instant;

/// 8 July 2022, 00:00 UTC.
const MIDNIGHT: Timestamp = Timestamp(1_657_238_400_000);
const DAY_MS: i64 = 24 * HOUR_MS;
/// Of so many reports one comes again: phones repeat what was not answered.
const REPEATED: usize = 16;
/// What a day of a million reports may take.
const TARGET_S: f64 = 60.0;

fn main() -> anyhow::Result<()> {
    if let Task::Measure(options) = Task::from_args()? {
        measure(options)?;
    }
    Ok(())
}

fn measure(options: Options) -> anyhow::Result<()> {
    let sizes: &[usize] = options.pick(&[10_000, 100_000], &[10_000, 100_000, 1_000_000]);
    let (directory, mut rows, mut slowest) = (tempfile::tempdir()?, Vec::new(), 0_f64);
    for &reports in sizes {
        let file = directory.path().join(format!("{reports}.ndjson.gz"));
        write_day(&file, reports)?;
        let files = [file.into()];
        let began = Instant::now();
        let key = ReporterKey::new(b"bench");
        let setting = Setting {
            catalogue: providers::named_in(&files, &Catalogue::default())?,
            key,
            lateness_ms: DEFAULT_LATENESS_MS,
            parameters: Parameters::default(),
        };
        let first_pass = began.elapsed().as_secs_f64();
        let statistics =
            Past::play(&setting, &[], &mut |_| {})?.resume()?.replay(&files, &mut ())?;
        let seconds = began.elapsed().as_secs_f64();
        slowest = slowest.max(seconds);
        rows.push([
            sheet::thousands(reports as f64),
            sheet::thousands(statistics.counted as f64),
            sheet::thousands(statistics.duplicates as f64),
            format!("{first_pass:.2}"),
            format!("{seconds:.2}"),
            sheet::thousands(reports as f64 / seconds),
        ]);
    }
    let met = if slowest <= TARGET_S { "met" } else { "missed" };
    sheet::title("Time to replay a day");
    sheet::table(
        [
            "reports",
            "counted",
            "duplicates",
            "providers found after s",
            "all s",
            "reports a second",
        ],
        &rows,
    );
    sheet::paragraph(&format!(
        "The largest took **{slowest:.1} s**, target {TARGET_S:.0} s: {met}."
    ));
    Ok(())
}

/// A day of reports from Canada's cities, evenly over the day, packed by gzip.
fn write_day(path: &Path, reports: usize) -> anyhow::Result<()> {
    let mut crowd = Crowd::new(7, Cities::of("CA")?);
    let mut out = GzEncoder::new(BufWriter::new(std::fs::File::create(path)?), Compression::fast());
    let mut line = Vec::new();
    for n in 0..reports {
        let received = MIDNIGHT.plus_ms(DAY_MS * n as i64 / reports as i64);
        if n % REPEATED != 1 {
            line.clear();
            crowd.report(received).write(&mut line);
            line.pop();
        }
        let at = jiff::Timestamp::from_millisecond(received.0)?;
        out.write_all(&line)?;
        writeln!(out, r#","received_at":"{at}"}}"#)?;
    }
    Ok(out.finish()?.flush()?)
}
