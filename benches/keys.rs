//! What do keys cost: at a start, in memory, and for each request that shows one?
//!
//! A directory's ledger is filled with so many keys, and with changes of sources until
//! there are so many entries. A process of its own then opens the store and reads the
//! ledger to its end, as a start does; what an empty ledger takes is measured likewise. A
//! look-up reads the text of a key, hashes it, and finds it in the table.

mod load;

use anyhow::{Context, ensure};
use groundswell::domain::access::entry::{Actor, Change, Entry};
use groundswell::domain::access::key::{KeyLimits, NewKey};
use groundswell::domain::access::scope::Scope;
use groundswell::domain::access::source::NewSource;
use groundswell::domain::fact::Source;
use groundswell::domain::provider::Catalogue;
use groundswell::domain::time::{DEFAULT_LATENESS_MS, Timestamp};
use groundswell::engine::access::ledger::{Ledger, audit};
use groundswell::store::embedded::Options as StoreOptions;
use groundswell::store::journal::{Appended, JournalName, MOST_ENTRIES_APPENDED, Position};
use groundswell::store::{Store, Terms};
use groundswell::wire::key_text::{KeyText, RANDOM_BYTES};
use groundswell::wire::ledger::to_bytes;
use load::machine::{process_cpu_seconds, resident_bytes, thread_cpu_seconds};
use load::sheet;
use load::task::{Options, Task, YARDSTICK};
use std::hint::black_box;
use std::io::Write;
use std::path::Path;
use std::time::Instant;
use tokio::runtime::Runtime;

/// Keys, and entries of the ledger.
const SIZES: [(usize, usize); 4] = [(0, 0), (1_000, 1_000), (10_000, 10_000), (10_000, 100_000)];
const NOW: Timestamp = Timestamp(1_790_000_000_000);
/// Sources that are changed.
const APPS: usize = 1_000;
/// Starts of each size; the median counts.
const STARTS: usize = 5;

/// What a start took.
#[derive(Debug, Clone, Copy)]
struct Start {
    opened_ms: f64,
    read_ms: f64,
    cpu_ms: f64,
    resident: u64,
    audit_ms: f64,
}

fn main() -> anyhow::Result<()> {
    match Task::from_args()? {
        Task::Measure(options) => measure(options),
        Task::Yardstick(directory) => start(Path::new(&directory.context("a directory")?)),
    }
}

fn measure(options: Options) -> anyhow::Result<()> {
    let runtime = Runtime::new()?;
    let (mut rows, mut empty) = (Vec::new(), None);
    for (keys, entries) in SIZES.into_iter().take(options.pick(2, SIZES.len())) {
        let directory = tempfile::tempdir()?;
        let texts = runtime.block_on(fill(directory.path(), keys, entries))?;
        let mut starts = Vec::new();
        for _ in 0..options.pick(1, STARTS) {
            starts.push(started(directory.path())?);
        }
        let of =
            |field: fn(&Start) -> f64| sheet::median(&starts.iter().map(field).collect::<Vec<_>>());
        let total = of(|start| start.opened_ms + start.read_ms);
        let cpu = of(|start| start.cpu_ms);
        let resident = of(|start| start.resident as f64);
        let (empty_ms, empty_cpu, empty_bytes) = *empty.get_or_insert((total, cpu, resident));
        let file = std::fs::metadata(directory.path().join("ledger.redb"))?.len();
        let look_up = runtime.block_on(look_up_us(directory.path(), &texts, options))?;
        rows.push([
            sheet::thousands(keys as f64),
            sheet::thousands(entries as f64),
            format!("{:.1}", of(|start| start.opened_ms)),
            format!("{:.1}", of(|start| start.read_ms)),
            format!("{:.1}", total - empty_ms),
            format!("{:.1}", cpu - empty_cpu),
            format!("{:.1}", (resident - empty_bytes) / 1e6),
            format!("{:.1}", file as f64 / 1e6),
            format!("{:.0}", of(|start| start.audit_ms)),
            look_up.map_or_else(String::new, |us| format!("{us:.2}")),
        ]);
    }
    sheet::title("What keys cost");
    sheet::table(
        [
            "keys",
            "entries",
            "open, ms",
            "read, ms",
            "more than none, ms",
            "of CPU, ms",
            "MB resident more",
            "MB on disk",
            "audit of all, ms",
            "µs of CPU a look-up",
        ],
        &rows,
    );
    Ok(())
}

/// Fills a ledger. Gives the texts of its keys.
async fn fill(directory: &Path, keys: usize, entries: usize) -> anyhow::Result<Vec<KeyText>> {
    let (store, mut changes, mut texts) = (open(directory)?, Vec::new(), Vec::new());
    if keys > 0 {
        let source = NewSource { name: "App".into(), contact: None, may_open: true };
        changes.push(Change::Source(source.created(Source(1), NOW)));
    }
    while texts.len() < keys {
        let mut random = [0; RANDOM_BYTES];
        getrandom::fill(&mut random).map_err(std::io::Error::other)?;
        let Some(text) = KeyText::from_random(&random) else { continue };
        let record = new_key(texts.len()).created(text.id(), text.hash(), NOW);
        changes.push(Change::KeyCreated(record));
        texts.push(text);
    }
    // The audit trail of years: many apps, changed again and again.
    while changes.len() < entries {
        let number = Source((2 + changes.len() % APPS) as u16);
        let name = format!("App {} of {}", number.0, changes.len());
        let contact = Some("somebody@app.example.org".to_owned());
        let source = NewSource { name, contact, may_open: true }.created(number, NOW);
        changes.push(Change::Source(source));
    }
    let bytes = |change: Change| to_bytes(&Entry { at: NOW, by: Actor::CommandLine, change });
    let all: Vec<Vec<u8>> = changes.into_iter().map(bytes).collect();
    let mut end = Position::START;
    for group in all.chunks(MOST_ENTRIES_APPENDED) {
        let appended = store.append(JournalName::Ledger, None, end, group).await?;
        let Appended::Yes { end: next } = appended else { anyhow::bail!("{appended:?}") };
        end = next;
    }
    store.close()?;
    Ok(texts)
}

fn new_key(n: usize) -> NewKey {
    NewKey {
        source: Source(1),
        name: format!("release {n}"),
        scopes: [Scope::Report].into_iter().collect(),
        providers: None,
        origins: ["https://status.example.org".to_owned()].into(),
        expires_at: None,
        limits: KeyLimits { reports_per_day: Some(1_000_000), ..KeyLimits::default() },
        is_test: false,
    }
}

fn open(directory: &Path) -> anyhow::Result<Store> {
    let terms = Terms { reporter_key_check: 7, lateness_ms: DEFAULT_LATENESS_MS };
    Ok(Store::open_embedded(directory, &Catalogue::default(), terms, StoreOptions::default())?)
}

/// What a start in a process of its own takes.
fn started(directory: &Path) -> anyhow::Result<Start> {
    let output = std::process::Command::new(std::env::current_exe()?)
        .arg(YARDSTICK)
        .arg(directory)
        .output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout)?;
    let figures: Vec<f64> =
        text.split_whitespace().map(str::parse).collect::<Result<_, _>>().context("figures")?;
    let [opened_ms, read_ms, cpu_ms, resident, audit_ms] = figures[..] else {
        anyhow::bail!("five figures were expected: {text:?}")
    };
    Ok(Start { opened_ms, read_ms, cpu_ms, resident: resident as u64, audit_ms })
}

/// A start, and what it took, for who started it.
fn start(directory: &Path) -> anyhow::Result<()> {
    let runtime = Runtime::new()?;
    let began = Instant::now();
    let store = open(directory)?;
    let opened = began.elapsed();
    let (ledger, began) = (Ledger::default(), Instant::now());
    runtime.block_on(ledger.read(&store))?;
    let read = began.elapsed();
    let (cpu_ms, resident) = (1e3 * process_cpu_seconds(), resident_bytes());
    let began = Instant::now();
    black_box(runtime.block_on(audit(&store, Timestamp(0)))?);
    let [opened, read, audited] =
        [opened, read, began.elapsed()].map(|time| time.as_secs_f64() * 1e3);
    Ok(writeln!(std::io::stdout(), "{opened} {read} {cpu_ms} {resident} {audited}")?)
}

/// What a look-up takes, over all keys in turn; none where there are none.
async fn look_up_us(
    directory: &Path,
    texts: &[KeyText],
    options: Options,
) -> anyhow::Result<Option<f64>> {
    let table = Ledger::default().read(&open(directory)?).await?;
    if texts.is_empty() {
        return Ok(None);
    }
    let shown: Vec<&str> = texts.iter().map(KeyText::reveal).collect();
    let rounds = options.pick(20_000, 2_000_000) / shown.len();
    let (began, mut admitted) = (thread_cpu_seconds(), 0);
    for text in (0..rounds).flat_map(|_| &shown) {
        let key = KeyText::parse(black_box(text))?;
        admitted += usize::from(table.admit(key.id(), &key.hash(), NOW).is_ok());
    }
    ensure!(admitted == rounds * shown.len(), "every key works");
    Ok(Some(1e6 * (thread_cpu_seconds() - began) / admitted as f64))
}
