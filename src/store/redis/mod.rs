//! The store on a Redis or a Redis Cluster: any number of nodes, which hold nothing that is not there.
//!
//! What a report touches lies in one shard of its provider, drawn from its reporter: one script call takes the claim and appends the facts. A
//! reader sums the shards; what it read before it keeps in a mirror, and reads only what came since.

pub mod address;
mod fitness;
pub mod import;
mod journal;
mod keys;
mod link;
mod meta;
mod mirror;
mod patience;
mod record;
mod replicas;
mod rows;
mod script;
mod tidy;

use super::{HOURS_KEPT_DAYS, MINUTES_KEPT_DAYS, OpenError, Part, REPORTERS_DAY_HOURS, SHARDS, StoreError, StoreSize, Terms};
use crate::domain::counts::Counts;
use crate::domain::liveness::Liveness;
use crate::domain::provider::{Catalogue, ProviderIndex};
use crate::domain::report::Report;
use crate::domain::time::{HOUR_MS, Hour, Minute, Timestamp};
use ::redis::Value;
use address::{Address, Options, Target};
use keys::{Keys, ShardKeys};
use link::{Ask, Fault, Link};
use mirror::Mirror;
use record::{Kept, Struck};
use std::ops::{Range, RangeInclusive};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use tokio::runtime::{Builder, Runtime};

const DAY_MINUTES: i64 = 24 * 60;
const HOUR_S: i64 = HOUR_MS / 1_000;
/// Threads that talk to Redis and read what it says.
const THREADS: usize = 2;
/// Keys that a probe writes: enough that every master has some.
const PROBES: u32 = 16;

/// The store on a Redis.
#[derive(Debug)]
pub struct Redis {
    node: Arc<Node>,
    catalogue_before: Option<u64>,
    /// Where connections live, whoever asks. None once dropped.
    runtime: Option<Runtime>,
}

/// This node's side of it.
#[derive(Debug)]
struct Node {
    link: Link,
    keys: Keys,
    terms: Terms,
    min_replicas: u32,
    struck: Struck,
    /// By the provider's place in the catalogue.
    providers: Vec<ProviderNode>,
    /// Steps of housekeeping so far.
    step: AtomicU64,
    tidied: std::sync::Mutex<Option<Hour>>,
    /// Whether housekeeping is to end as soon as it can.
    given_up: AtomicBool,
    /// Bytes of append-only file, as of the last look.
    file_bytes: AtomicU64,
    /// Entries of the journal, as of the last look.
    journal_entries: AtomicU64,
}

#[derive(Debug)]
struct ProviderNode {
    id: String,
    keys: Vec<ShardKeys>,
    /// Held while it is refreshed: whoever asks meanwhile would read the same.
    mirror: tokio::sync::Mutex<Mirror>,
}

impl Redis {
    /// Opens the store on a Redis (`redis://`, `rediss://`) or a Redis Cluster (`redis+cluster://`, `rediss+cluster://`).
    ///
    /// # Errors
    /// Where it does not answer, or was written under other [`Terms`].
    pub fn open(url: &str, catalogue: &Catalogue, terms: Terms, options: &Options) -> Result<Self, OpenError> {
        Self::open_with(url, catalogue, terms, options, None)
    }

    /// Opens it; to be copied into from another store where that is named.
    fn open_with(url: &str, catalogue: &Catalogue, terms: Terms, options: &Options, copying: Option<String>) -> Result<Self, OpenError> {
        let address = Address::parse(url, options)?;
        let is_cluster = matches!(address.target, Target::Cluster(_));
        let keys = Keys::new(&options.prefix);
        let provider = |id: &str| ProviderNode {
            id: id.to_owned(),
            keys: (0..SHARDS).map(|shard| keys.shard(id, shard)).collect(),
            mirror: tokio::sync::Mutex::default(),
        };
        let node = Node {
            link: Link::new(address),
            providers: catalogue.iter().map(|(_, p)| provider(&p.id)).collect(),
            keys,
            terms,
            min_replicas: options.min_replicas,
            struck: Struck::default(),
            step: AtomicU64::new(0),
            tidied: std::sync::Mutex::new(None),
            given_up: AtomicBool::new(false),
            file_bytes: AtomicU64::new(0),
            journal_entries: AtomicU64::new(0),
        };
        let runtime = Builder::new_multi_thread().worker_threads(THREADS).thread_name("redis").enable_all().build();
        let runtime = runtime.map_err(|source| OpenError::Io { path: "a thread for Redis".into(), source })?;
        let mut store = Self { node: Arc::new(node), catalogue_before: None, runtime: Some(runtime) };
        let (node, schemas) = (Arc::clone(&store.node), options.schemas.clone());
        // A copy is of whatever catalogue the other store had.
        let fingerprint = copying.is_none().then(|| catalogue.fingerprint());
        // On the store's own threads, since the caller may be within a runtime.
        let (give, take) = std::sync::mpsc::channel();
        store.runtime().spawn(async move { give.send(node.agree(is_cluster, &schemas, copying.as_deref(), fingerprint).await) });
        store.catalogue_before = take.recv().map_err(|_| store.node.unreachable("the check was given up".into()))??;
        Ok(store)
    }

    pub(super) const fn catalogue_before(&self) -> Option<u64> {
        self.catalogue_before
    }

    /// Where it is, without passwords.
    #[must_use]
    pub fn shown(&self) -> &str {
        self.node.link.shown()
    }

    pub(super) async fn record_in_parts(&self, group: &[Report], mut done: impl FnMut(Part)) {
        let calls = record::calls(group, &self.node.keys, |report| &self.node.providers[usize::from(report.provider.0)].id);
        let (give, mut take) = tokio::sync::mpsc::unbounded_channel();
        for call in calls {
            let (node, give) = (Arc::clone(&self.node), give.clone());
            self.runtime().spawn(async move {
                let outcome = call.run(&node.link, node.kept(), node.min_replicas, &node.struck).await;
                // An error says that nobody waits for it any more.
                drop(give.send(Part { members: Some(call.into_members()), outcome }));
            });
        }
        drop(give);
        while let Some(part) = take.recv().await {
            done(part);
        }
    }

    pub(super) async fn minutes(&self, provider: ProviderIndex, range: Range<Minute>) -> Result<Vec<(Minute, Arc<Counts>)>, StoreError> {
        if range.is_empty() {
            return Ok(Vec::new());
        }
        let node = Arc::clone(&self.node);
        self.here(async move { Ok(node.minutes(provider, range).await?) }).await?
    }

    pub(super) async fn hours(&self, provider: ProviderIndex, range: Range<Hour>) -> Result<Vec<(Hour, Arc<Counts>)>, StoreError> {
        if range.is_empty() {
            return Ok(Vec::new());
        }
        let node = Arc::clone(&self.node);
        self.here(async move { Ok(node.hours(provider, range).await?) }).await?
    }

    pub(super) async fn revision(&self, provider: ProviderIndex) -> Result<u64, StoreError> {
        let node = Arc::clone(&self.node);
        let ask = async move {
            let open = mirror::open_hours(&node.link, &node.provider(provider).keys).await?;
            Ok(mirror::revision(&open))
        };
        self.here(ask).await?
    }

    pub(super) async fn mark_live(&self, minutes: Range<Minute>) -> Result<(), StoreError> {
        let node = Arc::clone(&self.node);
        self.here(async move { Ok(node.mark_live(minutes).await?) }).await?
    }

    pub(super) async fn liveness(&self) -> Result<Liveness, StoreError> {
        let node = Arc::clone(&self.node);
        self.here(async move { Ok(node.liveness().await?) }).await?
    }

    /// Whether it holds no facts, and nobody was ever here to take reports.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub async fn is_empty(&self) -> Result<bool, StoreError> {
        let node = Arc::clone(&self.node);
        self.here(async move { Ok(node.is_empty().await?) }).await?
    }

    pub(super) async fn probe(&self) -> Result<(), StoreError> {
        let node = Arc::clone(&self.node);
        let ask = async move {
            let write = |n| {
                let mut set = ::redis::cmd("SET");
                set.arg(node.keys.probe(n)).arg(1).arg("EX").arg(60);
                Ask { key: node.keys.probe(n), commands: vec![set] }
            };
            node.link.ask_all(&(0..PROBES).map(write).collect::<Vec<_>>()).await?;
            Ok(())
        };
        self.here(ask).await?
    }

    /// Why reports should not be sent to this node now.
    pub(super) async fn faults(&self, now: Timestamp) -> Result<Vec<String>, StoreError> {
        let node = Arc::clone(&self.node);
        let ask = async move {
            let infos = fitness::infos(&node.link).await?;
            node.file_bytes.store(infos.iter().map(|info| info.file).sum(), Ordering::Relaxed);
            let mut faults: Vec<String> = infos.iter().flat_map(fitness::Info::faults).collect();
            faults.extend(fitness::clock_faults(&node.link, now).await?);
            faults.sort();
            faults.dedup();
            Ok(faults)
        };
        self.here(ask).await?
    }

    pub(super) async fn tidy(&self, now: Timestamp) -> Result<(), StoreError> {
        let node = Arc::clone(&self.node);
        self.here(async move { Ok(tidy::tidy(&node, now).await?) }).await?
    }

    pub(super) fn give_up_housekeeping(&self) {
        self.node.given_up.store(true, Ordering::Relaxed);
    }

    pub(super) async fn size(&self) -> StoreSize {
        let node = Arc::clone(&self.node);
        self.here(async move { node.size().await }).await.unwrap_or_default()
    }

    /// Works on the store's own threads: the caller's may have no timers, and may end before the connection does.
    async fn here<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> Result<T, StoreError> {
        self.runtime().spawn(work).await.map_err(|error| StoreError::Unavailable(error.to_string()))
    }

    fn runtime(&self) -> &Runtime {
        self.runtime.as_ref().expect("it is there until it is dropped")
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Waiting is not possible where the last owner is itself within a runtime.
            runtime.shutdown_background();
        }
    }
}

impl Node {
    async fn agree(
        &self,
        is_cluster: bool,
        schemas: &RangeInclusive<u32>,
        copying: Option<&str>,
        catalogue: Option<u64>,
    ) -> Result<Option<u64>, OpenError> {
        let of_other_kind = || {
            let reason =
                if is_cluster { "it is no cluster: write redis:// instead" } else { "it is a cluster: write redis+cluster:// instead" };
            OpenError::Address { place: self.link.shown().to_owned(), reason: reason.into() }
        };
        let infos = fitness::infos(&self.link).await.map_err(|fault| match fault.to_string() {
            // What a single server says when it is asked for its slots.
            reason if reason.contains("cluster support disabled") => of_other_kind(),
            reason => self.unreachable(reason),
        })?;
        if infos.iter().any(|info| info.is_cluster) != is_cluster {
            return Err(of_other_kind());
        }
        meta::agree(&self.link, &self.keys, self.terms, schemas, copying).await?;
        let unreachable = |fault: Fault| self.unreachable(fault.to_string());
        match catalogue {
            Some(fingerprint) => meta::exchange_catalogue(&self.link, &self.keys, fingerprint).await.map_err(unreachable),
            None => Ok(None),
        }
    }

    async fn minutes(&self, provider: ProviderIndex, range: Range<Minute>) -> Result<Vec<(Minute, Arc<Counts>)>, Fault> {
        let provider = self.provider(provider);
        let mut mirror = provider.mirror.lock().await;
        let open = mirror::open_hours(&self.link, &provider.keys).await?;
        let hours = range.start.hour()..range.end.plus(59).hour();
        mirror.refresh(&self.link, &provider.keys, &open, hours, self.step.load(Ordering::Relaxed)).await?;
        Ok(mirror.minutes(range))
    }

    async fn hours(&self, provider: ProviderIndex, range: Range<Hour>) -> Result<Vec<(Hour, Arc<Counts>)>, Fault> {
        let node = self.provider(provider);
        let open = mirror::open_hours(&self.link, &node.keys).await?;
        let hours: Vec<Hour> = (range.start.0..range.end.0).map(Hour).collect();
        // Where any shard still has it open, its minutes are added up; else each shard has a roll-up of all it knows.
        let (live, aged): (Vec<Hour>, Vec<Hour>) = hours.into_iter().partition(|hour| open.iter().any(|open| open.contains_key(hour)));
        let mut found: Vec<(Hour, Arc<Counts>)> = Vec::new();
        for hour in live {
            let mut sum = Counts::default();
            for (_, counts) in self.minutes(provider, hour.minutes()).await? {
                sum.add_rolled_up(&counts, crate::domain::grid::Resolution::HOURLY);
            }
            sum.settle();
            found.push((hour, Arc::new(sum)));
        }
        found.extend(self.rolled_up(node, &aged).await?);
        found.retain(|(_, counts)| !counts.is_empty());
        found.sort_unstable_by_key(|(hour, _)| *hour);
        Ok(found)
    }

    /// The roll-ups of these hours, every shard's together.
    async fn rolled_up(&self, provider: &ProviderNode, hours: &[Hour]) -> Result<Vec<(Hour, Arc<Counts>)>, Fault> {
        let get = |keys: &ShardKeys, hour: &Hour| {
            let mut get = ::redis::cmd("GET");
            get.arg(keys.rolled_up(*hour));
            get
        };
        let ask = |keys: &ShardKeys| Ask { key: keys.open(), commands: hours.iter().map(|hour| get(keys, hour)).collect() };
        let asks: Vec<Ask> = provider.keys.iter().map(ask).collect();
        let mut sums = vec![Vec::new(); hours.len()];
        for replies in self.link.ask_all(&asks).await? {
            for ((hour, sum), reply) in hours.iter().zip(&mut sums).zip(replies) {
                if let Value::BulkString(bytes) = reply {
                    let read = rows::read_rolled_up(*hour, &bytes);
                    let (_, counts) = read.ok_or_else(|| Fault::Lasting(format!("the roll-up of hour {} cannot be read", hour.0)))?;
                    sum.extend(counts.rows());
                }
            }
        }
        Ok(hours.iter().zip(sums).map(|(hour, rows)| (*hour, Arc::new(Counts::from_rows(rows)))).collect())
    }

    async fn mark_live(&self, minutes: Range<Minute>) -> Result<(), Fault> {
        let mut commands = Vec::new();
        for minute in minutes.start.0..minutes.end.0 {
            let day = minute.div_euclid(DAY_MINUTES);
            let key = self.keys.live_day(day);
            let [mut add, mut set, mut expire] = ["SADD", "SETBIT", "EXPIRE"].map(::redis::cmd);
            add.arg(self.keys.live_days()).arg(day);
            set.arg(&key).arg(minute.rem_euclid(DAY_MINUTES)).arg(1);
            expire.arg(&key).arg((HOURS_KEPT_DAYS + 2) * 24 * HOUR_S);
            commands.extend([add, set, expire]);
        }
        if !commands.is_empty() {
            self.link.ask_all(&[Ask { key: self.keys.live_day(0), commands }]).await?;
        }
        Ok(())
    }

    async fn liveness(&self) -> Result<Liveness, Fault> {
        let days = self.live_days().await?;
        let get = |day: &i64| {
            let mut get = ::redis::cmd("GET");
            get.arg(self.keys.live_day(*day));
            get
        };
        let ask = Ask { key: self.keys.live_day(0), commands: days.iter().map(get).collect() };
        let replies = self.link.ask_all(&[ask]).await?.pop().unwrap_or_default();
        let mut liveness = Liveness::default();
        for (day, reply) in days.into_iter().zip(replies) {
            let Value::BulkString(bits) = reply else { continue };
            let is_set = |minute: &i64| bits.get((minute / 8) as usize).is_some_and(|byte| byte & (0x80 >> (minute % 8)) != 0);
            for minute in (0..DAY_MINUTES).filter(is_set) {
                let minute = Minute(day * DAY_MINUTES + minute);
                liveness.mark(minute..minute.plus(1));
            }
        }
        Ok(liveness)
    }

    async fn is_empty(&self) -> Result<bool, Fault> {
        if !self.live_days().await?.is_empty() {
            return Ok(false);
        }
        let exists = |keys: &ShardKeys| {
            let mut exists = ::redis::cmd("EXISTS");
            exists.arg(keys.open()).arg(keys.aged());
            Ask { key: keys.open(), commands: vec![exists] }
        };
        let mut asks: Vec<Ask> = self.providers.iter().flat_map(|provider| &provider.keys).map(exists).collect();
        let mut journal = ::redis::cmd("EXISTS");
        journal.arg(self.keys.journal());
        asks.push(Ask { key: self.keys.journal(), commands: vec![journal] });
        Ok(self.link.ask_all(&asks).await?.into_iter().flatten().all(|reply| reply == Value::Int(0)))
    }

    async fn live_days(&self) -> Result<Vec<i64>, Fault> {
        let mut members = ::redis::cmd("SMEMBERS");
        members.arg(self.keys.live_days());
        let reply = self.link.ask(&Ask { key: self.keys.live_days(), commands: vec![members] }).await?.pop().unwrap_or_default();
        let mut days: Vec<i64> = ::redis::from_redis_value(reply).map_err(|error| Fault::Lasting(error.to_string()))?;
        days.sort_unstable();
        Ok(days)
    }

    async fn size(&self) -> StoreSize {
        let (mut live_rows, mut live_bytes) = (0, 0);
        for provider in &self.providers {
            let (rows, bytes) = provider.mirror.lock().await.size();
            (live_rows, live_bytes) = (live_rows + rows, live_bytes + bytes);
        }
        let [log_bytes, journal_entries] = [&self.file_bytes, &self.journal_entries].map(|seen| seen.load(Ordering::Relaxed));
        StoreSize { log_bytes, claims: 0, live_rows, live_bytes, journal_entries, commands: self.link.commands() }
    }

    fn provider(&self, index: ProviderIndex) -> &ProviderNode {
        &self.providers[usize::from(index.0)]
    }

    /// Counted from a write: of facts that may be late, of claims that must be known as long as the same report may come again.
    const fn kept(&self) -> Kept {
        Kept { facts_s: (MINUTES_KEPT_DAYS + 1) * 24 * HOUR_S, claims_s: (self.terms.lateness_ms / HOUR_MS + REPORTERS_DAY_HOURS) * HOUR_S }
    }

    fn unreachable(&self, reason: String) -> OpenError {
        OpenError::Unreachable { place: self.link.shown().to_owned(), reason }
    }
}
