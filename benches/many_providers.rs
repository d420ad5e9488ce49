//! How soon does a server with an empty store detect, and what does a look cost then, by
//! how many providers its catalogue has?
//!
//! In this process, on the embedded store and on a Redis of its own. A start is what the
//! detectors take to come through the day before. A look is one of a quiet minute: nobody
//! reports. Both must grow no faster than the catalogue.

mod load;

use anyhow::Context;
use groundswell::domain::provider::{Catalogue, Provider};
use groundswell::domain::reporter::ReporterKey;
use groundswell::domain::time::DEFAULT_LATENESS_MS;
use groundswell::engine::Engine;
use groundswell::engine::clock::Clock;
use groundswell::store::embedded::Options as StoreOptions;
use groundswell::store::redis::address::Options as RedisOptions;
use groundswell::store::timing::Timing;
use groundswell::store::{Store, Terms};
use load::machine::resident_bytes;
use load::redis::Redis;
use load::server::cpu_of;
use load::sheet;
use load::task::Task;
use std::path::Path;
use std::time::Instant;

/// How many providers the built-in catalogue has, and how many one may have.
const SIZES: [usize; 5] = [121, 250, 500, 1_000, 10_000];
/// Looks that are measured, after the one that catches up.
const LOOKS: u32 = 20;
/// How much more a provider may cost among the most than among the fewest.
const LINEAR: f64 = 2.0;

/// What one size costs. The CPU time of a start is that of the whole process: what else
/// runs on the machine hardly shows in it.
#[derive(Debug, Clone, Copy)]
struct Cost {
    start_s: f64,
    start_cpu_s: f64,
    look_ms: f64,
    kib_a_provider: f64,
    start_commands: u64,
    look_commands: f64,
}

fn main() -> anyhow::Result<()> {
    let Task::Measure(options) = Task::from_args()? else { return Ok(()) };
    let sizes = &SIZES[..options.pick(3, SIZES.len())];
    let scratch = tempfile::tempdir()?;
    sheet::title("Start and looks by the size of the catalogue");
    for on_redis in [false, true] {
        let store = if on_redis { "Redis" } else { "embedded" };
        let mut rows = Vec::new();
        let mut costs: Vec<Cost> = Vec::new();
        for &providers in sizes {
            let cost =
                cost_of(providers, &scratch.path().join(format!("{store}-{providers}")), on_redis)?;
            rows.push(row(store, providers, &cost, costs.first().zip(sizes.first())));
            costs.push(cost);
        }
        sheet::table(
            [
                "store",
                "providers",
                "start s",
                "CPU s",
                "a provider, times the first",
                "a look ms",
                "KiB a provider",
                "commands: start",
                "a look",
            ],
            &rows,
        );
        if let [first, .., last] = &costs[..] {
            let ratio = (last.start_cpu_s / sizes[sizes.len() - 1] as f64)
                / (first.start_cpu_s / sizes[0] as f64);
            let verdict = if ratio <= LINEAR { "met" } else { "missed" };
            sheet::paragraph(&format!(
                "A provider's start costs **{ratio:.2}** times as much among the most as among \
                 the fewest, target {LINEAR:.0}: {verdict}."
            ));
        }
    }
    Ok(())
}

fn row(store: &str, providers: usize, cost: &Cost, first: Option<(&Cost, &usize)>) -> [String; 9] {
    let ratio = first.map(|(first, size)| {
        (cost.start_cpu_s / providers as f64) / (first.start_cpu_s / *size as f64)
    });
    [
        store.to_owned(),
        sheet::thousands(providers as f64),
        format!("{:.2}", cost.start_s),
        format!("{:.2}", cost.start_cpu_s),
        ratio.map_or_else(String::new, |ratio| format!("{ratio:.2}")),
        format!("{:.2}", cost.look_ms),
        format!("{:.1}", cost.kib_a_provider),
        sheet::thousands(cost.start_commands as f64),
        format!("{:.1}", cost.look_commands),
    ]
}

fn cost_of(providers: usize, directory: &Path, on_redis: bool) -> anyhow::Result<Cost> {
    let catalogue =
        Catalogue::new((0..providers).map(|n| Provider::of_id(format!("p{n:05}"))).collect())?;
    let key = ReporterKey::new(b"secret of a bench");
    let terms = Terms { reporter_key_check: key.check_value(), lateness_ms: DEFAULT_LATENESS_MS };
    let before = resident_bytes();
    let redis = on_redis.then(|| Redis::start(directory, "everysec")).transpose()?;
    let store = match &redis {
        None => Store::open_embedded(directory, &catalogue, terms, StoreOptions::default())?,
        Some(redis) => {
            Store::open_redis(&redis.url(), &catalogue, terms, &RedisOptions::default())?
        }
    };
    let timing = Timing::default();
    let clock = Clock::system(timing.probation());
    let engine = Engine::start(catalogue, clock, DEFAULT_LATENESS_MS, &key, store, timing)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let commands = || redis.as_ref().map_or(Ok(0), all_calls);
    let (began, used, asked) = (Instant::now(), cpu()?, commands()?);
    while engine.detection_snapshot().is_behind {
        runtime.block_on(engine.step_detection());
    }
    let (start_s, start_cpu_s, start_commands) =
        (began.elapsed().as_secs_f64(), cpu()? - used, commands()? - asked);
    let (used, asked) = (cpu()?, commands()?);
    for _ in 0..LOOKS {
        runtime.block_on(engine.step_detection());
    }
    let look_ms = (cpu()? - used) * 1e3 / f64::from(LOOKS);
    let look_commands = (commands()? - asked) as f64 / f64::from(LOOKS);
    let kib_a_provider = resident_bytes().saturating_sub(before) as f64 / 1024.0 / providers as f64;
    engine.stop();
    Ok(Cost { start_s, start_cpu_s, look_ms, kib_a_provider, start_commands, look_commands })
}

/// CPU time that this process has used, in seconds.
fn cpu() -> anyhow::Result<f64> {
    let cpu = cpu_of(std::process::id())?;
    Ok(cpu.user + cpu.system)
}

/// Commands that a Redis was sent so far.
fn all_calls(redis: &Redis) -> anyhow::Result<u64> {
    let stats = redis.cli(&["INFO", "stats"])?;
    let calls = stats
        .lines()
        .find_map(|line| line.strip_prefix("total_commands_processed:")?.trim().parse().ok());
    calls.context("INFO stats has no total_commands_processed")
}
