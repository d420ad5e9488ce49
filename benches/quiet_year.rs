//! How many false alarms does a provider bring in a year in which nothing is wrong?
//!
//! Fifty providers over a continent, of one report a day up to twenty thousand, each
//! minute played into its detector, without a store. Every incident is a false alarm. By
//! default a quarter is counted, after four weeks: a year takes four times as long;
//! `--quick` counts a week.

mod load;

use groundswell::domain::counts::Counts;
use groundswell::domain::detect::Detector;
use groundswell::domain::detect::parameters::Parameters;
use groundswell::domain::time::{Hour, Minute};
use groundswell::engine::local_clocks::clock_of;
use load::cities::Cities;
use load::machine::thread_cpu_seconds;
use load::quiet::{Quiet, ZONE};
use load::sheet;
use load::task::{Options, Task};
use std::collections::HashSet;

/// 7 January 2024, 00:00 UTC.
const BEGIN: Minute = Minute(1_704_585_600 / 60);
const PROVIDERS: usize = 50;
/// Reports a day of the smallest and of the largest provider. The others lie between,
/// each so many times the one before.
const A_DAY: (f64, f64) = (1.0, 20_000.0);
/// Days at first, which are counted apart: the detectors know little.
const FIRST_DAYS: i64 = 28;
const YEAR_DAYS: f64 = 365.25;
/// An hour is learnt so many minutes after it ended.
const LEARNT_AFTER: i64 = 6;

/// One provider, its detector, and the false alarms of the first days and of those
/// counted.
struct Played {
    quiet: Quiet,
    detector: Detector,
    reports: u64,
    first: HashSet<u64>,
    counted: HashSet<u64>,
}

fn main() -> anyhow::Result<()> {
    if let Task::Measure(options) = Task::from_args()? {
        measure(options)?;
    }
    Ok(())
}

fn measure(options: Options) -> anyhow::Result<()> {
    let days = options.pick(7, 91);
    let mut providers = providers()?;
    let began = thread_cpu_seconds();
    for day in 0..FIRST_DAYS + days {
        for minute in (0..24 * 60).map(|minute| BEGIN.plus(day * 24 * 60 + minute)) {
            learn(&mut providers, minute);
            for provider in &mut providers {
                let facts = provider.quiet.come(minute);
                let told = provider.detector.step(minute, &facts, true);
                let alarms =
                    if day < FIRST_DAYS { &mut provider.first } else { &mut provider.counted };
                alarms.extend(
                    told.iter()
                        .filter(|incident| incident.revision == 0)
                        .map(|incident| incident.id),
                );
            }
        }
        if day % 7 == 6 {
            eprintln!("day {}: {:.0} s", day + 1, thread_cpu_seconds() - began);
        }
    }
    print(&providers, days, thread_cpu_seconds() - began);
    Ok(())
}

/// Providers of all of the continent, of one country, of its largest cities.
fn providers() -> anyhow::Result<Vec<Played>> {
    let [canada, states, mexico] = [Cities::of("CA")?, Cities::of("US")?, Cities::of("MX")?];
    let maps = [
        Cities::of_any(&["CA", "US", "MX"])?,
        states.clone(),
        canada.clone(),
        mexico,
        states.largest(30),
        canada.largest(5),
    ];
    let step = (A_DAY.1 / A_DAY.0).powf(1.0 / (PROVIDERS - 1) as f64);
    // As a server finds out by itself.
    let mut detector = Detector::new(Parameters::default());
    detector.go_by(clock_of(ZONE), BEGIN.hour());
    let provider = |n: usize| Played {
        quiet: Quiet::new(
            n as u64,
            maps[n % maps.len()].clone(),
            A_DAY.0 * step.powi(n as i32),
            n % 4 >= 2,
        ),
        detector: detector.clone(),
        reports: 0,
        first: HashSet::new(),
        counted: HashSet::new(),
    };
    Ok((0..PROVIDERS).map(provider).collect())
}

/// Teaches the hour that is due at this minute, where one is: as a server would, each
/// with the help of the provider that was heard of most.
fn learn(providers: &mut [Played], minute: Minute) {
    let Some(Hour(hour)) =
        (minute.0.rem_euclid(60) == LEARNT_AFTER).then(|| minute.plus(-60).hour())
    else {
        return;
    };
    let most = providers
        .iter()
        .map(|provider| provider.detector.baseline())
        .max_by(|a, b| a.reports().total_cmp(&b.reports()))
        .cloned();
    for provider in providers {
        let facts = provider.quiet.take_hour(Hour(hour));
        provider.reports += facts
            .iter()
            .flat_map(Counts::rows)
            .map(|(_, tally)| u64::from(tally.count))
            .sum::<u64>();
        provider.detector.learn(Hour(hour), facts.as_ref(), 60, most.as_ref());
    }
}

fn print(providers: &[Played], days: i64, seconds: f64) {
    let classes =
        [(0.0, 10.0), (10.0, 100.0), (100.0, 1_000.0), (1_000.0, 10_000.0), (10_000.0, f64::MAX)];
    let mut rows: Vec<[String; 6]> = Vec::new();
    for is_restless in [false, true] {
        for (from, to) in classes {
            let of_class =
                |provider: &&Played| from <= provider.quiet.a_day && provider.quiet.a_day < to;
            let of_kind = providers
                .iter()
                .filter(of_class)
                .filter(|provider| provider.quiet.is_restless == is_restless);
            let name =
                if to < f64::MAX { format!("{from} to {to}") } else { format!("{from} and more") };
            rows.push(row(
                format!(
                    "{name}, {}",
                    if is_restless { "restless evenings" } else { "chance alone" }
                ),
                &of_kind.collect::<Vec<_>>(),
                days,
            ));
        }
    }
    rows.push(row("all".to_owned(), &providers.iter().collect::<Vec<_>>(), days));
    sheet::title("A quiet year");
    sheet::table(
        [
            "reports a day",
            "providers",
            "reports",
            "false alarms, first 4 weeks",
            "false alarms then",
            "a provider-year",
        ],
        &rows,
    );
    sheet::paragraph(&format!(
        "{PROVIDERS} providers for {FIRST_DAYS} days and then {days} days, {:.1} provider-years; \
         CPU time {seconds:.0} s.",
        PROVIDERS as f64 * days as f64 / YEAR_DAYS
    ));
    for provider in providers.iter().filter(|provider| !provider.counted.is_empty()) {
        eprintln!(
            "{:.0} a day, restless {}: {}",
            provider.quiet.a_day,
            provider.quiet.is_restless,
            provider.counted.len()
        );
    }
}

fn row(name: String, providers: &[&Played], days: i64) -> [String; 6] {
    let sum = |of: fn(&Played) -> u64| providers.iter().map(|provider| of(provider)).sum::<u64>();
    let counted = sum(|provider| provider.counted.len() as u64);
    let years = providers.len() as f64 * days as f64 / YEAR_DAYS;
    [
        name,
        providers.len().to_string(),
        sheet::thousands(sum(|provider| provider.reports) as f64),
        sum(|provider| provider.first.len() as u64).to_string(),
        counted.to_string(),
        if providers.is_empty() { String::new() } else { format!("{:.2}", counted as f64 / years) },
    ]
}
