//! Settings of the commands for sources and their keys. No secret is among them: everybody
//! on a machine sees the arguments of its processes.

use super::parsers;
use super::server_url::ServerUrl;
use super::{KeyConfig, RedisConfig};
use crate::domain::access::scope::Scope;
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// Where sources and keys are: a store, or a server that has one.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Where")]
pub struct LedgerConfig {
    /// Store that is changed, as for serve: a Redis at any time, a directory while no
    /// server runs on it
    #[arg(
        long,
        env = "GROUNDSWELL_STORE",
        default_value = super::STORE,
        hide_env_values = true,
        value_parser = parsers::store,
        value_name = "DIR|URL",
    )]
    pub store: String,
    /// Server to ask instead of opening its store: `https://HOST`, or `http://` on this
    /// machine. It is shown the key in the variable `GROUNDSWELL_ADMIN_KEY` or in
    /// --admin-key-file, whose scope must be admin
    #[arg(long, env = "GROUNDSWELL_SERVER", conflicts_with = "store", value_name = "URL")]
    pub server: Option<ServerUrl>,
    /// File whose content is that key
    #[arg(long, env = "GROUNDSWELL_ADMIN_KEY_FILE", value_name = "FILE")]
    pub admin_key_file: Option<PathBuf>,
    /// PEM file of the authority that signed the server's certificate, instead of those
    /// that this system trusts
    #[arg(long, env = "GROUNDSWELL_SERVER_CA", value_name = "FILE")]
    pub server_ca: Option<PathBuf>,
    /// How to reach a Redis, where that is the store.
    #[command(flatten)]
    pub redis: RedisConfig,
    /// What turns reporter ids into hashes: a store opens under no other.
    #[command(flatten)]
    pub key: KeyConfig,
}

/// What to do with keys.
#[derive(Debug, Clone, Subcommand)]
pub enum KeysConfig {
    /// Create a key, and print it, this once, alone on a line of the standard output
    Create(Box<CreateKeyConfig>),
    /// List keys, the newest first: what each may do, until when, and when it was used
    List(Box<ListConfig>),
    /// Create a key with the settings of another, which ends after a while; print it as
    /// create does
    Rotate(Box<RotateKeyConfig>),
    /// End a key: all nodes refuse it within two seconds
    Revoke(Box<RevokeKeyConfig>),
}

/// What to do with sources.
#[derive(Debug, Clone, Subcommand)]
pub enum SourcesConfig {
    /// Create a source, and print its number
    Create(Box<CreateSourceConfig>),
    /// List sources, by number
    List(Box<ListConfig>),
    /// Change a source; what is left out stays as it is
    Change(Box<ChangeSourceConfig>),
}

/// A key to create.
#[derive(Debug, Clone, Args)]
pub struct CreateKeyConfig {
    /// What the key is called, such as the release of the app that it is built into
    #[arg(long, value_name = "TEXT")]
    pub name: String,
    /// Source that it belongs to, by name or number. A key that reports needs one
    #[arg(long, value_name = "NAME|NUMBER")]
    pub source: Option<String>,
    /// The same, of a source that is created with it
    #[arg(long, conflicts_with = "source", value_name = "NAME")]
    pub new_source: Option<String>,
    /// What it may do: report, read, exact (read exact figures, too), admin (all)
    #[arg(
        long,
        required = true,
        value_delimiter = ',',
        value_parser = parsers::scope,
        value_name = "SCOPE,...",
    )]
    pub scopes: Vec<Scope>,
    /// How long it works, in s, m, h, d or w, such as 90d; for ever where it is left out
    #[arg(long, value_parser = parsers::span, value_name = "DURATION")]
    pub expires: Option<i64>,
    /// Pages that may use it, by origin, such as `https://example.org`,
    /// `capacitor://localhost`. It is then refused elsewhere, and may only report and read
    #[arg(long, value_delimiter = ',', value_name = "ORIGIN,...")]
    pub origins: Vec<String>,
    /// The only providers that it may report about, by id; all where it is left out
    #[arg(long, value_delimiter = ',', value_name = "ID,...")]
    pub providers: Vec<String>,
    /// Reports in a day of UTC at most, over all nodes
    #[arg(long, value_name = "REPORTS")]
    pub per_day: Option<u64>,
    /// Reports in a second at most
    #[arg(long, value_name = "REPORTS")]
    pub per_second: Option<u32>,
    /// Reads in a minute at most
    #[arg(long, value_name = "READS")]
    pub reads_per_minute: Option<u32>,
    /// Judge and answer its reports as in production, and count them nowhere
    #[arg(long)]
    pub test: bool,
    /// Where the key is created.
    #[command(flatten)]
    pub place: LedgerConfig,
}

/// What to list.
#[derive(Debug, Clone, Args)]
pub struct ListConfig {
    /// Print JSON, as the server answers it
    #[arg(long)]
    pub json: bool,
    /// Where they are.
    #[command(flatten)]
    pub place: LedgerConfig,
}

/// A key to rotate.
#[derive(Debug, Clone, Args)]
pub struct RotateKeyConfig {
    /// Which: the eight characters after gsk_
    #[arg(value_name = "ID")]
    pub id: String,
    /// How long the old key still works, up to 365d; 0s ends it now. Apps that people
    /// have installed need months
    #[arg(long, default_value = "24h", value_parser = parsers::grace, value_name = "DURATION")]
    pub grace: i64,
    /// Where the key is.
    #[command(flatten)]
    pub place: LedgerConfig,
}

/// A key to revoke.
#[derive(Debug, Clone, Args)]
pub struct RevokeKeyConfig {
    /// Which: the eight characters after gsk_
    #[arg(value_name = "ID")]
    pub id: String,
    /// Where the key is.
    #[command(flatten)]
    pub place: LedgerConfig,
}

/// A source to create.
#[derive(Debug, Clone, Args)]
pub struct CreateSourceConfig {
    /// What it is called; no other source has that name
    #[arg(long, value_name = "TEXT")]
    pub name: String,
    /// Whom to write to when it misbehaves
    #[arg(long, value_name = "TEXT")]
    pub contact: Option<String>,
    /// Whether its reporters may open cells of the public map
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set, value_name = "true|false")]
    pub may_open: bool,
    /// Where it is created.
    #[command(flatten)]
    pub place: LedgerConfig,
}

/// A source to change.
#[derive(Debug, Clone, Args)]
pub struct ChangeSourceConfig {
    /// Which, by name or number
    #[arg(value_name = "NAME|NUMBER")]
    pub source: String,
    /// What it is called from now on
    #[arg(long, value_name = "TEXT")]
    pub name: Option<String>,
    /// Whom to write to from now on; nobody where it is empty
    #[arg(long, value_name = "TEXT")]
    pub contact: Option<String>,
    /// Whether its reporters may open cells of the public map
    #[arg(long, value_name = "true|false")]
    pub may_open: Option<bool>,
    /// Where it is.
    #[command(flatten)]
    pub place: LedgerConfig,
}
