//! What a signal ends leaves nothing behind.

use crate::engine::replay::leftovers;
use anyhow::Context;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Has the process remove its temporary files where a signal ends it: Ctrl-C, SIGTERM, or SIGHUP. Its status is then 128 and the signal's
/// number, as shells have it. A signal that was to be ignored, as `nohup` arranges, still is.
///
/// # Errors
/// Where signals cannot be heard.
pub fn sweep_on_signals() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let inside = runtime.enter();
    let heard = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()].map(heard);
    drop(inside);
    let [interrupt, terminate, hangup] = heard;
    let (mut interrupt, mut terminate, mut hangup) = (interrupt?, terminate?, hangup?);
    let wait = async move {
        tokio::select! {
            number = next(&mut interrupt) => number,
            number = next(&mut terminate) => number,
            number = next(&mut hangup) => number,
        }
    };
    let sweep = move || {
        let number = runtime.block_on(wait);
        let _swept = leftovers::sweep();
        std::process::exit(128 + number)
    };
    std::thread::Builder::new().name("signals".into()).spawn(sweep).context("no thread for signals")?;
    Ok(())
}

/// A signal, and its number; none where it is ignored.
fn heard(kind: SignalKind) -> anyhow::Result<Option<(Signal, i32)>> {
    let number = kind.as_raw_value();
    if is_ignored(number) { Ok(None) } else { Ok(Some((signal(kind).context("signals cannot be heard")?, number))) }
}

async fn next(heard: &mut Option<(Signal, i32)>) -> i32 {
    match heard {
        Some((signal, number)) => {
            signal.recv().await;
            *number
        }
        None => std::future::pending().await,
    }
}

/// Whether whoever started this process wants it to ignore a signal. Only Linux tells.
fn is_ignored(number: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask >> (number - 1) & 1 == 1)
}
