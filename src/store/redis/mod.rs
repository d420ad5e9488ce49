//! The store on a Redis or a Redis Cluster: any number of nodes, which hold nothing that
//! is not there.
//!
//! What a report touches lies in one shard of its provider, drawn from its reporter: one
//! script call takes the claim and appends the facts. A reader sums the shards; what it
//! read before it keeps in a read cache, and reads only what came since.

pub mod address;
mod clocks;
mod connection;
mod fault;
pub mod import;
mod journal;
mod keys;
mod liveness;
mod meta;
mod places;
mod read_cache;
mod readiness;
mod record;
mod replicas;
mod reporter_key;
mod retry_policy;
mod rows;
mod script;
mod shown_hours;
mod tidy;
mod upgrade;
pub mod url;
mod usage;
mod wire;

use super::journal::JournalName;
use super::upgrade::Older;
use super::{OpenError, Part, SHARDS, StoreError, StoreSize, Terms};
use crate::domain::counts::Counts;
use crate::domain::liveness::Liveness;
use crate::domain::provider::{Catalogue, ProviderIndex};
use crate::domain::report::Report;
use crate::domain::time::{Hour, Minute, Timestamp};
use ::redis::Value;
use address::{Address, Options};
use connection::{Ask, Connection, Fault};
use keys::{Keys, ShardKeys};
use meta::Still;
use read_cache::ReadCache;
use record::Struck;
use retry_policy::RetryPolicy;
use std::ops::{Range, RangeInclusive};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use tokio::runtime::{Builder, Runtime};

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
    connection: Connection,
    keys: Keys,
    terms: Terms,
    schemas: RangeInclusive<u32>,
    older: Older,
    /// Of the catalogue; none where that is empty, and while another store is copied into
    /// this one.
    fingerprint: Option<u64>,
    min_replicas: u32,
    struck: Struck,
    /// By the provider's place in the catalogue.
    providers: Vec<ProviderNode>,
    /// Steps of maintenance so far.
    step: AtomicU64,
    tidied: std::sync::Mutex<Option<Hour>>,
    /// Whether maintenance is to end as soon as it can.
    given_up: AtomicBool,
    /// Bytes of append-only file, as of the last look.
    file_bytes: AtomicU64,
    /// Entries of the journals, as of the last look.
    journal_entries: AtomicU64,
    /// What the store said of its reporter key when it was looked at last; nothing before.
    key_on_record: reporter_key::LastSeen,
    /// Whether a store must be there already.
    must_exist: bool,
    ledger_entries: AtomicU64,
    /// What this node said of its clock, as it stands in the store; nothing before it did.
    clock: OnceLock<String>,
    /// Whether it was said that Redis does not show its settings.
    said_unchecked: AtomicBool,
}

#[derive(Debug)]
struct ProviderNode {
    id: String,
    keys: Vec<ShardKeys>,
    /// Held while it is refreshed: whoever asks meanwhile would read the same.
    read_cache: tokio::sync::Mutex<ReadCache>,
}

impl Redis {
    /// Opens the store at an address that [`url`] knows: of a Redis, a Redis Cluster, or
    /// sentinels.
    ///
    /// # Errors
    /// Where it does not answer, or was written under other [`Terms`].
    pub fn open(
        url: &str,
        catalogue: &Catalogue,
        terms: Terms,
        options: &Options,
    ) -> Result<Self, OpenError> {
        Self::open_with(url, catalogue, terms, options, None)
    }

    /// Opens it; to be copied into from another store where that is named.
    fn open_with(
        url: &str,
        catalogue: &Catalogue,
        terms: Terms,
        options: &Options,
        copying: Option<String>,
    ) -> Result<Self, OpenError> {
        let address = Address::parse(url, options)?;
        let keys = Keys::new(&options.prefix);
        let provider = |id: &str| ProviderNode {
            id: id.to_owned(),
            keys: (0..SHARDS).map(|shard| keys.shard(id, shard)).collect(),
            read_cache: tokio::sync::Mutex::default(),
        };
        let node = Node {
            connection: Connection::new(address, options.timing, keys.spare()),
            providers: catalogue.iter().map(|(_, p)| provider(&p.id)).collect(),
            keys,
            terms,
            schemas: options.schemas.clone(),
            older: options.older,
            // A copy is of whatever catalogue the other store had.
            fingerprint: (copying.is_none() && !catalogue.is_empty())
                .then(|| catalogue.fingerprint()),
            min_replicas: options.min_replicas,
            struck: Struck::default(),
            step: AtomicU64::new(0),
            tidied: std::sync::Mutex::new(None),
            given_up: AtomicBool::new(false),
            file_bytes: AtomicU64::new(0),
            journal_entries: AtomicU64::new(0),
            key_on_record: reporter_key::LastSeen::default(),
            must_exist: options.must_exist,
            ledger_entries: AtomicU64::new(0),
            clock: OnceLock::new(),
            said_unchecked: AtomicBool::new(false),
        };
        let runtime = Builder::new_multi_thread()
            .worker_threads(THREADS)
            .thread_name("redis")
            .enable_all()
            .build();
        let runtime = runtime
            .map_err(|source| OpenError::Io { path: "a thread for Redis".into(), source })?;
        let mut store =
            Self { node: Arc::new(node), catalogue_before: None, runtime: Some(runtime) };
        let node = Arc::clone(&store.node);
        store.catalogue_before = store.check(async move { node.open(copying.as_deref()).await })?;
        Ok(store)
    }

    /// Waits for a check on the store's own threads, since the caller may be within a
    /// runtime.
    fn check<T: Send + 'static>(
        &self,
        check: impl Future<Output = Result<T, OpenError>> + Send + 'static,
    ) -> Result<T, OpenError> {
        let (give, take) = std::sync::mpsc::channel();
        self.runtime().spawn(async move { give.send(check.await) });
        take.recv().map_err(|_| self.node.unreachable("the check was given up".into()))?
    }

    pub(super) const fn catalogue_before(&self) -> Option<u64> {
        self.catalogue_before
    }

    /// Where it is, without passwords.
    #[must_use]
    pub fn shown(&self) -> &str {
        self.node.connection.shown()
    }

    pub(super) async fn record_in_parts(&self, group: &[Report], mut done: impl FnMut(Part)) {
        let calls = record::calls(group, &self.node.keys, |report| {
            &self.node.providers[usize::from(report.provider.0)].id
        });
        let (give, mut take) = tokio::sync::mpsc::unbounded_channel();
        for call in calls {
            let (node, give) = (Arc::clone(&self.node), give.clone());
            self.runtime().spawn(async move {
                let outcome = call.run(&node.connection, node.min_replicas, &node.struck).await;
                // An error says that nobody waits for it any more.
                drop(give.send(Part { members: Some(call.into_members()), outcome }));
            });
        }
        drop(give);
        while let Some(part) = take.recv().await {
            done(part);
        }
    }

    pub(super) async fn minutes(
        &self,
        provider: ProviderIndex,
        range: Range<Minute>,
    ) -> Result<Vec<(Minute, Arc<Counts>)>, StoreError> {
        if range.is_empty() {
            return Ok(Vec::new());
        }
        let node = Arc::clone(&self.node);
        self.here(async move { Ok(node.minutes(node.provider(provider), range).await?) }).await?
    }

    pub(super) async fn hours(
        &self,
        provider: ProviderIndex,
        range: Range<Hour>,
    ) -> Result<Vec<(Hour, Arc<Counts>)>, StoreError> {
        if range.is_empty() {
            return Ok(Vec::new());
        }
        let node = Arc::clone(&self.node);
        self.here(async move { Ok(node.hours(provider, range).await?) }).await?
    }

    pub(super) async fn revision(&self, provider: ProviderIndex) -> Result<u64, StoreError> {
        let node = Arc::clone(&self.node);
        let ask = async move {
            let open =
                read_cache::open_hours(&node.connection, &node.provider(provider).keys).await?;
            Ok(read_cache::revision(&open))
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
            node.connection.ask_all(&(0..PROBES).map(write).collect::<Vec<_>>()).await?;
            Ok(())
        };
        self.here(ask).await?
    }

    /// Why reports should not be sent to this node now. That Redis does not answer, or
    /// not as the one to write to, is one.
    pub(super) async fn faults(&self) -> Result<Vec<String>, StoreError> {
        let node = Arc::clone(&self.node);
        let ask = async move {
            Ok(node
                .faults()
                .await
                .unwrap_or_else(|fault| vec![format!("Redis takes no reports now: {fault}")]))
        };
        self.here(ask).await?
    }

    pub(super) async fn tidy(&self, now: Timestamp) -> Result<(), StoreError> {
        let node = Arc::clone(&self.node);
        self.here(async move { Ok(tidy::tidy(&node, now).await?) }).await?
    }

    pub(super) async fn settle(&self, now: Timestamp) -> Result<(), StoreError> {
        let node = Arc::clone(&self.node);
        self.here(async move { tidy::settle(&node, now).await }).await
    }

    pub(super) fn give_up_maintenance(&self) {
        self.node.given_up.store(true, Ordering::Relaxed);
    }

    pub(super) async fn size(&self) -> StoreSize {
        let node = Arc::clone(&self.node);
        self.here(async move { node.size().await }).await.unwrap_or_default()
    }

    /// Works on the store's own threads: the caller's may have no timers, and may end
    /// before the connection does.
    async fn here<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, StoreError> {
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
    async fn open(&self, copying: Option<&str>) -> Result<Option<u64>, OpenError> {
        let of_other_kind = || {
            let reason = if self.connection.is_cluster() {
                "it is no cluster: write redis:// instead"
            } else {
                "it is a cluster: write redis+cluster:// instead"
            };
            OpenError::Address { place: self.connection.shown().to_owned(), reason: reason.into() }
        };
        let infos = self.patient_infos().await.map_err(|fault| match fault.to_string() {
            // What a single server says when it is asked for its slots.
            reason if reason.contains("cluster support disabled") => of_other_kind(),
            reason => self.unreachable(reason),
        })?;
        if infos
            .iter()
            .flatten()
            .filter_map(|info| info.is_cluster)
            .any(|is_cluster| is_cluster != self.connection.is_cluster())
        {
            return Err(of_other_kind());
        }
        self.agree(copying).await
    }

    /// A server that still reads its files, or a replica that is about to be the one to
    /// write to, is waited for a while.
    async fn patient_infos(&self) -> Result<Option<Vec<readiness::Info>>, Fault> {
        let mut retries = RetryPolicy::of(self.connection.timing().repeat);
        loop {
            match readiness::infos(&self.connection).await {
                Err(Fault::Elsewhere(reason)) => retries.after(Fault::Elsewhere(reason)).await?,
                other => return other,
            }
        }
    }

    /// Agrees with what is there on how it is written. Gives the fingerprint of the
    /// catalogue before.
    async fn agree(&self, copying: Option<&str>) -> Result<Option<u64>, OpenError> {
        if self.must_exist {
            let still = meta::is_same(&self.connection, &self.keys, self.terms, &self.schemas);
            if still.await.map_err(|fault| self.unreachable(fault.to_string()))? == Still::Gone {
                return Err(OpenError::Missing(self.connection.shown().to_owned()));
            }
        }
        let agreed =
            meta::agree(&self.connection, &self.keys, self.terms, &self.schemas, copying).await?;
        self.heed_format(agreed.format).await?;
        self.key_on_record.set(agreed.key);
        match self.fingerprint {
            Some(fingerprint) => {
                let before =
                    meta::exchange_catalogue(&self.connection, &self.keys, fingerprint).await;
                before.map_err(|fault| self.unreachable(fault.to_string()))
            }
            None => Ok(None),
        }
    }

    /// Looks at the one to write to: that it is that, keeps what it is told, and is the
    /// store that was opened.
    async fn faults(&self) -> Result<Vec<String>, Fault> {
        self.connection.check().await?;
        let infos = readiness::infos(&self.connection).await?;
        self.file_bytes
            .store(infos.iter().flatten().map(|info| info.file).sum(), Ordering::Relaxed);
        let is_unchecked =
            infos.as_ref().is_none_or(|infos| infos.iter().any(readiness::Info::is_silent));
        if is_unchecked && !self.said_unchecked.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                "Redis does not show this user all of its settings: make sure that it has \
                 appendonly yes and maxmemory-policy noeviction"
            );
        }
        let mut faults: Vec<String> =
            infos.iter().flatten().flat_map(readiness::Info::faults).collect();
        faults.extend(self.differs().await?);
        faults.sort();
        faults.dedup();
        Ok(faults)
    }

    /// Whether another store is there than the one that was opened. One that was emptied
    /// is begun anew, so that nobody begins it otherwise.
    async fn differs(&self) -> Result<Option<String>, Fault> {
        let still = meta::is_same(&self.connection, &self.keys, self.terms, &self.schemas).await?;
        if still == Still::Gone {
            tracing::error!(
                "Redis holds nothing any more: it was emptied or lost its files; a backup can be \
                 restored, and reports count anew"
            );
        }
        if let Still::Same(key) = still {
            self.key_on_record.set(key);
            return Ok(None);
        }
        let agreed = match (self.agree(None).await, self.clock.get()) {
            (Ok(_), Some(clock)) => self.agree_on_clock(clock).await.map(drop),
            (agreed, _) => agreed.map(drop),
        };
        Ok(agreed.err().map(|error| error.to_string()))
    }

    async fn minutes(
        &self,
        provider: &ProviderNode,
        range: Range<Minute>,
    ) -> Result<Vec<(Minute, Arc<Counts>)>, Fault> {
        let mut read_cache = provider.read_cache.lock().await;
        let open = read_cache::open_hours(&self.connection, &provider.keys).await?;
        let hours = range.start.hour()..range.end.plus(59).hour();
        read_cache
            .refresh(
                &self.connection,
                &provider.keys,
                &open,
                hours,
                self.step.load(Ordering::Relaxed),
            )
            .await?;
        Ok(read_cache.minutes(range))
    }

    async fn hours(
        &self,
        provider: ProviderIndex,
        range: Range<Hour>,
    ) -> Result<Vec<(Hour, Arc<Counts>)>, Fault> {
        let node = self.provider(provider);
        let open = read_cache::open_hours(&self.connection, &node.keys).await?;
        let hours: Vec<Hour> = (range.start.0..range.end.0).map(Hour).collect();
        // Where any shard still has it open, its minutes are added up; else each shard
        // has a roll-up of all it knows.
        let (live, aged): (Vec<Hour>, Vec<Hour>) =
            hours.into_iter().partition(|hour| open.iter().any(|open| open.contains_key(hour)));
        let mut found: Vec<(Hour, Arc<Counts>)> = Vec::new();
        for hour in live {
            let mut sum = Counts::default();
            for (_, counts) in self.minutes(node, hour.minutes()).await? {
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
    async fn rolled_up(
        &self,
        provider: &ProviderNode,
        hours: &[Hour],
    ) -> Result<Vec<(Hour, Arc<Counts>)>, Fault> {
        let get = |keys: &ShardKeys, hour: &Hour| {
            let mut get = ::redis::cmd("GET");
            get.arg(keys.rolled_up(*hour));
            get
        };
        let ask = |keys: &ShardKeys| Ask {
            key: keys.open(),
            commands: hours.iter().map(|hour| get(keys, hour)).collect(),
        };
        let asks: Vec<Ask> = provider.keys.iter().map(ask).collect();
        let mut sums = vec![Vec::new(); hours.len()];
        for replies in self.connection.ask_all(&asks).await? {
            for ((hour, sum), reply) in hours.iter().zip(&mut sums).zip(replies) {
                if let Value::BulkString(bytes) = reply {
                    let read = rows::read_rolled_up(*hour, &bytes);
                    let (_, counts) = read.ok_or_else(|| {
                        Fault::Lasting(format!("the roll-up of hour {} cannot be read", hour.0))
                    })?;
                    sum.extend(counts.rows());
                }
            }
        }
        Ok(hours
            .iter()
            .zip(sums)
            .map(|(hour, rows)| (*hour, Arc::new(Counts::from_rows(rows))))
            .collect())
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
        let mut asks: Vec<Ask> =
            self.providers.iter().flat_map(|provider| &provider.keys).map(exists).collect();
        asks.extend(JournalName::ALL.map(|name| {
            let mut exists = ::redis::cmd("EXISTS");
            exists.arg(self.keys.journal(name));
            Ask { key: self.keys.journal(name), commands: vec![exists] }
        }));
        Ok(self
            .connection
            .ask_all(&asks)
            .await?
            .into_iter()
            .flatten()
            .all(|reply| reply == Value::Int(0)))
    }

    async fn size(&self) -> StoreSize {
        let (mut live_rows, mut live_bytes) = (0, 0);
        for provider in &self.providers {
            let (rows, bytes) = provider.read_cache.lock().await.size();
            (live_rows, live_bytes) = (live_rows + rows, live_bytes + bytes);
        }
        let [log_bytes, journal_entries, ledger_entries] =
            [&self.file_bytes, &self.journal_entries, &self.ledger_entries]
                .map(|seen| seen.load(Ordering::Relaxed));
        StoreSize {
            log_bytes,
            claims: 0,
            live_rows,
            live_bytes,
            journal_entries,
            ledger_entries,
            commands: self.connection.commands(),
        }
    }

    fn provider(&self, index: ProviderIndex) -> &ProviderNode {
        &self.providers[usize::from(index.0)]
    }

    fn unreachable(&self, reason: String) -> OpenError {
        OpenError::Unreachable { place: self.connection.shown().to_owned(), reason }
    }
}
