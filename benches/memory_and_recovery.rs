//! What does a day of reports take in memory and on disk, and how soon is the server back
//! after a crash?
//!
//! Every size is filled twice: by people all in one place, where little but reporters is
//! remembered, and by people in ten metropolises over a day. What the second takes beyond
//! the first is what live (cell, minute)s take.

mod load;

use anyhow::ensure;
use groundswell::domain::grid::Position;
use groundswell::domain::report::Place;
use groundswell::domain::time::Timestamp;
use load::cities::Cities;
use load::crowd::now;
use load::day::{DOWN, Day, Scene};
use load::fill::{fill, until_ready};
use load::report::Report;
use load::server::Server;
use load::task::Task;
use load::{disk, http, sheet};
use std::path::Path;
use std::time::{Duration, Instant};

/// Reports in the store, in millions.
const MILLIONS: [usize; 3] = [1, 5, 14];
const METROS: usize = 10;

/// What one store took, in bytes where nothing else is said.
#[derive(Debug)]
struct Taken {
    filled_in: Duration,
    empty: u64,
    resident: u64,
    peak: u64,
    on_disk: u64,
    restarted: Restarted,
}

/// How a server came back.
#[derive(Debug)]
struct Restarted {
    listening_after: Duration,
    ready_after: Duration,
    resident: u64,
}

fn main() -> anyhow::Result<()> {
    let Task::Measure(options) = Task::from_args()? else { return Ok(()) };
    let millions = options.pick(&MILLIONS[..1], &MILLIONS[..]);
    let metros = Cities::of("CA")?.largest(METROS);
    let (mut memory, mut recovery) = (Vec::new(), Vec::new());
    for million in millions {
        let reports = million * 1_000_000;
        let downtown = Position::new(43.6532, -79.3832)?;
        let one_place = taken_by(reports, &Day::new(6, Scene::OnePlace(downtown)))?;
        let day = Day::new(7, Scene::Outage(metros.clone(), now()));
        let outage = taken_by(reports, &day)?;
        let cell_minutes = cell_minutes(day.take(reports));
        memory.push(memory_row(reports, cell_minutes, &one_place, &outage));
        recovery.push(recovery_row(reports, "one place", &one_place));
        recovery.push(recovery_row(reports, "outage", &outage));
    }
    sheet::title("Memory and recovery");
    sheet::table(
        [
            "reports, reporters",
            "live (cell, minute)s",
            "MiB",
            "restarted",
            "bytes a reporter",
            "restarted",
            "bytes a (cell, minute)",
            "restarted",
        ],
        &memory,
    );
    sheet::paragraph(
        "Resident memory: of a server at rest after a day's outage, and of the same one after a \
         crash and a restart, when it holds what it needs \
         and nothing that filling left behind. A reporter: all reports from one place, less an \
         empty server. A (cell, minute): what the outage \
         takes beyond that.",
    );
    sheet::paragraph("After `kill -9`, the files still in the page cache:");
    sheet::table(
        [
            "reports",
            "where",
            "filled at reports/s",
            "MiB, peak",
            "MiB on disk",
            "bytes a report",
            "listening after s",
            "ready after s",
        ],
        &recovery,
    );
    let scratch = disk::scratch()?;
    sheet::paragraph(&format!("Median fsync {:?}.", disk::median_fsync(scratch.path())?));
    Ok(())
}

/// Fills a new store, lets the server rest, kills it and starts it again.
fn taken_by(reports: usize, day: &Day) -> anyhow::Result<Taken> {
    let scratch = disk::scratch()?;
    let store = scratch.path().join("store");
    let server = Server::groundswell(&store)?;
    until_ready(&server)?;
    let empty = server.resident_bytes()?;
    let began = Instant::now();
    fill(&server, day.clone().take(reports))?;
    let filled_in = began.elapsed();
    let resident = at_rest(&server)?;
    let peak = server.peak_resident_bytes()?;
    eprintln!(
        "{reports} reports in {:.1} s, {} MiB",
        filled_in.as_secs_f64(),
        sheet::mib(resident)
    );
    // As by kill -9.
    drop(server);
    let on_disk = disk::bytes_in(&store)?;
    let of_the_one_down =
        day.clone().take(reports).filter(|report| report.provider == DOWN).count();
    let restarted = restart(&store, of_the_one_down)?;
    Ok(Taken { filled_in, empty, resident, peak, on_disk, restarted })
}

/// Starts a server on that store, and makes sure that it has so many reports of the
/// provider that is down.
fn restart(store: &Path, reports: usize) -> anyhow::Result<Restarted> {
    let began = Instant::now();
    let server = Server::groundswell(store)?;
    until_ready(&server)?;
    let ready_after = began.elapsed();
    let target = format!("/v1/heatmap?provider={DOWN}&window=24h&resolution=3");
    let view: serde_json::Value =
        serde_json::from_slice(&http::fetch(server.address, &target, "identity")?)?;
    ensure!(
        view["total"] == reports,
        "after the crash the map shows {} reports of {reports}",
        view["total"]
    );
    Ok(Restarted { listening_after: server.started_in, ready_after, resident: at_rest(&server)? })
}

/// The memory a server holds once it has stopped tidying up: when it moved by less than
/// one per cent for seven seconds, or after a minute.
fn at_rest(server: &Server) -> anyhow::Result<u64> {
    let (mut calm_seconds, mut resident) = (0, server.resident_bytes()?);
    for _ in 0..60 {
        std::thread::sleep(Duration::from_secs(1));
        let now = server.resident_bytes()?;
        let calm = now.abs_diff(resident) < resident / 100;
        calm_seconds = if calm { calm_seconds + 1 } else { 0 };
        resident = if calm { resident } else { now };
        if calm_seconds == 7 {
            break;
        }
    }
    server.resident_bytes()
}

/// How many different minutes of different cells of different providers these reports
/// were observed in.
fn cell_minutes(reports: impl Iterator<Item = Report>) -> usize {
    let place = |report: Report| {
        let place = Place::Position {
            position: report.position,
            accuracy_m: Some(report.accuracy_m.into()),
        };
        (report.observed_at.map(Timestamp::minute), place.cell(), report.provider)
    };
    let mut seen: Vec<_> = reports.map(place).collect();
    seen.sort_unstable();
    seen.dedup();
    seen.len()
}

fn memory_row(
    reports: usize,
    cell_minutes: usize,
    one_place: &Taken,
    outage: &Taken,
) -> [String; 8] {
    let each =
        |more: u64, less: u64, of: usize| format!("{:.1}", (more as f64 - less as f64) / of as f64);
    [
        sheet::thousands(reports as f64),
        sheet::thousands(cell_minutes as f64),
        sheet::mib(outage.resident),
        sheet::mib(outage.restarted.resident),
        each(one_place.resident, one_place.empty, reports),
        each(one_place.restarted.resident, one_place.empty, reports),
        each(outage.resident, one_place.resident, cell_minutes),
        each(outage.restarted.resident, one_place.restarted.resident, cell_minutes),
    ]
}

fn recovery_row(reports: usize, scene: &str, taken: &Taken) -> [String; 8] {
    let seconds = |duration: Duration| format!("{:.2}", duration.as_secs_f64());
    [
        sheet::thousands(reports as f64),
        scene.to_owned(),
        sheet::thousands(reports as f64 / taken.filled_in.as_secs_f64()),
        sheet::mib(taken.peak),
        sheet::mib(taken.on_disk),
        format!("{:.1}", taken.on_disk as f64 / reports as f64),
        seconds(taken.restarted.listening_after),
        seconds(taken.restarted.ready_after),
    ]
}
