//! What an operator can set: by flag, else by environment, else in a TOML file.

pub mod access;
pub mod ledger;
pub mod listen;
mod parsers;
pub mod privacy;
pub mod publisher;
pub mod reporter_key;
pub mod server_url;

use crate::domain::time::{HOUR_MS, MINUTE_MS};
use access::AccessConfig;
use clap::Args;
use listen::Listen;
use privacy::PrivacyConfig;
use publisher::PublisherConfig;
use reporter_key::NextKeyConfig;
use std::net::SocketAddr;
use std::num::NonZero;
use std::path::PathBuf;
use std::time::Duration;

/// Threads that answer requests at most: as many as the web server can tell apart.
pub const MOST_WORKERS: i64 = 512;

const SNAPSHOT_LOG_MIB: u64 = 128;
/// What every key in Redis begins with, unless somebody says otherwise.
pub(crate) const REDIS_PREFIX: &str = "groundswell";
/// Where facts are kept, unless somebody says otherwise.
const STORE: &str = "groundswell-data";

/// Settings of a server.
#[derive(Debug, Clone, Args)]
pub struct Config {
    /// Where to listen: an address or a name, and a port of 0 to 65535, of which 0 takes
    /// a free one. Of a name with several addresses the first that this machine has, IPv4
    /// before IPv6. Other than loopback needs --auth
    #[arg(
        long,
        env = "GROUNDSWELL_LISTEN",
        default_value = "127.0.0.1:8080",
        value_name = "HOST:PORT"
    )]
    pub listen: Listen,
    /// Directory of the embedded store, made where it is missing; or a Redis:
    /// redis://USER:PASSWORD@HOST:PORT/DB (or ?db=DB), rediss:// with TLS, `unix:///PATH`
    /// for a socket, redis+cluster://HOST:PORT,HOST:PORT for a Redis Cluster,
    /// redis+sentinel://HOST:PORT,HOST:PORT/NAME for the one that sentinels name NAME.
    /// valkey and valkeys may be written for redis and rediss
    #[arg(
        long,
        env = "GROUNDSWELL_STORE",
        default_value = STORE,
        hide_env_values = true,
        value_parser = parsers::store,
        value_name = "DIR|URL",
    )]
    pub store: String,
    /// How to reach a Redis, where that is the store.
    #[command(flatten)]
    pub redis: RedisConfig,
    /// TOML file that names the providers, instead of the catalogue compiled in
    #[arg(long, env = "GROUNDSWELL_CATALOGUE", value_name = "FILE")]
    pub catalogue: Option<PathBuf>,
    /// Who may call, and how much.
    #[command(flatten)]
    pub access: AccessConfig,
    /// What readers may see.
    #[command(flatten)]
    pub privacy: PrivacyConfig,
    /// In whose name it answers.
    #[command(flatten)]
    pub publisher: PublisherConfig,
    /// CSV file of inhabitants, for reports per head in /v1/areas: lines of the code of a
    /// country or subdivision (ISO 3166), or of an H3 cell, and a number
    #[arg(long, env = "GROUNDSWELL_POPULATION", value_name = "FILE")]
    pub population: Option<PathBuf>,
    /// What turns reporter ids into hashes.
    #[command(flatten)]
    pub key: KeyConfig,
    /// What replaces it.
    #[command(flatten)]
    pub next_key: NextKeyConfig,
    /// How far back a report may have been observed.
    #[command(flatten)]
    pub lateness: LatenessConfig,
    /// Threads that answer requests, 1 to 512; as many as cores when not given
    #[arg(
        long,
        env = "GROUNDSWELL_WORKERS",
        value_parser = clap::value_parser!(u16).range(1..=MOST_WORKERS),
        value_name = "N",
    )]
    pub workers: Option<u16>,
    /// Size of the log at which a snapshot is made, 1 to 65536 MiB
    #[arg(
        long,
        env = "GROUNDSWELL_SNAPSHOT_LOG_MIB",
        default_value_t = SNAPSHOT_LOG_MIB,
        value_parser = clap::value_parser!(u64).range(1..=65_536),
        value_name = "MIB",
    )]
    pub snapshot_log_mib: u64,
    /// Run on a simulated clock: from START on, which lies in 1970 to 2099, 1 to 10000
    /// times as fast as time, like 2022-07-08T08:30:00Z@60x; up to 63 more stretches may
    /// follow after commas, each from a later time on at another speed. Nodes of one
    /// Redis need the same, and count from the start of the first
    #[arg(long, env = "GROUNDSWELL_CLOCK", value_name = "START@SPEEDx")]
    pub clock: Option<String>,
    /// Believe the clock at this start, though it lies before the newest report or was
    /// far ahead of it: reports are taken, and what is old is forgotten, at once. Facts
    /// after now then count as dated by a clock that was wrong
    #[arg(long, env = "GROUNDSWELL_TRUST_CLOCK")]
    pub trust_clock: bool,
    /// Upgrade a store that an older version wrote: the journal of incidents is written anew
    /// in cells of resolution 5 and rounded figures, which cannot be undone, and older
    /// versions refuse the store from then on. Make a backup first
    #[arg(long, env = "GROUNDSWELL_UPGRADE")]
    pub upgrade: bool,
    /// Durations that tests of a whole server shorten, like lease=2s,look=200ms: see
    /// docs/operating.md
    #[arg(long, env = "GROUNDSWELL_TIMING", hide = true, value_name = "NAME=DURATION,...")]
    pub timing: Option<String>,
    /// How much to log: off, error, warn, info, debug, trace or a filter like
    /// groundswell=debug,warn
    #[arg(
        long,
        env = "GROUNDSWELL_LOG",
        default_value = "groundswell=info,warn",
        value_parser = parsers::log,
        value_name = "FILTER",
    )]
    pub log: String,
    /// TOML file with any of these settings under their long names. A flag wins over the
    /// environment, and that over the file
    #[arg(long, env = "GROUNDSWELL_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// Settings of the key that turns reporter ids into hashes.
#[derive(Debug, Clone, Args)]
pub struct KeyConfig {
    /// Secret that turns reporter ids into hashes, instead of reporter.key in the store's
    /// directory. Needed on Redis, the same on every node
    #[arg(
        long,
        env = "GROUNDSWELL_REPORTER_KEY",
        hide_env_values = true,
        value_parser = parsers::secret,
        value_name = "SECRET",
    )]
    pub reporter_key: Option<String>,
    /// File whose content is that secret
    #[arg(
        long,
        env = "GROUNDSWELL_REPORTER_KEY_FILE",
        conflicts_with = "reporter_key",
        value_name = "FILE"
    )]
    pub reporter_key_file: Option<PathBuf>,
}

/// Settings of a copy.
#[derive(Debug, Clone, Args)]
pub struct CopyConfig {
    /// Directory of the embedded store that is copied; no server may run on it
    #[arg(long, value_name = "DIR")]
    pub from: PathBuf,
    /// Redis that it is copied to, which must be new: an address as --store of serve
    /// takes it
    #[arg(long, value_parser = parsers::store, value_name = "URL")]
    pub to: String,
    /// How to reach it.
    #[command(flatten)]
    pub redis: RedisConfig,
    /// What turns reporter ids into hashes, where that is not reporter.key of the
    /// directory.
    #[command(flatten)]
    pub key: KeyConfig,
    /// How far back a report may have been observed.
    #[command(flatten)]
    pub lateness: LatenessConfig,
}

/// How far back a report may have been observed: the same for all who open a store.
#[derive(Debug, Clone, Args)]
pub struct LatenessConfig {
    /// How far back a report may have been observed, 1 to 336 hours; the same for all who
    /// open a store
    #[arg(
        long,
        env = "GROUNDSWELL_LATENESS_HOURS",
        default_value_t = 48,
        value_parser = clap::value_parser!(i64).range(1..=336),
        value_name = "HOURS",
    )]
    pub lateness_hours: i64,
}

impl LatenessConfig {
    /// It in milliseconds.
    #[must_use]
    pub const fn ms(&self) -> i64 {
        self.lateness_hours * HOUR_MS
    }
}

/// Settings of a replay.
#[derive(Debug, Clone, Args)]
pub struct ReplayConfig {
    /// Files of reports, one JSON object a line, in the order in which they were
    /// received; plain or packed by gzip or zstd; - is the standard input. With --out DIR
    /// each is a stream of its own, with --out FILE they are one stream, played one after
    /// the other
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Files of reports that are played before each stream, for the detectors to learn
    /// from. Their own incidents are not written
    #[arg(long, num_args = 1.., value_name = "FILE")]
    pub history: Vec<PathBuf>,
    /// TOML file that names the providers; without it they are taken as they come, and a
    /// plmn means whom it means in the catalogue compiled in
    #[arg(long, value_name = "FILE")]
    pub catalogue: Option<PathBuf>,
    /// Where the incidents are written, a line a revision; - is the standard output. A
    /// directory, which is there or ends in /, gets a file for each stream
    #[arg(long, value_name = "FILE|DIR")]
    pub out: PathBuf,
    /// Where it is written what was left out of learning, because an incident explains
    /// it: a line an hour and provider. For one stream
    #[arg(long, value_name = "FILE")]
    pub explained: Option<PathBuf>,
    /// Empty store to replay into: a directory or a Redis, as for serve; several streams
    /// get a part of it each. Without it a temporary directory. History is played but
    /// once and copied for each stream; in a directory that is named here, by each
    #[arg(long, value_parser = parsers::store, value_name = "DIR|URL")]
    pub store: Option<String>,
    /// How to reach a Redis, where that is the store.
    #[command(flatten)]
    pub redis: RedisConfig,
    /// What turns reporter ids into hashes. It decides who counts twice: the same
    /// incidents need the same secret. A temporary directory has always the same.
    #[command(flatten)]
    pub key: KeyConfig,
    /// How far back a report may have been observed.
    #[command(flatten)]
    pub lateness: LatenessConfig,
    /// Streams that are replayed at once, 1 to 1024; as many as cores when not given
    #[arg(long, value_parser = parsers::jobs, value_name = "N")]
    pub jobs: Option<NonZero<usize>>,
}

/// Settings of a store on Redis.
#[derive(Debug, Clone, Args)]
pub struct RedisConfig {
    /// Name of the tenant: what every key in Redis begins with, 1 to 64 letters, digits,
    /// dots, - or _
    #[arg(
        long,
        env = "GROUNDSWELL_REDIS_PREFIX",
        default_value = REDIS_PREFIX,
        value_parser = parsers::prefix,
        value_name = "NAME",
    )]
    pub redis_prefix: String,
    /// Password of Redis, where the address has none
    #[arg(
        long,
        env = "GROUNDSWELL_REDIS_PASSWORD",
        hide_env_values = true,
        value_parser = parsers::secret,
        value_name = "SECRET",
    )]
    pub redis_password: Option<String>,
    /// File whose content is that password
    #[arg(
        long,
        env = "GROUNDSWELL_REDIS_PASSWORD_FILE",
        conflicts_with = "redis_password",
        value_name = "FILE"
    )]
    pub redis_password_file: Option<PathBuf>,
    /// User that sentinels know this node as, where they have users
    #[arg(
        long,
        env = "GROUNDSWELL_REDIS_SENTINEL_USER",
        value_parser = parsers::secret,
        value_name = "NAME",
    )]
    pub redis_sentinel_user: Option<String>,
    /// Password that sentinels ask for; --redis-password is that of the servers they
    /// watch
    #[arg(
        long,
        env = "GROUNDSWELL_REDIS_SENTINEL_PASSWORD",
        hide_env_values = true,
        value_parser = parsers::secret,
        value_name = "SECRET",
    )]
    pub redis_sentinel_password: Option<String>,
    /// File whose content is that password
    #[arg(
        long,
        env = "GROUNDSWELL_REDIS_SENTINEL_PASSWORD_FILE",
        conflicts_with = "redis_sentinel_password",
        value_name = "FILE"
    )]
    pub redis_sentinel_password_file: Option<PathBuf>,
    /// PEM file of the authority that signed Redis' certificate, instead of those that
    /// this system trusts
    #[arg(long, env = "GROUNDSWELL_REDIS_CA", value_name = "FILE")]
    pub redis_ca: Option<PathBuf>,
    /// Replicas of Redis that must have a report before it is answered, 0 to 5
    #[arg(
        long,
        env = "GROUNDSWELL_MIN_REPLICAS",
        default_value_t = 0,
        value_parser = clap::value_parser!(u32).range(0..=5),
        value_name = "N",
    )]
    pub min_replicas: u32,
}

impl ReplayConfig {
    /// Streams that are replayed at once.
    #[must_use]
    pub fn jobs(&self) -> NonZero<usize> {
        self.jobs
            .or_else(|| std::thread::available_parallelism().ok())
            .unwrap_or(NonZero::<usize>::MIN)
    }
}

impl KeyConfig {
    /// Whether a secret was given.
    #[must_use]
    pub const fn is_given(&self) -> bool {
        self.reporter_key.is_some() || self.reporter_key_file.is_some()
    }
}

impl RedisConfig {
    /// The same Redis, and a tenant of its own for a part.
    ///
    /// # Errors
    /// Where the part's name is none for keys.
    pub fn part(&self, name: &str) -> Result<Self, String> {
        Ok(Self {
            redis_prefix: parsers::prefix(&format!("{}-{name}", self.redis_prefix))?,
            ..self.clone()
        })
    }
}

/// Why settings do not work together.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// Others could call, and nobody said that they may.
    #[error(
        "{0} can be reached from other machines: say who may call with --auth keys or --auth \
         open, or listen on a loopback address such as 127.0.0.1"
    )]
    OpenToOthers(SocketAddr),
}

impl Config {
    /// How long a stopping server waits for requests that it has begun to answer.
    pub const STOP_WITHIN: Duration = Duration::from_secs(2);

    /// Checks that others may call where they can reach one of these addresses, of which
    /// one is listened on.
    ///
    /// # Errors
    /// Where others could call, and nobody said that they may.
    pub fn check(&self, addresses: &[SocketAddr]) -> Result<(), ConfigError> {
        let open = addresses.iter().find(|address| !address.ip().to_canonical().is_loopback());
        match open {
            Some(address) if self.access.auth.is_none() => Err(ConfigError::OpenToOthers(*address)),
            _ => Ok(()),
        }
    }

    /// Names of settings that were changed and do nothing on this kind of store.
    #[must_use]
    pub fn without_effect(&self, is_redis: bool) -> Vec<&'static str> {
        let redis = &self.redis;
        let for_redis = [
            (redis.redis_prefix != REDIS_PREFIX, "redis-prefix"),
            (redis.redis_password.is_some(), "redis-password"),
            (redis.redis_password_file.is_some(), "redis-password-file"),
            (redis.redis_sentinel_user.is_some(), "redis-sentinel-user"),
            (redis.redis_sentinel_password.is_some(), "redis-sentinel-password"),
            (redis.redis_sentinel_password_file.is_some(), "redis-sentinel-password-file"),
            (redis.redis_ca.is_some(), "redis-ca"),
            (redis.min_replicas != 0, "min-replicas"),
        ];
        let for_directory = [(self.snapshot_log_mib != SNAPSHOT_LOG_MIB, "snapshot-log-mib")];
        let settings = if is_redis { &for_directory[..] } else { &for_redis[..] };
        settings.iter().filter(|(is_changed, _)| *is_changed).map(|(_, name)| *name).collect()
    }
}

const _: () = assert!(
    336 * HOUR_MS / MINUTE_MS <= u16::MAX as i64,
    "the log keeps the lag of a late report in 16 bits"
);
