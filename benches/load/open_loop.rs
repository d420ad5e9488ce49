//! Requests at a fixed rate, whatever the server does, as people come. Good for latency.
//!
//! A latency counts from when its request was due, not from when a connection was free to
//! send it: a server that stops for a second is charged with everybody who waited
//! meanwhile ("coordinated omission" is leaving those out).

use super::client::{Client, PATIENCE};
use super::run::{Expected, Run, Span};
use anyhow::ensure;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

/// What comes in, and how.
#[derive(Debug, Clone, Copy)]
pub struct Stream {
    /// Requests a second.
    pub rate: f64,
    /// As many as can be on their way at once.
    pub connections: usize,
    /// For how long.
    pub span: Span,
}

/// Loads a server with a stream of requests. `render` puts the next one in place of a
/// connection's last.
///
/// # Errors
/// Where a connection fails or nothing is answered for long.
pub fn stream(
    address: SocketAddr,
    stream: Stream,
    expected: Expected,
    mut render: impl FnMut(&mut Vec<u8>),
) -> anyhow::Result<Run> {
    let mut client = Client::connect(address, stream.connections)?;
    // First in, first out: used in turn, none is idle for so long that the server closes
    // it.
    let mut idle: VecDeque<usize> = (0..stream.connections).collect();
    let mut run = Run::begin(stream.span);
    let (mut schedule, mut last_answer) =
        (Schedule::new(stream.rate, run.ends_at()), Instant::now());
    let mut render = |request: &mut Vec<u8>| {
        render(request);
        ControlFlow::Continue(())
    };
    while schedule.due().is_some() || client.waiting() > 0 {
        let now = Instant::now();
        while let Some(due) = schedule.due().filter(|due| *due <= now)
            && let Some(number) = idle.pop_front()
        {
            client.send(number, due, &mut render)?;
            schedule.next += 1;
        }
        let next = schedule.due().filter(|_| !idle.is_empty());
        client.wait(next.map_or(PATIENCE, |due| due.saturating_duration_since(Instant::now())))?;
        while let Some(number) = client.next_answered()? {
            last_answer = Instant::now();
            run.take(client.answer(number), last_answer, expected);
            idle.push_back(number);
        }
        ensure!(
            client.waiting() == 0 || last_answer.elapsed() < PATIENCE,
            "no answer within {} s",
            PATIENCE.as_secs()
        );
    }
    Ok(run.end())
}

struct Schedule {
    begin: Instant,
    interval: Duration,
    next: u32,
    end: Instant,
}

impl Schedule {
    fn new(rate: f64, end: Instant) -> Self {
        Self { begin: Instant::now(), interval: Duration::from_secs_f64(1.0 / rate), next: 0, end }
    }

    /// When the next request is due; none after the end.
    fn due(&self) -> Option<Instant> {
        let due = self.begin + self.interval * self.next;
        (due < self.end).then_some(due)
    }
}
