//! Puts reports into a server as fast as it takes them, in batches, each line once.

use super::client::PATIENCE;
use super::closed_loop;
use super::http;
use super::report::Report;
use super::run::{Expected, Run};
use super::server::Server;
use anyhow::ensure;
use std::ops::ControlFlow;

const LINES: usize = 1_000;
const CONNECTIONS: usize = 8;

/// Sends every report, and makes sure that every one counted. A whole number of batches.
///
/// # Errors
/// Where one did not count.
pub fn fill(server: &Server, reports: impl IntoIterator<Item = Report>) -> anyhow::Result<Run> {
    let mut reports = reports.into_iter().peekable();
    let mut body = Vec::new();
    let render = |request: &mut Vec<u8>| {
        if reports.peek().is_none() {
            return ControlFlow::Break(());
        }
        body.clear();
        for report in reports.by_ref().take(LINES) {
            report.write(&mut body);
            body.push(b'\n');
        }
        *request = http::post("/v1/reports/batch", "application/x-ndjson", &body);
        ControlFlow::Continue(())
    };
    let expected = Expected { status: 200, containing: r#""counted":1000,"# };
    let run = closed_loop::until_done(server.address, CONNECTIONS, expected, render)?;
    ensure!(
        run.wrong == 0,
        "{} batches did not count whole, first: {}",
        run.wrong,
        run.first_wrong.unwrap_or_default()
    );
    Ok(run)
}

/// Waits until the server answers that it is ready.
///
/// # Errors
/// Where it does not within half a minute.
pub fn until_ready(server: &Server) -> anyhow::Result<()> {
    let began = std::time::Instant::now();
    while let Err(error) = http::fetch(server.address, "/readyz", "identity") {
        ensure!(began.elapsed() < PATIENCE, "not ready within {} s: {error}", PATIENCE.as_secs());
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    Ok(())
}
