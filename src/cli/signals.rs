//! Signals: what ends the process when it is asked to, in whatever phase it is. What they
//! end leaves no temporary file behind.
//!
//! Heard from the first moment on, on a thread of its own: process 1 of a container would
//! not hear them otherwise. One that was to be ignored, as `nohup` arranges, still is.

use crate::engine::replay::leftovers;
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

/// What does not end within this is cut off: under the five seconds that are promised.
const ENDS_WITHIN: Duration = Duration::from_millis(4_500);
/// The status of a process that did not end by itself in time.
const CUT_OFF: i32 = 1;
/// Shells add the number of the signal to this.
const BY_SIGNAL: i32 = 128;

/// What is to be done at a signal, and whether one came.
#[derive(Debug, Clone)]
pub struct Signals(Arc<watch::Sender<State>>);

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// The process ends at once, with the status that says so: nothing that counts is
    /// half done at any time.
    EndsAtOnce,
    /// It ends at once, and well: a service that was asked to stop.
    EndsWell,
    /// Somebody waits for the signal, and ends the process in order.
    EndsInOrder,
    /// It came.
    Asked,
}

impl Signals {
    /// Hears signals from now on.
    ///
    /// # Errors
    /// Where they cannot be heard, or no thread can be had.
    pub fn heard() -> std::io::Result<Self> {
        let signals = Self(Arc::new(watch::Sender::new(State::EndsAtOnce)));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let hear = {
            let _context = runtime.enter();
            Hear {
                interrupt: heard(SignalKind::interrupt())?,
                terminate: heard(SignalKind::terminate())?,
                hangup: heard(SignalKind::hangup())?,
            }
        };
        let state = Arc::clone(&signals.0);
        std::thread::Builder::new()
            .name("signals".into())
            .spawn(move || runtime.block_on(hear.heed(&state)))?;
        Ok(signals)
    }

    /// From now on, to be asked to stop is no failure.
    pub fn end_well(&self) {
        self.0.send_if_modified(|state| {
            let is_new = *state == State::EndsAtOnce;
            if is_new {
                *state = State::EndsWell;
            }
            is_new
        });
    }

    /// Ends when the process is asked to: Ctrl-C, SIGTERM or SIGHUP. From the call on it
    /// has to end in order, in time, and not be asked twice.
    pub fn asked(&self) -> impl Future<Output = ()> + use<> {
        self.0.send_if_modified(|state| {
            let is_new = *state != State::Asked;
            if is_new {
                *state = State::EndsInOrder;
            }
            is_new
        });
        let mut state = self.0.subscribe();
        // The other end lives as long as the process.
        async move { drop(state.wait_for(|state| *state == State::Asked).await) }
    }
}

/// What is listened to; none where it is to be ignored.
struct Hear {
    interrupt: Option<Signal>,
    terminate: Option<Signal>,
    hangup: Option<Signal>,
}

impl Hear {
    async fn heed(mut self, state: &watch::Sender<State>) {
        let status = self.next().await;
        match state.send_replace(State::Asked) {
            State::EndsAtOnce => exit(status),
            State::EndsWell => {
                tracing::info!("stopped before it was ready");
                exit(0);
            }
            State::EndsInOrder | State::Asked => {}
        }
        tokio::select! {
            status = self.next() => {
                tracing::warn!("asked to stop a second time: ends at once");
                exit(status);
            }
            () = tokio::time::sleep(ENDS_WITHIN) => {
                tracing::error!("did not stop within {} s and is cut off; nothing that was \
                     answered is lost", ENDS_WITHIN.as_secs_f32());
                exit(CUT_OFF);
            }
        }
    }

    /// The status of a process that ends by the next signal.
    async fn next(&mut self) -> i32 {
        let kind = tokio::select! {
            () = next(&mut self.interrupt) => SignalKind::interrupt(),
            () = next(&mut self.terminate) => SignalKind::terminate(),
            () = next(&mut self.hangup) => SignalKind::hangup(),
        };
        BY_SIGNAL + kind.as_raw_value()
    }
}

/// Ends the process, and leaves no temporary file behind.
fn exit(status: i32) -> ! {
    // Held until the end, so that none is made meanwhile.
    let _swept = leftovers::sweep();
    std::process::exit(status)
}

fn heard(kind: SignalKind) -> std::io::Result<Option<Signal>> {
    if is_ignored(kind.as_raw_value()) { Ok(None) } else { signal(kind).map(Some) }
}

async fn next(heard: &mut Option<Signal>) {
    match heard {
        Some(signal) => drop(signal.recv().await),
        None => std::future::pending().await,
    }
}

/// Whether whoever started this process wants it to ignore a signal. Only Linux tells.
fn is_ignored(number: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    ignored
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .is_some_and(|mask| mask >> (number - 1) & 1 == 1)
}
