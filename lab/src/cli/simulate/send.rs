//! A scenario sent to a server: each report when its time has come by the server's clock.

use super::server::Server;
use super::{bar, stream};
use crate::simulate::plan::Plan;
use crate::simulate::report::Report;
use anyhow::ensure;
use groundswell::domain::time::{MINUTE_MS, Timestamp};
use std::io::Write;
use std::time::Duration;

/// Reports of a batch at most: half of what a server takes.
const MOST_IN_A_BATCH: usize = 5_000;
/// Batches so near to each other are sent as one.
const LEAST_PAUSE: Duration = Duration::from_millis(50);
/// The server's clock is asked again at least so often: its speed may change.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Which instant of the server an instant of the scenario is.
#[derive(Debug, Clone, Copy)]
struct Shift {
    from: Timestamp,
    begins: Timestamp,
    /// Instants of the scenario pass so many times as fast as the server's.
    speed: i64,
}

/// Sends what comes from `from` until `until`, or from the server's present until the
/// scenario's end where they are not given.
pub fn send(
    plan: &Plan,
    url: &str,
    from: Option<Timestamp>,
    until: Option<Timestamp>,
    speed: Option<u32>,
) -> anyhow::Result<()> {
    let mut server = Server::reach(url)?;
    ensure!(
        !server.is_simulated() || speed.is_none(),
        "the server's own clock is a simulated one, and sets the speed: leave --speed out"
    );
    let now = server.now();
    let from =
        from.unwrap_or_else(|| if server.is_simulated() { now } else { plan.scenario.from() });
    let received = stream(plan, from, until)?;
    let shift = if server.is_simulated() {
        Shift { from, begins: from, speed: 1 }
    } else {
        Shift { from, begins: now, speed: i64::from(speed.unwrap_or(1)) }
    };
    let bar = bar(received.end.ms_since(from) / MINUTE_MS)?;
    let mut reports = plan.reports(received).map(|report| shift.shifted(report)).peekable();
    while let Some(next) = reports.peek() {
        let wait_ms = next.received_at.ms_since(server.now());
        if wait_ms > 0 {
            std::thread::sleep(server.real(wait_ms).clamp(LEAST_PAUSE, LONGEST_PAUSE));
            server.ask()?;
            continue;
        }
        let now = server.now();
        let due: Vec<Report> =
            std::iter::from_fn(|| reports.next_if(|report| report.received_at <= now))
                .take(MOST_IN_A_BATCH)
                .collect();
        server.post(
            &due.iter()
                .flat_map(|report| report.line().into_iter().chain([b'\n']))
                .collect::<Vec<u8>>(),
        )?;
        if let Some(last) = due.last() {
            bar.set_position(
                (shift.unshifted(last.received_at).ms_since(from) / MINUTE_MS).unsigned_abs(),
            );
        }
        bar.set_message(format!("{} counted", server.sums().counted));
    }
    bar.finish_and_clear();
    let (name, sums) = (plan.scenario.name, server.sums());
    writeln!(
        std::io::stderr(),
        "{name}: {sums}, all synthetic: curves fitted through the counts on record, {} of their \
         size",
        plan.crowd
    )?;
    ensure!(
        sums.rejected == 0 || 0 < sums.counted + sums.duplicate,
        "the server took none of the reports"
    );
    Ok(())
}

impl Shift {
    fn shifted(self, report: Report) -> Report {
        let by = |instant: Timestamp| self.begins.plus_ms(instant.ms_since(self.from) / self.speed);
        Report {
            received_at: by(report.received_at),
            observed_at: by(report.observed_at),
            ..report
        }
    }

    const fn unshifted(self, instant: Timestamp) -> Timestamp {
        self.from.plus_ms(instant.ms_since(self.begins) * self.speed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scenario_that_begins_now_passes_as_fast_as_it_should() {
        let shift = Shift { from: Timestamp(1_000), begins: Timestamp(900_000), speed: 60 };
        let back = shift.unshifted(Timestamp(901_000));
        assert_eq!(back, Timestamp(61_000));
    }
}
