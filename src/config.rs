//! What an operator can set: by flag, else by environment, else in a TOML file.

use crate::domain::time::{HOUR_MS, MINUTE_MS};
use clap::{Args, ValueEnum};
use std::net::SocketAddr;
use std::num::NonZero;
use std::path::PathBuf;
use std::time::Duration;

/// Settings of a server.
#[derive(Debug, Clone, Args)]
pub struct Config {
    /// Address and port to listen on; port 0 takes a free one. Other than loopback needs --auth
    #[arg(long, env = "GROUNDSWELL_LISTEN", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// Directory of the embedded store, made where it is missing; or a Redis: redis://USER:PASSWORD@HOST:PORT/DB (or ?db=DB), rediss:// with TLS,
    /// `unix:///PATH` for a socket, redis+cluster://HOST:PORT,HOST:PORT for a Redis Cluster, redis+sentinel://HOST:PORT,HOST:PORT/NAME for the one that
    /// sentinels name NAME. valkey and valkeys may be written for redis and rediss
    #[arg(long, env = "GROUNDSWELL_STORE", default_value = "groundswell-data", hide_env_values = true, value_name = "DIR|URL")]
    pub store: String,
    /// How to reach a Redis, where that is the store.
    #[command(flatten)]
    pub redis: RedisConfig,
    /// TOML file that names the providers, instead of the catalogue compiled in
    #[arg(long, env = "GROUNDSWELL_CATALOGUE", value_name = "FILE")]
    pub catalogue: Option<PathBuf>,
    /// Who may call: open (everybody). Must be said where others than this machine can reach the address
    #[arg(long, env = "GROUNDSWELL_AUTH", value_enum)]
    pub auth: Option<Auth>,
    /// What turns reporter ids into hashes.
    #[command(flatten)]
    pub key: KeyConfig,
    /// How far back a report may have been observed, 1 to 336 hours
    #[arg(long, env = "GROUNDSWELL_LATENESS_HOURS", default_value_t = 48, value_parser = clap::value_parser!(i64).range(1..=336), value_name = "HOURS")]
    pub lateness_hours: i64,
    /// Threads that answer requests; as many as cores when not given
    #[arg(long, env = "GROUNDSWELL_WORKERS", value_parser = clap::value_parser!(u16).range(1..=1024), value_name = "N")]
    pub workers: Option<u16>,
    /// Size of the log at which a snapshot is made, in MiB
    #[arg(long, env = "GROUNDSWELL_SNAPSHOT_LOG_MIB", default_value_t = 128, value_parser = clap::value_parser!(u64).range(1..=65_536), value_name = "MIB")]
    pub snapshot_log_mib: u64,
    /// Run on a simulated clock, on an embedded store only: from START on, so many times as fast as time, like 2022-07-08T08:30:00Z@60x; more stretches may
    /// follow after commas, each from a later time on at another speed
    #[arg(long, env = "GROUNDSWELL_CLOCK", value_name = "START@SPEEDx")]
    pub clock: Option<String>,
    /// Believe the clock at this start, though it lies before the newest report or was far ahead of it: reports are taken, and what is old is forgotten,
    /// at once. Facts after now then count as dated by a clock that was wrong
    #[arg(long, env = "GROUNDSWELL_TRUST_CLOCK")]
    pub trust_clock: bool,
    /// How much to log: error, warn, info, debug or a filter like groundswell=debug
    #[arg(long, env = "GROUNDSWELL_LOG", default_value = "groundswell=info,warn", value_name = "FILTER")]
    pub log: String,
    /// TOML file with any of these settings under their long names
    #[arg(long, env = "GROUNDSWELL_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// Settings of the key that turns reporter ids into hashes.
#[derive(Debug, Clone, Args)]
pub struct KeyConfig {
    /// Secret that turns reporter ids into hashes, instead of reporter.key in the store's directory. Needed on Redis, the same on every node
    #[arg(long, env = "GROUNDSWELL_REPORTER_KEY", hide_env_values = true, value_name = "SECRET")]
    pub reporter_key: Option<String>,
    /// File whose content is that secret
    #[arg(long, env = "GROUNDSWELL_REPORTER_KEY_FILE", conflicts_with = "reporter_key", value_name = "FILE")]
    pub reporter_key_file: Option<PathBuf>,
}

/// Settings of a copy.
#[derive(Debug, Clone, Args)]
pub struct CopyConfig {
    /// Directory of the embedded store that is copied; no server may run on it
    #[arg(long, value_name = "DIR")]
    pub from: PathBuf,
    /// Redis that it is copied to, which must be new: an address as --store of serve takes it
    #[arg(long, value_name = "URL")]
    pub to: String,
    /// How to reach it.
    #[command(flatten)]
    pub redis: RedisConfig,
    /// What turns reporter ids into hashes, where that is not reporter.key of the directory.
    #[command(flatten)]
    pub key: KeyConfig,
    /// How far back a report may have been observed, 1 to 336 hours, as the servers are told
    #[arg(long, env = "GROUNDSWELL_LATENESS_HOURS", default_value_t = 48, value_parser = clap::value_parser!(i64).range(1..=336), value_name = "HOURS")]
    pub lateness_hours: i64,
}

/// Settings of a replay.
#[derive(Debug, Clone, Args)]
pub struct ReplayConfig {
    /// Files of reports, one JSON object a line, in the order in which they were received; plain or packed by gzip or zstd; - is the standard input. With
    /// --out DIR each is a stream of its own, with --out FILE they are one stream, played one after the other
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Files of reports that are played before each stream, for the detectors to learn from. Their own incidents are not written
    #[arg(long, num_args = 1.., value_name = "FILE")]
    pub history: Vec<PathBuf>,
    /// TOML file that names the providers; without it they are taken as they come, and a plmn means whom it means in the catalogue compiled in
    #[arg(long, value_name = "FILE")]
    pub catalogue: Option<PathBuf>,
    /// Where the incidents are written, a line a revision; - is the standard output. A directory, which is there or ends in /, gets a file for each stream
    #[arg(long, value_name = "FILE|DIR")]
    pub out: PathBuf,
    /// Where it is written what was left out of learning, because an incident explains it: a line an hour and provider. For one stream
    #[arg(long, value_name = "FILE")]
    pub explained: Option<PathBuf>,
    /// Empty store to replay into: a directory or a Redis, as for serve; several streams get a part of it each. Without it a temporary
    /// directory. History is played but once and copied for each stream; in a directory that is named here, by each
    #[arg(long, value_name = "DIR|URL")]
    pub store: Option<String>,
    /// How to reach a Redis, where that is the store.
    #[command(flatten)]
    pub redis: RedisConfig,
    /// What turns reporter ids into hashes. It decides who counts twice: the same incidents need the same secret. A temporary directory has
    /// always the same.
    #[command(flatten)]
    pub key: KeyConfig,
    /// How far back a report may have been observed, 1 to 336 hours
    #[arg(long, env = "GROUNDSWELL_LATENESS_HOURS", default_value_t = 48, value_parser = clap::value_parser!(i64).range(1..=336), value_name = "HOURS")]
    pub lateness_hours: i64,
    /// Streams that are replayed at once; as many as cores when not given
    #[arg(long, value_name = "N")]
    pub jobs: Option<NonZero<usize>>,
}

/// Settings of a store on Redis.
#[derive(Debug, Clone, Args)]
pub struct RedisConfig {
    /// Name of the tenant: what every key in Redis begins with
    #[arg(long, env = "GROUNDSWELL_REDIS_PREFIX", default_value = "groundswell", value_parser = prefix, value_name = "NAME")]
    pub redis_prefix: String,
    /// Password of Redis, where the address has none
    #[arg(long, env = "GROUNDSWELL_REDIS_PASSWORD", hide_env_values = true, value_name = "SECRET")]
    pub redis_password: Option<String>,
    /// File whose content is that password
    #[arg(long, env = "GROUNDSWELL_REDIS_PASSWORD_FILE", conflicts_with = "redis_password", value_name = "FILE")]
    pub redis_password_file: Option<PathBuf>,
    /// User that sentinels know this node as, where they have users
    #[arg(long, env = "GROUNDSWELL_REDIS_SENTINEL_USER", value_name = "NAME")]
    pub redis_sentinel_user: Option<String>,
    /// Password that sentinels ask for; --redis-password is that of the servers they watch
    #[arg(long, env = "GROUNDSWELL_REDIS_SENTINEL_PASSWORD", hide_env_values = true, value_name = "SECRET")]
    pub redis_sentinel_password: Option<String>,
    /// File whose content is that password
    #[arg(long, env = "GROUNDSWELL_REDIS_SENTINEL_PASSWORD_FILE", conflicts_with = "redis_sentinel_password", value_name = "FILE")]
    pub redis_sentinel_password_file: Option<PathBuf>,
    /// PEM file of the authority that signed Redis' certificate, instead of those that this system trusts
    #[arg(long, env = "GROUNDSWELL_REDIS_CA", value_name = "FILE")]
    pub redis_ca: Option<PathBuf>,
    /// Replicas of Redis that must have a report before it is answered
    #[arg(long, env = "GROUNDSWELL_MIN_REPLICAS", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=5), value_name = "N")]
    pub min_replicas: u32,
}

impl ReplayConfig {
    /// How far back a report may have been observed.
    #[must_use]
    pub const fn lateness_ms(&self) -> i64 {
        self.lateness_hours * HOUR_MS
    }

    /// Streams that are replayed at once.
    #[must_use]
    pub fn jobs(&self) -> NonZero<usize> {
        self.jobs.or_else(|| std::thread::available_parallelism().ok()).unwrap_or(NonZero::<usize>::MIN)
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
        Ok(Self { redis_prefix: prefix(&format!("{}-{name}", self.redis_prefix))?, ..self.clone() })
    }
}

/// A prefix of keys: no braces, which would choose the slot, and nothing that a shell or a pattern reads as something else.
fn prefix(text: &str) -> Result<String, String> {
    let sound = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let fits = (1..=64).contains(&text.len()) && text.bytes().all(sound);
    fits.then(|| text.to_owned()).ok_or_else(|| "it must be 1 to 64 letters, digits, - _ or .".into())
}

/// Who may call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Auth {
    /// Everybody who can reach the address.
    Open,
}

/// Why settings do not work together.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// Others could call, and nobody said that they may.
    #[error("{0} can be reached from other machines: say who may call with --auth open, or listen on a loopback address such as 127.0.0.1")]
    OpenToOthers(SocketAddr),
}

impl Config {
    /// How long a stopping server waits for requests that it has begun to answer.
    pub const STOP_WITHIN: Duration = Duration::from_secs(2);

    /// Checks what no single setting can.
    ///
    /// # Errors
    /// Where others could call, and nobody said that they may.
    pub fn check(&self) -> Result<(), ConfigError> {
        if !self.listen.ip().to_canonical().is_loopback() && self.auth.is_none() {
            return Err(ConfigError::OpenToOthers(self.listen));
        }
        Ok(())
    }

    /// How far back a report may have been observed.
    #[must_use]
    pub const fn lateness_ms(&self) -> i64 {
        self.lateness_hours * HOUR_MS
    }
}

const _: () = assert!(336 * HOUR_MS / MINUTE_MS <= u16::MAX as i64, "the log keeps the lag of a late report in 16 bits");
