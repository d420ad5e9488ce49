//! Stores as versions before format 2 wrote them: the same but for the journal of incidents,
//! whose revisions say where they were exactly, and for the number of the format.

use super::redis::{
    RedisServer, cli, own_prefix, shared_cluster, shared_cluster_servers, shared_single,
};
use super::stored::wait;
use super::{TORONTO, catalogue, cell};
use groundswell::domain::grid::Cell;
use groundswell::domain::incident::attribution::{Attribution, Verdict};
use groundswell::domain::incident::entry::Entry;
use groundswell::domain::incident::evidence::{PublishedEvidence, Zone};
use groundswell::domain::incident::figures::{Figures, Peak};
use groundswell::domain::incident::{Brand, Ending, Incident, IncidentId, Method, State};
use groundswell::domain::reporter::ReporterKey;
use groundswell::domain::symptom::Symptom;
use groundswell::domain::time::{DAY_MS, DEFAULT_LATENESS_MS, Timestamp, Window};
use groundswell::engine::upgrade::carry;
use groundswell::store::journal::{Appended, JournalName, Position, Tail};
use groundswell::store::redis::address;
use groundswell::store::upgrade::Older;
use groundswell::store::{OpenError, Store, Terms, embedded};
use groundswell::wire::journal::to_bytes;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

/// The secret of all stores here.
pub const KEY: &str = "secret of tests";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum On {
    Directory,
    Redis,
    Cluster,
}

pub const EVERYWHERE: [On; 3] = [On::Directory, On::Redis, On::Cluster];

/// A store, which may be of an older format.
#[derive(Debug)]
pub struct OlderStore {
    pub on: On,
    pub directory: tempfile::TempDir,
    pub prefix: String,
}

impl OlderStore {
    /// A store of format 1 whose journal holds these entries.
    pub fn holding(on: On, entries: &[Vec<u8>]) -> Self {
        let new = Self { on, directory: tempfile::tempdir().unwrap(), prefix: own_prefix() };
        append(&new.open(Older::Refused).unwrap(), entries);
        new.make_older();
        new
    }

    /// The same store in format 1.
    pub fn make_older(&self) {
        if self.on == On::Directory {
            self.say_format(1);
            return;
        }
        let [before, now] = [1, 2].map(|n| format!("{}:{n}:{{incidents}}:journal", self.prefix));
        self.cli(&["DEL", &before]);
        self.cli(&["RENAME", &now, &before]);
        self.say_format(1);
    }

    /// Writes the number of a format over the one that is there.
    pub fn say_format(&self, format: u32) {
        if self.on == On::Directory {
            let meta = self.directory.path().join("meta.json");
            let text = std::fs::read_to_string(&meta).unwrap();
            let (ours, theirs) = ("\"schema\": 2", format!("\"schema\": {format}"));
            assert!(text.contains(ours), "{text}");
            std::fs::write(meta, text.replace(ours, &theirs)).unwrap();
        } else {
            let meta = format!("{}:meta", self.prefix);
            self.cli(&["HSET", &meta, "schema", &format.to_string()]);
        }
    }

    pub fn address(&self) -> String {
        match self.on {
            On::Directory => self.directory.path().display().to_string(),
            On::Redis => shared_single(),
            On::Cluster => shared_cluster(),
        }
    }

    /// Arguments that name it.
    pub fn arguments(&self) -> Vec<String> {
        let mut all: Vec<String> =
            ["--store", &self.address(), "--reporter-key", KEY].map(str::to_owned).into();
        if self.on != On::Directory {
            all.extend(["--redis-prefix", &self.prefix].map(str::to_owned));
        }
        all
    }

    pub fn open(&self, older: Older) -> Result<Store, OpenError> {
        let key = ReporterKey::new(KEY.as_bytes());
        let terms =
            Terms { reporter_key_check: key.check_value(), lateness_ms: DEFAULT_LATENESS_MS };
        if self.on == On::Directory {
            let options = embedded::Options { older, ..embedded::Options::default() };
            return Store::open_embedded(self.directory.path(), &catalogue(), terms, options);
        }
        let prefix = self.prefix.clone();
        let options = address::Options { prefix, older, ..address::Options::default() };
        Store::open_redis(&self.address(), &catalogue(), terms, &options)
    }

    /// Opens it as a server does that was asked for an upgrade at an instant, or was not.
    pub fn open_at(&self, now: Timestamp, is_asked_for: bool) -> Result<Store, OpenError> {
        self.open(Older::Upgraded { carry: carry(now), is_asked_for })
    }

    /// What redis-cli says to a command.
    pub fn cli(&self, command: &[&str]) -> String {
        cli(self.ports()[0], &[&["-c"], command].concat())
    }

    fn ports(&self) -> Vec<u16> {
        match self.on {
            On::Directory => Vec::new(),
            On::Redis => vec![shared_single().rsplit(':').next().unwrap().parse().unwrap()],
            On::Cluster => shared_cluster_servers().iter().map(RedisServer::port).collect(),
        }
    }

    /// All that is at rest: each file, or each key, with its bytes.
    pub fn raw(&self) -> BTreeMap<String, Vec<u8>> {
        if self.on == On::Directory {
            return files(self.directory.path());
        }
        let pattern = format!("{}:*", self.prefix);
        let ports = self.ports();
        let scan = |port: &u16| cli(*port, &["--scan", "--pattern", &pattern]);
        let names: Vec<String> = ports
            .iter()
            .flat_map(|port| scan(port).lines().map(str::to_owned).collect::<Vec<_>>())
            .collect();
        let read = |name: &str, command: &str| {
            let port = ports[0].to_string();
            let output =
                Command::new("redis-cli").args(["-c", "-p", &port, command, name]).output();
            output.unwrap().stdout
        };
        let all = |name: &str| ["GET", "HGETALL"].map(|command| read(name, command)).concat();
        names.into_iter().map(|name| (name.clone(), all(&name))).collect()
    }
}

/// The files of a directory.
pub fn files(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = std::fs::read_dir(directory).unwrap().map(|file| file.unwrap());
    files
        .map(|file| {
            let name = file.file_name().into_string().unwrap();
            (name, std::fs::read(file.path()).unwrap())
        })
        .collect()
}

/// Appends entries to the journal of incidents, behind those that are there.
pub fn append(store: &Store, entries: &[Vec<u8>]) {
    let (_, mut position) = journal(store);
    for some in entries.chunks(200) {
        let appended = wait(store.append(JournalName::Incidents, None, position, some)).unwrap();
        let Appended::Yes { end } = appended else { panic!("{appended:?}") };
        position = end;
    }
}

/// All entries of the journal of incidents, and where they end.
pub fn journal(store: &Store) -> (Vec<Vec<u8>>, Position) {
    let (mut all, mut position) = (Vec::new(), Position::START);
    loop {
        let Tail::Since(piece) = wait(store.journal(JournalName::Incidents, position)).unwrap()
        else {
            panic!("nothing was lost")
        };
        if piece.entries.is_empty() {
            return (all, position);
        }
        all.extend(piece.entries);
        position = piece.end;
    }
}

/// The cell of the finest resolution of a house.
pub fn house(n: u32) -> Cell {
    let (north, east) = (f64::from(n / 40) * 0.02, f64::from(n % 40) * 0.02);
    cell((TORONTO.0 + north, TORONTO.1 + east), 8)
}

/// An incident of Alpha around some houses: the revision that was made known so many days
/// before an instant, as versions before format 2 had it.
pub fn exact(now: Timestamp, days: i64, number: u64, houses: std::ops::Range<u32>) -> Incident {
    let known_at = now.plus_ms(-days * DAY_MS);
    // So long before that no late report is waited for any more.
    let [onset, end] = [90, 20].map(|minutes| known_at.plus_ms(-3 * DAY_MS - minutes * 60_000));
    let mut cells: Vec<Cell> = houses.map(house).collect();
    cells.sort_unstable();
    cells.dedup();
    let evidence = PublishedEvidence {
        zone: Some(Zone { centre: Some(cells[0]), ring: 1 }),
        window: Window { from: onset.minute(), to: end.minute() },
        late_only: false,
        observed: 37.0,
        expected: Some(1.25),
        dispersion: 0.2,
        score: Some(14.5),
    };
    let brand = Brand {
        provider: "alpha".into(),
        episodes: vec![number << 8],
        state: State::Resolved,
        detected_at: onset.plus_ms(300_000),
        onset,
        resolved_at: Some(end),
        evidence,
    };
    let attribution = Attribution {
        provider: "charlie".into(),
        verdict: Verdict::Collateral,
        minutes: 60,
        observed: 7.0,
        expected: Some(2.0),
        expected_beside: Some(5.5),
        share: Some(0.05),
        score: Some(0.5),
    };
    Incident {
        id: IncidentId::of("north", "alpha", number, None),
        revision: 0,
        known_at,
        network: "north".into(),
        state: State::Resolved,
        detected_at: onset.plus_ms(300_000),
        onset,
        resolved_at: Some(end),
        ending: Some(Ending::Ebbed),
        everywhere: false,
        figures: Figures {
            reports: 137,
            expected: Some(3.5),
            symptoms: vec![(Symptom::NoService, 130), (Symptom::ALL[1], 7)],
            emergency_since: None,
            peak: Some(Peak { at: onset, reports: 13 }),
            area_km2: 0.7 * cells.len() as f64,
            users: Some(1_234.5),
        },
        cells: cells.into(),
        brands: vec![brand],
        attributions: vec![attribution],
        cause: None,
        method: Method { version: "test".into(), parameters: 1, catalogue: 2 },
        naming: None,
    }
}

/// The entry of a revision.
pub fn entry(incident: &Incident) -> Vec<u8> {
    to_bytes(&Entry::Revision(Arc::new(incident.clone())))
}
