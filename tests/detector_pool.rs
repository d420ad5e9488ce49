//! The detector pool: every detector sees every minute once, with the facts that were there by
//! then, whatever pauses lie between the ticks.

use crate::support::{NOW, TORONTO, catalogue, cell, instant};
use groundswell::domain::detect::REREAD_MINUTES;
use groundswell::domain::detect::parameters::Parameters;
use groundswell::domain::fact::Source;
use groundswell::domain::grid::Spot;
use groundswell::domain::provider::{Catalogue, ProviderIndex};
use groundswell::domain::report::{Observed, Report};
use groundswell::domain::reporter::{Identity, Reporter};
use groundswell::domain::symptom::Symptom;
use groundswell::domain::time::{DEFAULT_LATENESS_MS, Minute};
use groundswell::engine::detector_pool::{DetectorPool, MOST_STEPS_A_TICK, Pause, Step};
use groundswell::store::{MINUTES_KEPT_DAYS, Recorded, Store, Terms, embedded::Options};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

const TERMS: Terms = Terms { reporter_key_check: 7, lateness_ms: DEFAULT_LATENESS_MS };
const ALPHA: u16 = 0;
const BRAVO: u16 = 1;
const PROVIDERS: u16 = 2;

/// Alpha and Bravo.
fn both() -> Catalogue {
    let two = catalogue()
        .iter()
        .take(usize::from(PROVIDERS))
        .map(|(_, provider)| provider.clone())
        .collect();
    Catalogue::new(two).unwrap()
}

/// What was seen in a step: provider, minutes after [`NOW`], and each minute that had
/// facts with its reports.
type Seen = (u16, i64, Vec<(i64, u32)>);

struct Scene {
    store: Store,
    pool: DetectorPool,
    reporters: u64,
    _directory: tempfile::TempDir,
}

#[test]
fn every_minute_is_stepped_to_once_by_every_detector_across_pauses() {
    let mut scene = Scene::new(Path::new(""));
    let ticks = [0, 1, 1, 4, 3, 400, 401];
    let seen: Vec<Seen> = ticks.into_iter().flat_map(|minute| scene.tick(minute)).collect();
    let expected =
        (0..=401).flat_map(|minute| [(ALPHA, minute, Vec::new()), (BRAVO, minute, Vec::new())]);
    assert!(seen.into_iter().eq(expected));
}

#[test]
fn a_step_sees_the_facts_of_the_last_minutes_before_it_and_none_later() {
    let mut scene = Scene::new(Path::new(""));
    scene.tick(0);
    for minute in [0, 2, 5, 70] {
        scene.record(ALPHA, minute, minute);
    }
    let seen = scene.tick(80);
    for (provider, minute, facts) in seen {
        let expected = [0, 2, 5, 70]
            .into_iter()
            .filter(|of| (minute - REREAD_MINUTES..minute).contains(of))
            .map(|of| (of, 1));
        assert!(
            if provider == ALPHA { facts.iter().copied().eq(expected) } else { facts.is_empty() },
            "{provider} {minute} {facts:?}"
        );
    }
}

#[test]
fn a_report_that_comes_for_an_earlier_minute_is_in_the_next_step() {
    let mut scene = Scene::new(Path::new(""));
    scene.record(ALPHA, 0, 0);
    scene.tick(1);
    scene.record(ALPHA, 0, 3);
    assert_eq!(scene.tick(4).last_of(ALPHA), [(0, 2)]);
}

#[test]
fn who_was_quiet_is_heard_at_once() {
    let mut scene = Scene::new(Path::new(""));
    scene.tick(60);
    for minute in 60..90 {
        assert!(scene.tick(minute + 1).iter().all(|(_, _, facts)| facts.is_empty() || minute > 75));
        if minute == 75 {
            scene.record(BRAVO, 76, 76);
        }
        if minute == 76 {
            assert_eq!(scene.tick(78).last_of(BRAVO), [(76, 1)]);
        }
    }
    scene.record(BRAVO, 89, 90);
    assert_eq!(scene.tick(91).last_of(BRAVO), [(89, 1)]);
}

#[test]
fn over_a_copy_of_its_store_a_watch_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    let mut scene = Scene::new(directory.path());
    scene.record(ALPHA, 0, 0);
    for minute in 1..20 {
        scene.tick(minute);
    }
    scene.store.close().unwrap();
    let Scene { store, pool, .. } = scene;
    drop(store);
    // As many revisions as there were before: what was known to be quiet then says
    // nothing of this.
    let mut scene = Scene { pool: pool.over_copy(), ..Scene::new(directory.path()) };
    scene.reporters = 100;
    scene.record(ALPHA, 19, 19);
    assert_eq!(scene.tick(20).last_of(ALPHA), [(19, 1)]);
}

#[test]
fn a_clock_that_was_set_back_is_waited_for_and_one_far_ahead_skips_what_is_not_kept() {
    let mut scene = Scene::new(Path::new(""));
    scene.tick(100);
    assert_eq!(scene.tick(40), []);
    assert_eq!(scene.tick(101).len(), usize::from(PROVIDERS));
    let kept = MINUTES_KEPT_DAYS * 24 * 60;
    assert_eq!(scene.tick(101 + 3 * kept).len() as i64, (kept + 1) * i64::from(PROVIDERS));
}

#[test]
fn a_long_pause_is_caught_up_with_in_pieces_each_minute_once() {
    let mut scene = Scene::new(Path::new(""));
    scene.pool = scene.pool.beginning_at(at(-1_000));
    let (mut minutes, mut pieces) = (Vec::new(), 0);
    while scene.pool.is_behind(at(0).start()) {
        let seen = scene.catch_up(0);
        assert!(seen.len() as i64 <= MOST_STEPS_A_TICK * i64::from(PROVIDERS));
        minutes.extend(
            seen.into_iter()
                .filter(|(provider, _, _)| *provider == ALPHA)
                .map(|(_, minute, _)| minute),
        );
        pieces += 1;
    }
    assert!(minutes.into_iter().eq(-1_000..=0) && pieces == 3, "{pieces}");
    assert_eq!(scene.catch_up(0), []);
    assert!(scene.pool.is_behind(at(1).start()));
}

#[test]
fn a_watch_that_is_to_pause_does_something_each_time_and_sees_the_same() {
    let mut scene = Scene::new(Path::new(""));
    scene.pool = scene.pool.beginning_at(at(-200));
    wait(scene.store.mark_live(at(-10 * 24 * 60)..at(0))).unwrap();
    let (mut minutes, mut shares) = (Vec::new(), Vec::new());
    let always = Pause { is_stopped: &|| false, is_over: &|| true };
    while scene.pool.is_behind(at(0).start()) {
        let seen = scene.catch_up_until(0, &always);
        minutes.extend(
            seen.into_iter()
                .filter(|(provider, _, _)| *provider == ALPHA)
                .map(|(_, minute, _)| minute),
        );
        shares.push(scene.pool.share_done(at(0).start()));
    }
    assert!(minutes.into_iter().eq(-200..=0));
    assert!(
        shares.len() > 10
            && shares.is_sorted_by(|a, b| a < b)
            && (shares.last().unwrap() - 1.0).abs() < 1e-9,
        "{shares:?}"
    );
}

#[test]
fn a_watch_that_is_stopped_sees_nothing_more_and_loses_nothing() {
    let mut scene = Scene::new(Path::new(""));
    scene.pool = scene.pool.beginning_at(at(-200));
    let stopped = Pause { is_stopped: &|| true, is_over: &|| true };
    assert_eq!(scene.catch_up_until(0, &stopped), []);
    let asked = AtomicUsize::new(0);
    let later =
        Pause { is_stopped: &|| 100 < asked.fetch_add(1, Ordering::Relaxed), is_over: &|| false };
    let seen = scene.catch_up_until(0, &later);
    assert!((1..200).contains(&(seen.len() / usize::from(PROVIDERS))), "{} steps", seen.len());
    let rest = scene.catch_up(0);
    let minutes = seen
        .into_iter()
        .chain(rest)
        .filter(|(provider, _, _)| *provider == ALPHA)
        .map(|(_, minute, _)| minute);
    assert!(minutes.eq(-200..=0));
}

#[test]
fn weeks_of_history_are_learnt_in_pieces_before_the_first_step() {
    let mut scene = Scene::new(Path::new(""));
    scene.record(ALPHA, 0, 0);
    wait(scene.store.mark_live(at(0)..at(40 * 24 * 60))).unwrap();
    let (now, mut pieces) = (40 * 24 * 60, 0);
    while scene.pool.is_behind(at(now).start()) {
        scene.catch_up(now);
        pieces += 1;
    }
    assert_eq!(pieces, 6, "five weeks and five days");
    assert_eq!(scene.pool.detectors()[0].now(), Some(at(now)));
}

#[test]
fn a_look_sees_what_has_come_in_the_minute_that_runs() {
    let mut scene = Scene::new(Path::new(""));
    assert_eq!(scene.look(0, 0, 0), 0, "it has not begun");
    scene.tick(0);
    for n in 1..4 {
        scene.record(ALPHA, 0, 0);
        assert_eq!(scene.look(0, 10 * n, 0), n as u32);
    }
    scene.record(ALPHA, 0, 1);
    assert_eq!(scene.look(1, 10, 0), 3, "it is behind");
    scene.tick(1);
    assert_eq!(scene.look(1, 10, 0), 4);
    scene.record(BRAVO, 1, 1);
    assert_eq!(scene.look(1, 20, 0), 4);
    assert_eq!(scene.counted(BRAVO), 1);
}

#[test]
fn a_provider_pauses_ten_times_as_long_as_its_last_look_took() {
    let mut scene = Scene::new(Path::new(""));
    scene.tick(0);
    // Each look takes 100 ms; when it begins, on the stopwatch; what is seen after it.
    for (begins, seen) in [(1_000, 1), (1_900, 1), (1_999, 1), (2_000, 4), (2_999, 4), (3_000, 6)] {
        scene.record(ALPHA, 0, 0);
        assert_eq!(scene.look(0, 30, begins), seen, "{begins}");
    }
}

trait LastOf {
    fn last_of(&self, provider: u16) -> &[(i64, u32)];
}

impl LastOf for Vec<Seen> {
    fn last_of(&self, provider: u16) -> &[(i64, u32)] {
        &self.iter().rfind(|(of, _, _)| *of == provider).unwrap().2
    }
}

impl Scene {
    /// A detector pool over the store of a directory, or of one that nobody looks at.
    fn new(directory: &Path) -> Self {
        let anywhere = tempfile::tempdir().unwrap();
        let directory = if directory.as_os_str().is_empty() { anywhere.path() } else { directory };
        let store = Store::open_embedded(directory, &both(), TERMS, Options::default()).unwrap();
        Self {
            store,
            pool: DetectorPool::new(&both(), &Parameters::default()),
            reporters: 0,
            _directory: anywhere,
        }
    }

    fn record(&mut self, provider: u16, observed: i64, arrived: i64) {
        self.reporters += 1;
        let report = Report {
            provider: ProviderIndex(provider),
            symptom: Symptom::NoService,
            cell: cell(TORONTO, 8),
            spot: Spot::Unknown,
            reporter: Reporter { hash: self.reporters, slot: 0, identity: Identity::Own },
            source: Source(0),
            observed: Observed { minute: at(observed), arrived: at(arrived), late: false },
        };
        assert!(matches!(wait(self.store.record(&[report]))[..], [Ok(Recorded::Counted)]));
    }

    fn tick(&mut self, minute: i64) -> Vec<Seen> {
        let mut seen = Vec::new();
        wait(self.pool.tick(&self.store, at(minute).start().plus_ms(1_500), &mut |step| {
            seen.push(seen_in(step));
        }))
        .unwrap();
        seen
    }

    fn catch_up(&mut self, minute: i64) -> Vec<Seen> {
        self.catch_up_until(minute, &Pause::NEVER)
    }

    fn catch_up_until(&mut self, minute: i64, pause: &Pause<'_>) -> Vec<Seen> {
        let (mut seen, now) = (Vec::new(), at(minute).start().plus_ms(1_500));
        wait(self.pool.catch_up(&self.store, now, pause, &mut |step| seen.push(seen_in(step))))
            .unwrap();
        seen
    }

    /// Looks so many seconds into a minute, when the stopwatch shows so many
    /// milliseconds; each look takes 100 ms where it shows any. Gives how many reports
    /// Alpha's detector then counts.
    fn look(&mut self, minute: i64, second: i64, begins_ms: u64) -> u32 {
        let mut shown = Duration::from_millis(begins_ms);
        let takes = if begins_ms == 0 { Duration::ZERO } else { Duration::from_millis(100) };
        let mut stopwatch =
            || std::mem::replace(&mut shown, Duration::from_millis(begins_ms) + takes);
        let now = at(minute).start().plus_ms(second * 1_000);
        wait(self.pool.look(&self.store, now, &mut stopwatch)).unwrap();
        self.counted(ALPHA)
    }

    /// Reports of the last minutes that a provider's detector counts.
    fn counted(&self, provider: u16) -> u32 {
        self.pool.detectors()[usize::from(provider)].windows(&[])[0].0 as u32
    }
}

fn seen_in(step: &Step<'_>) -> Seen {
    let after = |minute: Minute| minute.0 - at(0).0;
    let reports = step.facts.iter().map(|(minute, counts)| {
        (after(*minute), counts.rows().map(|(_, tally)| tally.count).sum())
    });
    (step.provider.0, after(step.minute), reports.collect())
}

fn at(minute: i64) -> Minute {
    instant(NOW).minute().plus(minute)
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}
