//! What does the detection service of a server cost, and how soon after the deciding report is an
//! incident known?
//!
//! Fifty providers over a continent with three quiet weeks behind them, on the embedded
//! store, in this process. First what a start takes. Then a quiet minute, a report a
//! second of all together. Then one provider after the other fails in one city: twelve
//! reports are recorded at once, and the time counts from the answer to them until the
//! incident can be read. Last, while all these incidents go on, 200 reports a second of
//! one provider in an outage everywhere. What looks cost is the CPU time of the thread
//! that looks.

mod load;

use groundswell::domain::fact::Source;
use groundswell::domain::grid::{Cell, Position, Resolution};
use groundswell::domain::provider::{Catalogue, Provider, ProviderIndex};
use groundswell::domain::report::{Observed, Report};
use groundswell::domain::reporter::{DAY_SHIFT, Identity, Reporter, ReporterKey};
use groundswell::domain::symptom::Symptom;
use groundswell::domain::time::{DEFAULT_LATENESS_MS, Minute};
use groundswell::engine::Engine;
use groundswell::engine::clock::Clock;
use groundswell::store::embedded::{Durability, Options as StoreOptions};
use groundswell::store::timing::Timing;
use groundswell::store::{Store, Terms};
use load::cities::Cities;
use load::crowd::now;
use load::machine::{resident_bytes, thread_cpu_seconds};
use load::sheet;
use load::task::{Options, Task};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const PROVIDERS: u16 = 50;
const PAST_DAYS: i64 = 21;
/// Reports a day of each provider in the quiet past.
const A_DAY: u64 = 2_000;
const OUTAGE_A_SECOND: u64 = 200;
/// Of all together: as many as in the quiet past.
const QUIET_A_SECOND: u64 = 1;
/// Reports that come at once to decide.
const DECIDING: u64 = 12;

/// What one look cost, and when it began.
type Looks = Vec<(Instant, f64)>;

fn main() -> anyhow::Result<()> {
    if let Task::Measure(options) = Task::from_args()? {
        measure(options)?;
    }
    Ok(())
}

fn measure(options: Options) -> anyhow::Result<()> {
    let cities = Cities::of_any(&["CA", "US"])?;
    let mut people = People { random: fastrand::Rng::with_seed(1), cities, reporters: 0 };
    let directory = tempfile::tempdir()?;
    let catalogue =
        Catalogue::new((0..PROVIDERS).map(|n| Provider::of_id(format!("p{n:02}"))).collect())?;
    let key = ReporterKey::new(b"secret of a bench");
    let terms = Terms { reporter_key_check: key.check_value(), lateness_ms: DEFAULT_LATENESS_MS };
    let store_options =
        StoreOptions { durability: Durability::Unsynced, ..StoreOptions::default() };
    let store = Store::open_embedded(directory.path(), &catalogue, terms, store_options)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let before = resident_bytes();
    runtime.block_on(fill(&store, &mut people, options.pick(3, PAST_DAYS)))?;
    let filled = resident_bytes();
    let timing = Timing::default();
    let clock = Clock::system(timing.probation());
    let engine =
        Arc::new(Engine::start(catalogue, clock, DEFAULT_LATENESS_MS, &key, store, timing)?);
    let (stop, stopped) = (Arc::new(AtomicBool::new(false)), Instant::now());
    let looking = std::thread::spawn({
        let (engine, stop) = (Arc::clone(&engine), Arc::clone(&stop));
        move || look(&engine, &stop)
    });
    while engine.detection_snapshot().is_behind {
        std::thread::sleep(Duration::from_millis(50));
    }
    sheet::title("The detection service of a server");
    sheet::paragraph(&format!(
        "start: {:.1} s until the detectors of {PROVIDERS} providers had caught up with a day",
        stopped.elapsed().as_secs_f64()
    ));
    sheet::paragraph(&format!(
        "memory: {} MiB of facts and claims, then {} MiB with detectors",
        (filled - before) >> 20,
        (resident_bytes() - before) >> 20
    ));

    let quiet_from = Instant::now();
    runtime.block_on(report(&engine, &mut people, Duration::from_secs(options.pick(10, 60)), 0))?;
    let quiet_to = Instant::now();
    // Before the outage everywhere, beside which so few reports would rightly be taken
    // for its echo.
    let mut seconds = runtime.block_on(decide(
        &engine,
        &mut people,
        options.pick(5, u64::from(PROVIDERS) - 2),
    ))?;
    seconds.sort_by(f64::total_cmp);
    let outage_from = Instant::now();
    runtime.block_on(report(
        &engine,
        &mut people,
        Duration::from_secs(options.pick(20, 180)),
        OUTAGE_A_SECOND,
    ))?;
    let outage_to = Instant::now();
    sheet::paragraph(&format!(
        "memory: {} MiB after the outage, {} incidents open",
        (resident_bytes() - before) >> 20,
        engine.register().open().count()
    ));

    stop.store(true, Ordering::Relaxed);
    let looks = looking.join().expect("detection ends");
    for (what, from, to) in [
        ("quiet", quiet_from, quiet_to),
        ("outage everywhere of 200 reports/s", outage_from, outage_to),
    ] {
        print_looks(what, &looks, from, to);
    }
    sheet::paragraph(&format!(
        "deciding report to readable incident: median {:.2} s, p99 {:.2} s, most {:.2} s, {} times",
        quantile(&seconds, 0.5),
        quantile(&seconds, 0.99),
        quantile(&seconds, 1.0),
        seconds.len()
    ));
    engine.stop();
    Ok(())
}

/// Looks as the process does, until told to stop. Gives when each look began and the CPU
/// time it took.
fn look(engine: &Engine, stop: &AtomicBool) -> Looks {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime can be had");
    let mut looks = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let (began, cpu) = (Instant::now(), thread_cpu_seconds());
        runtime.block_on(engine.mark_live()).expect("the store takes it");
        runtime.block_on(engine.step_detection());
        looks.push((began, thread_cpu_seconds() - cpu));
        std::thread::sleep(Timing::default().look);
    }
    looks
}

fn print_looks(what: &str, looks: &Looks, from: Instant, to: Instant) {
    let mut took: Vec<f64> =
        looks.iter().filter(|(at, _)| (from..to).contains(at)).map(|(_, cpu)| *cpu).collect();
    took.sort_by(f64::total_cmp);
    let share = took.iter().sum::<f64>() / to.duration_since(from).as_secs_f64();
    sheet::paragraph(&format!(
        "{what}: {:.1} % of one core; a look {:.1} ms in the median, {:.0} ms p99, {:.0} ms at \
         most, {} looks",
        100.0 * share,
        1e3 * quantile(&took, 0.5),
        1e3 * quantile(&took, 0.99),
        1e3 * quantile(&took, 1.0),
        took.len()
    ));
}

fn quantile(sorted: &[f64], part: f64) -> f64 {
    sorted
        .get(((sorted.len() as f64 * part).ceil() as usize).saturating_sub(1))
        .copied()
        .unwrap_or(f64::NAN)
}

/// Those who report.
struct People {
    random: fastrand::Rng,
    cities: Cities,
    reporters: u64,
}

impl People {
    fn anybody(&mut self, provider: u16, minute: Minute) -> Report {
        let position = self.cities.somebody_around(&mut self.random);
        self.report(provider, minute, position)
    }

    fn report(&mut self, provider: u16, minute: Minute, position: Position) -> Report {
        self.reporters += 1;
        let cell = Cell::at(position, Resolution::FINEST);
        Report {
            provider: ProviderIndex(provider),
            symptom: Symptom::NoService,
            cell,
            spot: Cell::spot_at(position),
            observed: Observed { minute, arrived: minute, late: false },
            source: Source(0),
            // Six bits of the day, and 58 that nobody shares.
            reporter: Reporter {
                hash: ((minute.0 / 1_440) as u64) << DAY_SHIFT | self.reporters,
                slot: 0,
                identity: Identity::Own,
            },
        }
    }
}

/// Records a quiet past that ends a minute ago.
async fn fill(store: &Store, people: &mut People, days: i64) -> anyhow::Result<()> {
    let end = now().minute();
    let mut group = Vec::new();
    for _ in 0..A_DAY * days.unsigned_abs() * u64::from(PROVIDERS) {
        let minute = end.plus(-1 - people.random.i64(0..days * 24 * 60));
        let provider = people.random.u16(0..PROVIDERS);
        group.push(people.anybody(provider, minute));
        if group.len() == 50_000 {
            record(store, &mut group).await?;
        }
    }
    record(store, &mut group).await?;
    store.mark_live(end.plus(-days * 24 * 60)..end).await?;
    Ok(store.tidy(now()).await?)
}

async fn record(store: &Store, group: &mut Vec<Report>) -> anyhow::Result<()> {
    for outcome in store.record(group).await {
        outcome?;
    }
    group.clear();
    Ok(())
}

/// Lets reports come for so long, in tenths of a second.
async fn report(
    engine: &Engine,
    people: &mut People,
    length: Duration,
    outage_a_second: u64,
) -> anyhow::Result<()> {
    let began = Instant::now();
    let mut come = 0.0;
    while began.elapsed() < length {
        let due = began.elapsed().as_secs_f64();
        let minute = now().minute();
        let mut reports = Vec::new();
        for (rate, is_outage) in [(QUIET_A_SECOND, false), (outage_a_second, true)] {
            for _ in 0..((due * rate as f64) as u64 - (come * rate as f64) as u64) {
                let provider = if is_outage { 0 } else { people.random.u16(1..PROVIDERS) };
                reports.push(people.anybody(provider, minute));
            }
        }
        come = due;
        if !reports.is_empty() {
            engine.record(reports).await.map_err(|error| anyhow::anyhow!("{error:?}"))?;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}

/// One provider after the other fails in a city. Seconds from the answer to the deciding
/// reports until each incident can be read.
async fn decide(engine: &Engine, people: &mut People, times: u64) -> anyhow::Result<Vec<f64>> {
    let mut seconds = Vec::new();
    for provider in 1..=times as u16 {
        // At any time between two looks.
        tokio::time::sleep(Duration::from_millis(people.random.u64(500..3_000))).await;
        let city = people.cities.somebody(&mut people.random);
        let minute = now().minute();
        let somewhere = |people: &mut People| {
            let aside = |random: &mut fastrand::Rng| (random.f64() - 0.5) / 20.0;
            let (lat, lon) =
                (city.lat() + aside(&mut people.random), city.lon() + aside(&mut people.random));
            Position::new(lat, lon).expect("no city lies at a pole")
        };
        let reports = (0..DECIDING)
            .map(|_| {
                let at = somewhere(people);
                people.report(provider, minute, at)
            })
            .collect();
        engine.record(reports).await.map_err(|error| anyhow::anyhow!("{error:?}"))?;
        let (answered, id) = (Instant::now(), format!("p{provider:02}"));
        while !engine.register().open().any(|incident| incident.brand(&id).is_some()) {
            anyhow::ensure!(
                answered.elapsed() < Duration::from_secs(90),
                "no incident of {id} within 90 s"
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        seconds.push(answered.elapsed().as_secs_f64());
    }
    Ok(seconds)
}
