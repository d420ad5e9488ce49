//! As many requests as a server takes: every connection sends its next one when the last
//! was answered. Good for throughput only.

use super::client::{Client, PATIENCE};
use super::run::{Expected, Run, Span};
use anyhow::ensure;
use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::time::Instant;

/// Loads a server for a span. `render` puts the next request in place of a connection's
/// last.
///
/// # Errors
/// Where a connection fails or nothing is answered for long.
pub fn for_a_span(
    address: SocketAddr,
    connections: usize,
    span: Span,
    expected: Expected,
    mut render: impl FnMut(&mut Vec<u8>),
) -> anyhow::Result<Run> {
    let client = Client::connect(address, connections)?;
    let run = Run::begin(span);
    let ends_at = run.ends_at();
    let unless_over = |request: &mut Vec<u8>| {
        if Instant::now() >= ends_at {
            return ControlFlow::Break(());
        }
        render(request);
        ControlFlow::Continue(())
    };
    drive(client, connections, run, expected, unless_over)
}

/// Loads a server until `render` breaks, since nothing is left to send.
///
/// # Errors
/// Where a connection fails or nothing is answered for long.
pub fn until_done(
    address: SocketAddr,
    connections: usize,
    expected: Expected,
    render: impl FnMut(&mut Vec<u8>) -> ControlFlow<()>,
) -> anyhow::Result<Run> {
    let client = Client::connect(address, connections)?;
    drive(client, connections, Run::begin(Span::seconds(0.0, 0.0)), expected, render)
}

fn drive(
    mut client: Client,
    connections: usize,
    mut run: Run,
    expected: Expected,
    mut render: impl FnMut(&mut Vec<u8>) -> ControlFlow<()>,
) -> anyhow::Result<Run> {
    for number in 0..connections {
        client.send(number, Instant::now(), &mut render)?;
    }
    while client.waiting() > 0 {
        let asleep = Instant::now();
        client.wait(PATIENCE)?;
        ensure!(asleep.elapsed() < PATIENCE, "no answer within {} s", PATIENCE.as_secs());
        while let Some(number) = client.next_answered()? {
            let now = Instant::now();
            run.take(client.answer(number), now, expected);
            client.send(number, now, &mut render)?;
        }
    }
    Ok(run.end())
}
