//! Settings of the command that replaces the reporter key.

use super::{KeyConfig, LatenessConfig, RedisConfig, parsers};
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// Settings of the key that replaces the reporter key.
#[derive(Debug, Clone, Args)]
pub struct NextKeyConfig {
    /// Secret that replaces the reporter key, once groundswell reporter-key replace has
    /// named the day; instead of reporter.key.next in the store's directory
    #[arg(
        long,
        env = "GROUNDSWELL_NEXT_REPORTER_KEY",
        hide_env_values = true,
        value_parser = parsers::secret,
        value_name = "SECRET",
    )]
    pub next_reporter_key: Option<String>,
    /// File whose content is that secret
    #[arg(
        long,
        env = "GROUNDSWELL_NEXT_REPORTER_KEY_FILE",
        conflicts_with = "next_reporter_key",
        value_name = "FILE"
    )]
    pub next_reporter_key_file: Option<PathBuf>,
}

/// What is done with the reporter key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum KeyAction {
    /// Replace it from a day on
    Replace,
}

/// Settings of the command that replaces the reporter key.
#[derive(Debug, Clone, Args)]
pub struct ReporterKeyConfig {
    /// What to do with it
    #[arg(value_enum, value_name = "ACTION")]
    pub action: KeyAction,
    /// Directory of the embedded store, on which no server may run; or a Redis, at any
    /// time: an address as --store of serve takes it
    #[arg(
        long,
        env = "GROUNDSWELL_STORE",
        default_value = "groundswell-data",
        hide_env_values = true,
        value_parser = parsers::store,
        value_name = "DIR|URL",
    )]
    pub store: String,
    /// Day of UTC in the course of which reporters go over to the next key, like
    /// 2026-12-05: after today, so that nobody counts twice
    #[arg(long, value_parser = parsers::day, value_name = "DAY", required_unless_present = "now")]
    pub from: Option<i64>,
    /// Replace it at once: whoever reported today counts once more when they report again
    #[arg(long, conflicts_with = "from")]
    pub now: bool,
    /// The key in force.
    #[command(flatten)]
    pub key: KeyConfig,
    /// The next one.
    #[command(flatten)]
    pub next_key: NextKeyConfig,
    /// How to reach a Redis, where that is the store.
    #[command(flatten)]
    pub redis: RedisConfig,
    /// How far back a report may have been observed.
    #[command(flatten)]
    pub lateness: LatenessConfig,
}
