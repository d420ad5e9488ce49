//! What only the embedded store promises: one process a directory, damage refused by
//! name, and a full disk survived without loss.

use crate::support::tiny_disk::TinyDisk;
use crate::support::{NOW, TORONTO, catalogue, cell, instant};
use groundswell::domain::fact::{Lane, Source};
use groundswell::domain::grid::{Resolution, Spot};
use groundswell::domain::provider::ProviderIndex;
use groundswell::domain::report::{Observed, Report};
use groundswell::domain::reporter::{Identity, Reporter};
use groundswell::domain::symptom::Symptom;
use groundswell::domain::time::{DEFAULT_LATENESS_MS, HOUR_MS};
use groundswell::store::embedded::{Durability, Options};
use groundswell::store::journal::{Appended, JournalName, Position, Tail};
use groundswell::store::shown_hour::{KeptShownHour, ShownHour};
use groundswell::store::{OpenError, Recorded, Store, StoreError, Terms};
use std::path::{Path, PathBuf};
use std::sync::Arc;

const TERMS: Terms = Terms { reporter_key_check: 7, lateness_ms: DEFAULT_LATENESS_MS };
const ALPHA: ProviderIndex = ProviderIndex(0);

#[test]
fn a_directory_belongs_to_one_store_at_a_time() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).unwrap();
    let error = open(dir.path()).unwrap_err();
    assert!(
        matches!(error, OpenError::InUse(_)) && error.to_string().contains("--store"),
        "{error}"
    );
    drop(store);
    open(dir.path()).unwrap();
}

#[test]
fn another_format_or_number_of_shards_is_refused_with_the_way_out() {
    let rows = [
        ("\"schema\": 2", "\"schema\": 3", "format 3"),
        ("\"shards\": 16", "\"shards\": 32", "32 shards"),
    ];
    for (ours, theirs, named) in rows {
        let dir = tempfile::tempdir().unwrap();
        drop(open(dir.path()).unwrap());
        let meta = dir.path().join("meta.json");
        let text = std::fs::read_to_string(&meta).unwrap();
        assert!(text.contains(ours), "{text}");
        std::fs::write(&meta, text.replace(ours, theirs)).unwrap();
        let message = open(dir.path()).unwrap_err().to_string();
        assert!(
            message.contains(named) && message.contains("run the version that wrote it"),
            "{message}"
        );
    }
}

#[test]
fn a_directory_from_before_public_twins_has_none_and_takes_some() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(dir.path()).unwrap());
    let database = redb::Database::open(dir.path().join("aged.redb")).unwrap();
    let txn = database.begin_write().unwrap();
    for table in ["shown_hours", "shown_rules"] {
        let table = redb::TableDefinition::<(u16, u32), &[u8]>::new(table);
        assert!(txn.delete_table(table).unwrap(), "it was there");
    }
    txn.commit().unwrap();
    drop(database);
    let (store, hour) = (open(dir.path()).unwrap(), instant(NOW).minute().hour());
    assert_eq!(block_on(store.shown_hours_kept(ALPHA, hour..hour.plus(1))).unwrap(), []);
    let finest = Resolution::HOURLY;
    let twin = ShownHour { k: 3, finest, counts: Arc::default() };
    block_on(store.keep_shown_hour(ALPHA, hour, &twin)).unwrap();
    let kept = block_on(store.shown_hours_kept(ALPHA, hour..hour.plus(1))).unwrap();
    assert_eq!(kept, [KeptShownHour { hour, k: 3, finest }]);
}

#[test]
fn a_copy_of_the_directory_is_the_store() {
    let (dir, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let store = open(dir.path()).unwrap();
    record(&store, 0..500).unwrap();
    block_on(store.tidy(instant(NOW).plus_ms(50 * HOUR_MS))).unwrap();
    record(&store, 500..900).unwrap();
    store.close().unwrap();
    drop(store);
    for file in std::fs::read_dir(dir.path()).unwrap() {
        let path = file.unwrap().path();
        std::fs::copy(&path, elsewhere.path().join(path.file_name().unwrap())).unwrap();
    }
    let restored = open(elsewhere.path()).unwrap();
    assert_eq!((total(&restored), record(&restored, 0..900)), (900, Ok(0)), "facts and claims");
}

#[test]
fn a_damaged_file_is_refused_by_name() {
    // How the store was left, which file is damaged, from which byte on, and how.
    let rows: [(bool, &str, usize, fn(&mut Vec<u8>, usize)); 5] = [
        (true, "snapshot-", 12, |bytes, at| bytes[at] ^= 1),
        (true, "snapshot-", 30, |bytes, at| bytes.truncate(at)),
        (true, "snapshot-", 0, |bytes, _| bytes.clear()),
        (false, "log-", 30, |bytes, at| bytes[at] ^= 1),
        (false, "log-", 10, |bytes, at| bytes.truncate(at)),
    ];
    for (closed, prefix, at, damage) in rows {
        let dir = tempfile::tempdir().unwrap();
        for n in 1..=2 {
            let store = open(dir.path()).unwrap();
            record(&store, n..n + 1).unwrap();
            if closed {
                store.close().unwrap();
            }
        }
        let path = files(dir.path(), prefix)[0].clone();
        let mut bytes = std::fs::read(&path).unwrap();
        damage(&mut bytes, at);
        std::fs::write(&path, bytes).unwrap();
        let message = open(dir.path()).unwrap_err().to_string();
        let named = path.file_name().unwrap().to_str().unwrap();
        assert!(
            message.contains(named)
                && message.contains("is damaged at byte")
                && message.contains("backup"),
            "{prefix} {at}: {message}"
        );
    }
}

#[test]
fn a_missing_piece_of_the_log_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    for n in 1..=3 {
        record(&open(dir.path()).unwrap(), n..n + 1).unwrap();
    }
    std::fs::remove_file(&files(dir.path(), "log-")[0]).unwrap();
    let message = open(dir.path()).unwrap_err().to_string();
    assert!(message.contains("frames before it are missing"), "{message}");
}

#[test]
fn a_log_that_outgrows_its_limit_is_replaced_by_a_snapshot() {
    let dir = tempfile::tempdir().unwrap();
    let small = Options { snapshot_log_bytes: 1_000, ..Options::default() };
    let store = Store::open_embedded(dir.path(), &catalogue(), TERMS, small).unwrap();
    for n in 1..=100 {
        record(&store, n..n + 1).unwrap();
    }
    assert!(block_on(store.size()).log_bytes > 1_000);
    block_on(store.tidy(instant(NOW))).unwrap();
    assert_eq!(
        (
            block_on(store.size()).log_bytes,
            files(dir.path(), "log-").len(),
            files(dir.path(), "snapshot-").len()
        ),
        (0, 0, 1)
    );
    record(&store, 101..102).unwrap();
    drop(store);
    assert_eq!(total(&open(dir.path()).unwrap()), 101, "a snapshot and the log since");
}

#[test]
fn a_snapshot_that_was_never_finished_is_as_if_it_had_not_been_begun() {
    let dir = tempfile::tempdir().unwrap();
    record(&open(dir.path()).unwrap(), 1..4).unwrap();
    std::fs::write(dir.path().join("snapshot.unfinished"), "half of").unwrap();
    assert_eq!(total(&open(dir.path()).unwrap()), 3);
}

#[test]
fn a_full_disk_refuses_whole_groups_and_takes_them_once_there_is_room() {
    let disk = TinyDisk::new(16);
    let dir = disk.path().join("store");
    let store = open(&dir).unwrap();
    let mut counted = record(&store, 0..100).unwrap();
    disk.fill_but(64 << 10);
    let mut next = 100;
    // Smaller groups fit where larger ones do not: until not even one report does.
    for size in [1_000, 100, 10, 1] {
        while let Ok(recorded) = record(&store, next..next + size) {
            counted += recorded;
            next += size;
        }
    }
    assert_eq!(record(&store, next..next + 1).unwrap_err(), "the store is full");
    assert_eq!(
        total(&store),
        counted,
        "what was refused is not counted, and what was answered is readable"
    );
    assert_eq!(record(&store, 0..100), Ok(0), "duplicates need no room");
    assert!(block_on(store.probe()).is_err());
    disk.make_room();
    block_on(store.probe()).unwrap();
    assert_eq!(
        record(&store, next..next + 1_000),
        Ok(1_000),
        "the claims of refused reports were given back"
    );
    drop(store);
    assert_eq!(total(&open(&dir).unwrap()), counted + 1_000);
}

#[test]
fn a_disk_that_was_full_while_hours_aged_or_a_snapshot_was_written_leaves_no_trace() {
    let disk = TinyDisk::new(16);
    let dir = disk.path().join("store");
    let store = open(&dir).unwrap();
    let later = |hours: i64| instant(NOW).plus_ms(hours * HOUR_MS);
    record(&store, 0..20_000).unwrap();
    block_on(store.tidy(later(50))).unwrap();
    drop(store);
    let store = open(&dir).unwrap();
    // Little enough that no space is reserved ahead, which a rotated log would give back.
    disk.fill_but(3 << 20);
    record(&store, 20_000..60_000).unwrap();
    disk.fill_but(0);
    assert!(store.close().is_err(), "a snapshot has no room");
    assert!(files(&dir, "snapshot").is_empty(), "and leaves what it took");
    assert!(
        block_on(store.tidy(later(51))).is_err(),
        "nor has an hour on its way into the database"
    );
    assert_eq!(total(&store), 60_000, "both tables are read while the disk is full");
    disk.make_room();
    block_on(store.tidy(later(51))).unwrap();
    assert_eq!((total(&store), block_on(store.size()).live_rows), (60_000, 0));
    store.close().unwrap();
    drop(store);
    assert_eq!(total(&open(&dir).unwrap()), 60_000);
}

#[test]
fn a_journal_is_whole_after_a_death_at_any_moment() {
    for name in JournalName::ALL {
        let dir = tempfile::tempdir().unwrap();
        let store = open(dir.path()).unwrap();
        for n in 1..=5 {
            append(&store, name, &[b"first", b"second"]).unwrap();
            // What a process leaves that dies now: its files as they are.
            let left = tempfile::tempdir().unwrap();
            for path in files(dir.path(), "") {
                std::fs::copy(&path, left.path().join(path.file_name().unwrap())).unwrap();
            }
            let next = open(left.path()).unwrap();
            assert_eq!(journal(&next, name).len(), 2 * n);
            append(&next, name, &[b"third"]).unwrap();
            drop(next);
            assert_eq!(
                journal(&open(left.path()).unwrap(), name)[2 * n - 1..],
                [b"second", &b"third"[..]],
                "and it goes on"
            );
        }
    }
}

#[test]
fn a_damaged_journal_is_refused_by_name_or_read_as_it_was() {
    for name in JournalName::ALL {
        let dir = tempfile::tempdir().unwrap();
        let store = open(dir.path()).unwrap();
        let entries: Vec<Vec<u8>> = (0..20).map(|n| vec![n; 700]).collect();
        for entry in &entries {
            append(&store, name, &[entry]).unwrap();
        }
        drop(store);
        let path = dir.path().join(format!("{}.redb", name.name()));
        let whole = std::fs::read(&path).unwrap();
        let said = whole.windows(700).position(|bytes| bytes == entries[19]).unwrap();
        // Here and there, the last entry, and the list of free pages, which the database
        // reads before it looks at checksums.
        let places: Vec<usize> =
            (0..whole.len()).step_by(whole.len() / 50).chain([said, 9, 8_194, 8_198]).collect();
        let mut refused = Vec::new();
        for at in places {
            let mut damaged = whole.clone();
            damaged[at] ^= 1;
            std::fs::write(&path, &damaged).unwrap();
            match open(dir.path()) {
                Err(error) => {
                    let message = error.to_string();
                    assert!(
                        matches!(error, OpenError::Database { .. })
                            && message.contains(&format!("{}.redb", name.name())),
                        "{at}: {message}"
                    );
                    refused.push((at, message));
                }
                // A page that nobody reads any more.
                Ok(store) => assert_eq!(journal(&store, name), entries, "{at}"),
            }
        }
        let message =
            &refused.iter().find(|(at, _)| *at == said).expect("what an entry says is guarded").1;
        assert!(message.contains("restore it from a backup"), "{message}");
    }
}

#[test]
fn a_full_disk_refuses_whole_appends_and_takes_them_once_there_is_room() {
    for name in JournalName::ALL {
        let disk = TinyDisk::new(16);
        let dir = disk.path().join("store");
        let store = open(&dir).unwrap();
        append(&store, name, &[b"first"]).unwrap();
        disk.fill_but(0);
        let large = vec![1; 3 << 20];
        assert_eq!(append(&store, name, &[b"a part", &large]).unwrap_err(), "the store is full");
        assert_eq!(journal(&store, name), [b"first"], "it is read while the disk is full");
        disk.make_room();
        append(&store, name, &[b"a part", &large]).unwrap();
        drop(store);
        assert_eq!(journal(&open(&dir).unwrap(), name), [b"first", &b"a part"[..], &large]);
    }
}

#[test]
fn a_directory_of_before_the_ledger_opens_with_an_empty_one() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).unwrap();
    append(&store, JournalName::Incidents, &[b"of before"]).unwrap();
    drop(store);
    std::fs::remove_file(dir.path().join("ledger.redb")).unwrap();
    let only_read = Options { durability: Durability::Discarded, ..Options::default() };
    let store = Store::open_embedded(dir.path(), &catalogue(), TERMS, only_read).unwrap();
    assert_eq!(journal(&store, JournalName::Ledger), [b""; 0]);
    drop(store);
    assert!(!dir.path().join("ledger.redb").exists(), "who only reads makes none");
    let store = open(dir.path()).unwrap();
    assert_eq!(journal(&store, JournalName::Ledger), [b""; 0]);
    append(&store, JournalName::Ledger, &[b"the first"]).unwrap();
    assert_eq!(journal(&store, JournalName::Incidents), [b"of before"]);
}

fn open(dir: &Path) -> Result<Store, OpenError> {
    Store::open_embedded(dir, &catalogue(), TERMS, Options::default())
}

/// Records one group, a report of each of these reporters. Gives how many count.
fn record(store: &Store, reporters: std::ops::Range<u64>) -> Result<u64, String> {
    let minute = instant(NOW).minute();
    let report = |n: u64| Report {
        provider: ALPHA,
        symptom: Symptom::NoService,
        // A cell for each of many, so that an hour of them is not small.
        cell: cell((f64::from((n % 5_000) as u32) * 0.01, TORONTO.1), 8),
        spot: Spot::Unknown,
        reporter: Reporter {
            hash: n.wrapping_mul(0x9e37_79b9_7f4a_7c15),
            slot: 4,
            identity: Identity::Own,
        },
        source: Source(0),
        observed: Observed { minute, arrived: minute, late: false },
    };
    let outcomes = block_on(store.record(&reporters.map(report).collect::<Vec<_>>()));
    let outcomes: Result<Vec<Recorded>, StoreError> = outcomes.into_iter().collect();
    let counted = |outcomes: Vec<Recorded>| {
        outcomes.into_iter().filter(|outcome| *outcome == Recorded::Counted).count() as u64
    };
    outcomes.map(counted).map_err(|error: StoreError| error.to_string())
}

/// Appends where a journal ends now.
fn append(store: &Store, name: JournalName, entries: &[&[u8]]) -> Result<(), String> {
    let Tail::Since(read) = block_on(store.journal(name, Position::START)).unwrap() else {
        panic!("nothing was lost")
    };
    let entries: Vec<Vec<u8>> = entries.iter().map(|entry| entry.to_vec()).collect();
    let appended = block_on(store.append(name, None, read.end, &entries));
    let appended = appended.map_err(|error| error.to_string())?;
    assert!(matches!(appended, Appended::Yes { .. }), "{appended:?}");
    Ok(())
}

fn journal(store: &Store, name: JournalName) -> Vec<Vec<u8>> {
    let Tail::Since(read) = block_on(store.journal(name, Position::START)).unwrap() else {
        panic!("nothing was lost")
    };
    assert!(!read.more);
    read.entries
}

/// All reports that a reader finds.
fn total(store: &Store) -> u64 {
    let minute = instant(NOW).minute();
    let minutes = block_on(store.minutes(ALPHA, minute.plus(-60)..minute.plus(60))).unwrap();
    let rows = minutes
        .iter()
        .flat_map(|(_, counts)| counts.rows())
        .filter(|(key, _)| key.lane() == Lane::OnTime);
    rows.map(|(_, tally)| u64::from(tally.count)).sum()
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

fn files(dir: &Path, prefix: &str) -> Vec<PathBuf> {
    let names = std::fs::read_dir(dir).unwrap().map(|file| file.unwrap().path());
    let mut files: Vec<_> = names
        .filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with(prefix))
        .collect();
    files.sort();
    files
}
