//! Detection over a real store: what a pause, a clock that jumps or a restart changes,
//! which is nothing.

use crate::support::{NOW, TORONTO, catalogue, cell, instant};
use groundswell::catalogue as catalogues;
use groundswell::domain::detect::episode::{Episode, State};
use groundswell::domain::detect::parameters::Parameters;
use groundswell::domain::fact::Source;
use groundswell::domain::grid::Spot;
use groundswell::domain::liveness::Liveness;
use groundswell::domain::provider::ProviderIndex;
use groundswell::domain::report::{Observed, Report};
use groundswell::domain::reporter::{Identity, Reporter};
use groundswell::domain::symptom::Symptom;
use groundswell::domain::time::{DEFAULT_LATENESS_MS, MINUTE_MS, Minute, Window};
use groundswell::engine::detector_pool::{DetectorPool, Pause};
use groundswell::store::{Recorded, Store, Terms, embedded::Options};
use std::ops::Range;
use std::time::Duration;

const TERMS: Terms = Terms { reporter_key_check: 7, lateness_ms: DEFAULT_LATENESS_MS };
const HOUR: i64 = 60;
/// When the detectors begin, after six days of history.
const BEGIN: i64 = 6 * 24 * HOUR;
/// An outage of an hour.
const OUTAGE: Range<i64> = BEGIN + 8 * HOUR..BEGIN + 9 * HOUR;
const END: i64 = BEGIN + 10 * HOUR;

/// What people have to say of a provider. Minutes are true ones, counted from [`NOW`].
struct Scene {
    /// When it was observed, when it comes, and all else.
    reports: Vec<(i64, i64, Report)>,
    random: fastrand::Rng,
    provider: ProviderIndex,
    /// What our clock shows in each minute.
    clock: fn(i64) -> i64,
    /// When nobody is there, neither to take reports nor to detect.
    away: Range<i64>,
}

#[test]
fn six_hours_without_a_detector_are_caught_up_with_as_if_it_had_been_there() {
    let scene = Scene::quiet()
        .with_outage()
        .with_late_reports(BEGIN + 3 * HOUR..BEGIN + 4 * HOUR, BEGIN + 4 * HOUR + 10);
    let there = scene.told(BEGIN..END);
    assert_eq!(first_of(&there).len(), 2, "{there:?}");
    assert_eq!(there, scene.told((BEGIN..BEGIN + 3 * HOUR).chain(BEGIN + 9 * HOUR..END)));
}

#[test]
fn six_hours_in_which_nobody_was_there_are_no_outage_and_hide_none() {
    Scene { away: BEGIN + HOUR..BEGIN + 7 * HOUR, ..Scene::quiet().with_outage() }
        .tells_of_it_alone();
}

#[test]
fn a_clock_that_jumps_an_hour_ahead_is_no_outage_and_hides_none() {
    let ahead = |minute| if minute < BEGIN + 5 * HOUR { minute } else { minute + HOUR };
    Scene { clock: ahead, ..Scene::quiet().with_outage() }.tells_of_it_alone();
}

#[test]
fn a_clock_that_is_set_back_an_hour_is_no_outage_and_hides_none() {
    // An hour comes twice, and so do its reports.
    let back = |minute| if minute < BEGIN + 5 * HOUR { minute } else { minute - HOUR };
    Scene { clock: back, ..Scene::quiet().with_outage() }.tells_of_it_alone();
}

#[test]
fn a_detector_that_began_an_hour_ago_finds_an_outage_and_its_onset_as_one_that_was_always_there() {
    let scene = Scene::quiet().with_outage();
    let [there, anew] = [BEGIN + 6 * HOUR, OUTAGE.start - HOUR]
        .map(|begin| scene.told(begin..OUTAGE.end).pop().unwrap());
    for (there, anew) in [(there.detected_at, anew.detected_at), (there.onset, anew.onset)] {
        assert!(anew.ms_since(there).abs() <= 5 * MINUTE_MS, "{there:?} {anew:?}");
    }
}

#[test]
fn a_detector_that_is_rebuilt_from_a_day_of_facts_follows_what_one_that_was_always_there_does() {
    let scene = Scene::quiet().with_outage();
    let (now, directory) = (OUTAGE.start + 40, tempfile::tempdir().unwrap());
    let store =
        Store::open_embedded(directory.path(), &catalogue(), TERMS, Options::default()).unwrap();
    let mut there = DetectorPool::new(&catalogue(), &Parameters::default());
    for minute in BEGIN - 2 * 24 * HOUR..=now {
        scene.record(
            &store,
            if minute == BEGIN - 2 * 24 * HOUR { 0..minute } else { minute - 1..minute },
        );
        wait(there.tick(&store, at(minute).start(), &mut |_| ())).unwrap();
    }
    let mut rebuilt =
        DetectorPool::new(&catalogue(), &Parameters::default()).beginning_at(at(now - 24 * HOUR));
    while rebuilt.is_behind(at(now).start()) {
        wait(rebuilt.catch_up(&store, at(now).start(), &Pause::NEVER, &mut |_| ())).unwrap();
    }
    let open = |pool: &DetectorPool| pool.detectors()[0].episodes().cloned().collect::<Vec<_>>();
    let (there, rebuilt) = (open(&there), open(&rebuilt));
    assert_eq!(there.len(), 1, "{there:?}");
    assert_eq!(there.len(), rebuilt.len(), "{rebuilt:?}");
    for (there, rebuilt) in there.iter().zip(&rebuilt) {
        assert_eq!(
            (there.state, there.onset, &there.cells),
            (rebuilt.state, rebuilt.onset, &rebuilt.cells)
        );
        assert_eq!((there.id, there.detected_at), (rebuilt.id, rebuilt.detected_at));
    }
}

#[test]
fn once_clocks_are_set_what_was_usual_at_noon_is_expected_at_noon() {
    let empty = Scene { reports: Vec::new(), ..Scene::quiet() };
    let noon = |day: i64, utc: &str| {
        instant(&format!("2022-{utc}:00:00Z")).minute().0 - at(0).0 + day * 24 * HOUR
    };
    let scene = (1..6).fold(empty, |scene, day| {
        scene.with_reports(4, 120.0, noon(day, "07-08T16")..noon(day, "07-08T17"))
    });
    let directory = tempfile::tempdir().unwrap();
    let store =
        Store::open_embedded(directory.path(), &catalogue(), TERMS, Options::default()).unwrap();
    scene.record(&store, 0..BEGIN);
    let mut pool = DetectorPool::new(&catalogue(), &Parameters::default());
    wait(pool.tick(&store, at(BEGIN).start(), &mut |_| ())).unwrap();
    let expected = |from: i64| {
        pool.detectors()[0].expected(&[], Window { from: at(from), to: at(from + HOUR) }).mean
    };
    // Noon in Toronto: in summer, and on a Friday after clocks were set back.
    let (summer, winter) = (noon(7, "07-08T16"), noon(0, "11-11T17"));
    for noon in [summer, winter] {
        assert!(
            expected(noon) > 3.0 * expected(noon - HOUR)
                && expected(noon) > 3.0 * expected(noon + HOUR),
            "{noon}"
        );
    }
}

#[test]
fn an_outage_is_told_within_the_minute_in_which_it_is_looked_at() {
    let scene = Scene::quiet().with_outage();
    let directory = tempfile::tempdir().unwrap();
    let store =
        Store::open_embedded(directory.path(), &catalogue(), TERMS, Options::default()).unwrap();
    let (mut pool, mut told) =
        (DetectorPool::new(&catalogue(), &Parameters::default()), Vec::new());
    scene.record(&store, 0..BEGIN);
    for minute in BEGIN..END {
        told.extend(wait(pool.tick(&store, at(minute).start(), &mut |_| ())).unwrap());
        scene.record(&store, minute..minute + 1);
        let now = at(minute).start().plus_ms(42_750);
        told.extend(wait(pool.look(&store, now, &mut || Duration::ZERO)).unwrap());
    }
    let looked: Vec<Episode> = told.into_iter().map(|(_, episode)| episode).collect();
    let stepped = scene.told(BEGIN..END);
    let [[looked], [stepped]] = [first_of(&looked), first_of(&stepped)]
        .map(|first| <[&Episode; 1]>::try_from(first).unwrap());
    assert_eq!(stepped.detected_at.ms_since(looked.detected_at), 18_000);
    assert_eq!((looked.id, looked.onset), (stepped.id, stepped.onset));
}

#[test]
fn providers_hear_each_other_but_for_those_that_fail_together() {
    let text = |id: &str, more: &str| {
        format!("[[provider]]\nid = \"{id}\"\nname = \"{id}\"\ncategory = \"mobile\"\n{more}\n")
    };
    let rows = [
        ("alpha", ""),
        ("brand", "network = \"alpha\""),
        ("payments", "depends_on = [\"brand\"]"),
        ("bravo", ""),
        ("charlie", ""),
    ];
    let catalogue = catalogues::parse(&rows.map(|(id, more)| text(id, more)).concat()).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let store =
        Store::open_embedded(directory.path(), &catalogue, TERMS, Options::default()).unwrap();
    for provider in (0..5).map(ProviderIndex) {
        // So that neither everywhere nor a window of hours says more.
        let scene = Scene { provider, ..Scene::quiet() }
            .with_reports(20, 30.0, 0..BEGIN)
            .with_reports(1, 150.0, BEGIN - 20..BEGIN);
        scene.record(&store, 0..BEGIN);
    }
    let mut pool =
        DetectorPool::new(&catalogue, &Parameters::default()).beginning_at(at(BEGIN - 2 * HOUR));
    wait(pool.tick(&store, at(BEGIN).start(), &mut |_| ())).unwrap();
    let heard = (0..5).map(|n| {
        pool.explain(ProviderIndex(n), cell(TORONTO, 7)).unwrap().usual.others.unwrap().counted
    });
    let heard: Vec<f64> = heard.collect();
    // All have the same reports. The first three fail together, and hear the last two;
    // each of these hears all.
    let of_one = heard[0] / 2.0;
    assert!(of_one > 40.0, "{heard:?}");
    assert_eq!(heard, [2.0, 2.0, 2.0, 4.0, 4.0].map(|providers| providers * of_one));
}

/// The first revision of each incident.
fn first_of(told: &[Episode]) -> Vec<&Episode> {
    told.iter().filter(|incident| incident.revision == 0).collect()
}

impl Scene {
    /// Twelve reports an hour from all over Toronto.
    fn quiet() -> Self {
        let scene = Self {
            reports: Vec::new(),
            random: fastrand::Rng::with_seed(1),
            provider: ProviderIndex(0),
            clock: |minute| minute,
            away: 0..0,
        };
        scene.with_reports(4, 12.0, 0..END)
    }

    /// Sixty an hour, from its middle.
    fn with_outage(self) -> Self {
        self.with_reports(2, 60.0, OUTAGE)
    }

    /// Twenty, from its middle, that all come in one minute.
    fn with_late_reports(mut self, observed: Range<i64>, arrived: i64) -> Self {
        for _ in 0..20 {
            let observed = self.random.i64(observed.clone());
            self.report(2, observed, arrived);
        }
        self
    }

    fn with_reports(mut self, steps: u8, an_hour: f64, minutes: Range<i64>) -> Self {
        for third_of_a_minute in 3 * minutes.start..3 * minutes.end {
            if self.random.f64() < an_hour / 180.0 {
                self.report(steps, third_of_a_minute / 3, third_of_a_minute / 3);
            }
        }
        self
    }

    /// A report of somebody new, up to so many steps from the middle.
    fn report(&mut self, steps: u8, observed: i64, arrived: i64) {
        let town = cell(TORONTO, 8).disk(steps);
        let report = Report {
            provider: self.provider,
            symptom: Symptom::NoService,
            cell: town[self.random.usize(..town.len())].0,
            spot: Spot::ALL[self.random.usize(1..4)],
            reporter: Reporter {
                hash: self.reports.len() as u64,
                slot: 0,
                identity: Identity::Own,
            },
            source: Source(0),
            observed: Observed {
                minute: at(observed),
                arrived: at(arrived),
                late: observed != arrived,
            },
        };
        self.reports.push((observed, arrived, report));
    }

    /// What a detector pool tells that ticks at the start of these minutes.
    fn told(&self, ticks: impl IntoIterator<Item = i64>) -> Vec<Episode> {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open_embedded(directory.path(), &catalogue(), TERMS, Options::default())
            .unwrap();
        let mut pool = DetectorPool::new(&catalogue(), &Parameters::default());
        let (mut told, mut until) = (Vec::new(), 0);
        for tick in ticks.into_iter().filter(|tick| !self.away.contains(tick)) {
            self.record(&store, until..tick);
            until = tick;
            let now = at((self.clock)(tick)).start().plus_ms(1_500);
            told.extend(
                wait(pool.tick(&store, now, &mut |_| ()))
                    .unwrap()
                    .into_iter()
                    .map(|(_, incident)| incident),
            );
        }
        told
    }

    /// Everything that comes in these minutes, at the minute our clock shows then.
    fn record(&self, store: &Store, minutes: Range<i64>) {
        let there = |minute: &i64| minutes.contains(minute) && !self.away.contains(minute);
        let shown = |minute: i64| at((self.clock)(minute));
        let live = Liveness::from_spans(
            minutes.clone().filter(there).map(|minute| shown(minute)..shown(minute).plus(1)),
        );
        for span in live.spans() {
            wait(store.mark_live(span.clone())).unwrap();
        }
        let come = self.reports.iter().filter(|(_, arrived, _)| there(arrived)).map(
            |(observed, arrived, report)| Report {
                provider: self.provider,
                reporter: Reporter {
                    hash: report.reporter.hash << 8 | u64::from(self.provider.0),
                    ..report.reporter
                },
                observed: Observed {
                    minute: shown(*observed),
                    arrived: shown(*arrived),
                    ..report.observed
                },
                ..*report
            },
        );
        let recorded = wait(store.record(&come.collect::<Vec<_>>()));
        assert!(
            recorded.iter().all(|recorded| matches!(recorded, Ok(Recorded::Counted))),
            "{recorded:?}"
        );
    }

    /// Says that the outage is told of once, soon, and that it is over; and that nothing
    /// else is told.
    fn tells_of_it_alone(&self) {
        let told = self.told(BEGIN..END);
        let [incident] = first_of(&told)[..] else {
            panic!("one incident was expected, told was {told:?}")
        };
        let soon = [OUTAGE.start, OUTAGE.start + 20].map(|minute| at((self.clock)(minute)).start());
        assert!((soon[0]..soon[1]).contains(&incident.detected_at), "{told:?}");
        assert_eq!(told.last().unwrap().state, State::Resolved, "{told:?}");
    }
}

fn at(minute: i64) -> Minute {
    instant(NOW).minute().plus(minute)
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}
