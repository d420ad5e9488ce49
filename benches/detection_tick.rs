//! What does a minute of detection cost, in time and in memory, by active cells and
//! providers? And what do idle cells cost?
//!
//! In this process, without a store: detectors that have learnt five days, windows full
//! of eight hours of undisturbed traffic, then some minutes more, each measured in CPU
//! time of the one thread.

mod load;

use groundswell::domain::detect::Detector;
use groundswell::domain::detect::hearing::Hearing;
use groundswell::domain::detect::others::Others;
use groundswell::domain::detect::parameters::Parameters;
use groundswell::domain::grid::Cell;
use groundswell::domain::provider::{Catalogue, Provider, ProviderIndex};
use groundswell::domain::time::Minute;
use load::cities::Cities;
use load::machine::{resident_bytes, thread_cpu_seconds};
use load::sheet;
use load::task::{Options, Task};
use load::traffic::{Minutes, Traffic, active_cells};
use std::collections::BTreeMap;

/// 8 July 2022, 12:00 UTC.
const NOON: Minute = Minute(1_657_281_600 / 60);
/// Minutes of the longest window.
const WINDOW: i64 = 480;
/// The hours that are learnt at first, told to the detector as one that lasted as long.
const HOURS_LEARNT: u32 = 5 * 24;
/// Active cells that report in a minute, where nothing else is said: each every twenty
/// minutes.
const USUAL_SHARE: f64 = 0.05;
/// Cells of all providers together, beyond which a row takes more memory and time than a
/// bench may.
const MOST_CELLS: usize = 3_000_000;
/// Which part of the cells a region is.
const FAILING_SHARE: f64 = 0.2;
/// Other providers in a country where many are known.
const MOST_OTHERS: usize = 30;
/// What a step with so many active cells may take on one core, and what each may take in
/// memory.
const TARGET_CELLS: usize = 50_000;
const TARGET_MS: f64 = 100.0;
const TARGET_BYTES: f64 = 1_000.0;

/// What is measured.
#[derive(Debug, Clone, Copy)]
struct Scene {
    /// Active cells of each provider.
    cells: usize,
    providers: usize,
    /// Which part of them reports in a minute, and in the minutes that are measured.
    share: f64,
    measured_share: f64,
    /// Which part of them, the most eastern ones, fails in the minutes that are measured,
    /// and all report.
    failing_share: f64,
    /// How many others are known at the same cells and have reports there as usual.
    beside: usize,
    /// Whether anybody reported in the hours before.
    is_active: bool,
    minutes: usize,
}

/// What it took: of each minute, of one hour's learning, in milliseconds; in bytes.
#[derive(Debug)]
struct Taken {
    steps_ms: Vec<f64>,
    learn_ms: f64,
    heap_bytes: usize,
    resident_bytes: u64,
    told: usize,
}

fn main() -> anyhow::Result<()> {
    if let Task::Measure(options) = Task::from_args()? {
        measure(options)?;
    }
    Ok(())
}

fn measure(options: Options) -> anyhow::Result<()> {
    let cities = Cities::of_any(&["CA", "US", "MX"])?;
    let most = options.pick(30_000, MOST_CELLS);
    sheet::title("A minute of detection");
    let usual = Scene {
        cells: 0,
        providers: 1,
        share: USUAL_SHARE,
        measured_share: USUAL_SHARE,
        failing_share: 0.0,
        beside: 0,
        is_active: true,
        minutes: options.pick(5, 21),
    };
    // First, while the process has no memory to spare: by how much it grows is then what
    // a detector takes.
    by_target(&cities, Scene { cells: TARGET_CELLS, ..usual });
    by_others(
        &cities,
        Scene { cells: TARGET_CELLS, failing_share: FAILING_SHARE, ..usual },
        options.pick(2, MOST_OTHERS),
    );
    by_size(&cities, usual, most);
    by_idle(&cities, usual, options.pick(3_000, 300_000));
    Ok(())
}

fn by_size(cities: &Cities, usual: Scene, most: usize) {
    let mut rows = Vec::new();
    for cells in [300, 3_000, 30_000, 300_000] {
        for providers in [1, 10, 100] {
            let together = cells * providers;
            let figures = if together <= most {
                let taken = Scene { cells, providers, ..usual }.play(cities);
                let median = sheet::median(&taken.steps_ms);
                [
                    format!("{median:.2}"),
                    most_of(&taken.steps_ms),
                    format!("{:.2}", median * 1e3 / (together as f64 * USUAL_SHARE)),
                    format!("{:.1}", taken.learn_ms),
                    format!("{:.0}", taken.heap_bytes as f64 / together as f64),
                ]
            } else {
                ["left out", "", "", "", ""].map(str::to_owned)
            };
            let [median, slowest, each, learn, heap] = figures;
            let name = sheet::thousands(cells as f64);
            rows.push([
                name,
                providers.to_string(),
                sheet::thousands(together as f64),
                median,
                slowest,
                each,
                learn,
                heap,
            ]);
        }
    }
    sheet::table(
        [
            "active cells each",
            "providers",
            "together",
            "step ms",
            "slowest",
            "µs a cell that reports",
            "hourly learning ms",
            "bytes a cell",
        ],
        &rows,
    );
    sheet::paragraph(&format!(
        "CPU time of one thread for all providers, median and slowest of {} minutes. Active: with \
         reports in the last eight hours; one in {:.0} \
         of them reports in each minute, seen in three steps as those who observed it come. \
         Providers share their cells and facts, not what \
         is known of them. Left out: more than {} cells. Bytes a cell: what the detector says of \
         itself, without what it has learnt and the facts.",
        usual.minutes,
        1.0 / USUAL_SHARE,
        sheet::thousands(MOST_CELLS as f64),
    ));
}

fn by_target(cities: &Cities, scene: Scene) {
    let scenes = [
        ("5 %, as usual", scene),
        ("all, as usual", Scene { share: 1.0, measured_share: 1.0, ..scene }),
        (
            "5 %, and all of the eastern fifth: a region fails",
            Scene { failing_share: FAILING_SHARE, ..scene },
        ),
        ("all, 5 % are usual: an outage everywhere begins", Scene { measured_share: 1.0, ..scene }),
    ];
    let (mut rows, mut resident_bytes) = (Vec::new(), Vec::new());
    for (name, scene) in scenes {
        let taken = scene.play(cities);
        resident_bytes.push(taken.resident_bytes as f64 / scene.cells as f64);
        let (median, bytes) =
            (sheet::median(&taken.steps_ms), taken.heap_bytes as f64 / scene.cells as f64);
        let met = |met: bool| if met { "met" } else { "missed" }.to_owned();
        rows.push([
            name.to_owned(),
            format!("{:.2}", taken.steps_ms[0]),
            format!("{median:.2}"),
            most_of(&taken.steps_ms),
            met(median <= TARGET_MS),
            format!("{bytes:.0}"),
            met(bytes <= TARGET_BYTES),
            taken.told.to_string(),
        ]);
    }
    sheet::paragraph(&format!(
        "One provider with {} active cells:",
        sheet::thousands(TARGET_CELLS as f64)
    ));
    sheet::table(
        [
            "report in a minute",
            "first ms",
            "step ms",
            "slowest",
            "target 100 ms",
            "bytes a cell",
            "target 1 kB",
            "revisions told",
        ],
        &rows,
    );
    sheet::paragraph(&format!(
        "For the first of them the process grew by {:.0} bytes an active cell: with the baseline \
         that was learnt, the facts of the minutes \
         measured, and what the allocator keeps.",
        resident_bytes[0]
    ));
}

fn by_others(cities: &Cities, scene: Scene, most: usize) {
    let mut rows = Vec::new();
    for beside in [0, 1, 3, 10, 30].into_iter().filter(|beside| *beside <= most) {
        let taken = Scene { beside, ..scene }.play(cities);
        let median = sheet::median(&taken.steps_ms);
        rows.push([
            beside.to_string(),
            format!("{:.2}", taken.steps_ms[0]),
            format!("{median:.2}"),
            most_of(&taken.steps_ms),
            taken.told.to_string(),
        ]);
    }
    sheet::paragraph(&format!(
        "The same one, a region of which fails, beside others that have reports there as usual \
         ({} cells each):",
        scene.cells
    ));
    sheet::table(["others", "first ms", "step ms", "slowest", "revisions told"], &rows);
}

fn by_idle(cities: &Cities, usual: Scene, idle: usize) {
    let mut rows = Vec::new();
    for (known, active) in [(idle, 0), (idle, 300), (300, 300)] {
        let taken = if active == 0 {
            Scene { cells: known, is_active: false, ..usual }.play(cities)
        } else {
            Scene {
                cells: known,
                measured_share: USUAL_SHARE * active as f64 / known as f64,
                ..usual
            }
            .play_with_active(cities, active)
        };
        rows.push([
            sheet::thousands(known as f64),
            sheet::thousands(active as f64),
            format!("{:.4}", sheet::median(&taken.steps_ms)),
            format!("{:.0}", taken.heap_bytes as f64 / known as f64),
        ]);
    }
    sheet::paragraph("Idle cells, which are known and have no reports in the last eight hours:");
    sheet::table(["known cells", "active among them", "step ms", "bytes a known cell"], &rows);
}

impl Scene {
    fn play(self, cities: &Cities) -> Taken {
        self.play_with_active(cities, self.cells)
    }

    /// Learns all cells, but lets only the first so many report.
    fn play_with_active(self, cities: &Cities, active: usize) -> Taken {
        let cells = active_cells(11, cities, self.cells);
        let known = Traffic::new(12, cells.clone(), NOON.plus(-WINDOW));
        let share_of_active = if active < self.cells { USUAL_SHARE } else { self.share };
        let mut traffic = Traffic::new(12, cells[..active].to_vec(), NOON.plus(-WINDOW));
        let (reports_an_hour, facts) =
            ((60.0 * self.share) as u32, self.facts(&mut traffic, share_of_active));
        let (long_past, hour) =
            (known.hour(reports_an_hour * HOURS_LEARNT), known.hour(reports_an_hour));
        let before = resident_bytes();
        let mut detectors = vec![Detector::new(Parameters::default()); self.providers];
        let mut learn_ms = 0.0;
        for detector in &mut detectors {
            let now = NOON.hour();
            detector.learn(now.plus(-11), Some(&long_past), 60 * HOURS_LEARNT, None);
            detector.learn(now.plus(-10), Some(&hour), 60, None);
            learn_ms += timed(|| detector.learn(now.plus(-9), Some(&hour), 60, None)).1;
            // Minutes without facts say how much was to be expected in them; the last
            // brings what did come.
            for minute in (-WINDOW..0).map(|ago| NOON.plus(ago)) {
                detector.step(minute, &[], true);
            }
            detector.step(NOON, &facts, true);
        }
        let (mut others, mut as_usual) = (vec![detectors[0].clone(); self.beside], traffic.clone());
        let (mut steps_ms, mut told) = (Vec::new(), 0);
        let failing = easternmost(&cells, self.failing_share);
        let measured_share = if active < self.cells { USUAL_SHARE } else { self.measured_share };
        for minute in (1..=self.minutes as i64).map(|n| NOON.plus(n)) {
            let minutes = if self.is_active {
                traffic.come_beside(minute, measured_share, &failing)
            } else {
                Minutes::new()
            };
            // What others take is not the time of this one.
            let usual = as_usual.come(minute, share_of_active);
            for other in &mut others {
                other.take(minute, &usual, true);
            }
            let hearing = hearing(&others);
            let beside = Others::beside(&[], &others, &hearing);
            let (found, ms) = timed(|| {
                detectors
                    .iter_mut()
                    .map(|detector| step_beside(detector, &beside, minute, &minutes))
                    .sum::<usize>()
            });
            steps_ms.push(ms);
            told += found;
        }
        let heap_bytes = detectors.iter().map(Detector::heap_bytes).sum();
        Taken {
            steps_ms,
            learn_ms,
            heap_bytes,
            resident_bytes: resident_bytes().saturating_sub(before),
            told,
        }
    }

    /// The facts of the longest window, up to noon.
    fn facts(self, traffic: &mut Traffic, share: f64) -> Minutes {
        let mut facts = BTreeMap::new();
        if self.is_active {
            for minute in (1 - WINDOW..=0).map(|ago| NOON.plus(ago)) {
                facts.extend(traffic.come(minute, share));
            }
        }
        facts.into_iter().collect()
    }
}

/// Of the first of a catalogue, and of those others after it.
fn hearing(others: &[Detector]) -> Hearing {
    let providers = (0..=others.len()).map(|n| Provider::of_id(format!("p{n}"))).collect();
    let mut hearing =
        Hearing::of(&Catalogue::new(providers).expect("few providers of different names"));
    for (n, other) in (1..).zip(others) {
        hearing.note(ProviderIndex(n), other);
    }
    hearing
}

/// A minute of a detector that hears those others; how many revisions it tells.
fn step_beside(
    detector: &mut Detector,
    others: &Others<'_>,
    minute: Minute,
    minutes: &Minutes,
) -> usize {
    let taken = detector.take(minute, minutes, true);
    detector.step_among(others, &taken).len()
}

/// That part of the cells, the most eastern ones.
fn easternmost(cells: &[Cell], share: f64) -> Vec<Cell> {
    let mut sorted = cells.to_vec();
    sorted.sort_by(|a, b| b.centre().lon().total_cmp(&a.centre().lon()));
    sorted.truncate((cells.len() as f64 * share).round() as usize);
    sorted
}

fn most_of(values: &[f64]) -> String {
    format!("{:.2}", values.iter().copied().fold(0.0, f64::max))
}

/// What the work gives, and the CPU time it took in milliseconds.
fn timed<T>(work: impl FnOnce() -> T) -> (T, f64) {
    let began = thread_cpu_seconds();
    let result = work();
    (result, (thread_cpu_seconds() - began) * 1e3)
}
