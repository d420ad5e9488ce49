//! Who may call, and how much: settings of a server that others reach.

use super::listen::Listen;
use clap::{Args, ValueEnum};

/// Reports a minute that an address may send without a key, where keys are on: a carrier
/// puts thousands of phones behind one, most of all in an outage.
const REPORTS_PER_MINUTE: u32 = 6_000;
/// Reads a minute of an address, where keys are on.
const READS_PER_MINUTE: u32 = 3_000;

/// Settings of who may call, and how much.
#[derive(Debug, Clone, Args)]
pub struct AccessConfig {
    /// Who may call: open (everybody may report and read), or keys (who has a key, and
    /// everybody what --anonymous says). Must be said where others than this machine can
    /// reach the address
    #[arg(long, env = "GROUNDSWELL_AUTH", value_enum)]
    pub auth: Option<Auth>,
    /// What may be done without a key: none, read, report (and read; batches of at most
    /// 50), or all (batches of any size). Without it read with --auth keys, else all
    #[arg(long, env = "GROUNDSWELL_ANONYMOUS", value_enum)]
    pub anonymous: Option<Anonymous>,
    /// Whether reports without a key may open cells and incidents by themselves
    #[arg(
        long,
        env = "GROUNDSWELL_ANONYMOUS_MAY_OPEN",
        default_value_t = true,
        action = clap::ArgAction::Set,
        value_name = "true|false",
    )]
    pub anonymous_may_open: bool,
    /// Proxies in front that name the caller's address, by address or network, such as
    /// 10.0.0.0/8; nobody else is believed
    #[arg(long, env = "GROUNDSWELL_TRUST_PROXY", value_delimiter = ',', value_name = "NET,...")]
    pub trust_proxy: Vec<String>,
    /// Header in which those proxies name it: all its lines, the rightmost address that is
    /// no trusted proxy
    #[arg(
        long,
        env = "GROUNDSWELL_CLIENT_HEADER",
        default_value = "X-Forwarded-For",
        value_name = "NAME"
    )]
    pub client_header: String,
    /// Reports a minute that an address may send without a key; 0 for as many as it likes.
    /// Without it 6000 with --auth keys, else 0
    #[arg(long, env = "GROUNDSWELL_REPORTS_PER_MINUTE", value_name = "N")]
    pub reports_per_minute: Option<u32>,
    /// Reads a minute of an address without a key, of which one that was there already
    /// costs a twentieth; 0 for as many as it likes. Without it 3000 with --auth keys,
    /// else 0
    #[arg(long, env = "GROUNDSWELL_READS_PER_MINUTE", value_name = "N")]
    pub reads_per_minute: Option<u32>,
    /// Reporter ids that may be new in a day from one network (/24 or /56) without a key;
    /// those beyond count, and open no cell and no incident. It blinds detection where a
    /// carrier has thousands of phones behind one address, most of all in an outage: leave
    /// it out unless somebody makes ids up
    #[arg(
        long,
        env = "GROUNDSWELL_FRESH_IDS",
        value_parser = clap::value_parser!(u32).range(1..),
        value_name = "N",
    )]
    pub fresh_ids: Option<u32>,
    /// Another address that answers /metrics and nothing else, to whoever reaches it
    #[arg(long, env = "GROUNDSWELL_METRICS_LISTEN", value_name = "HOST:PORT")]
    pub metrics_listen: Option<Listen>,
}

/// Who may call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Auth {
    /// Everybody who can reach the address.
    Open,
    /// Who has a key, and everybody what --anonymous says.
    Keys,
}

/// What may be done without a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Anonymous {
    /// Nothing.
    None,
    /// Read.
    Read,
    /// Report, in batches of at most 50, and read.
    Report,
    /// Report in batches of any size.
    All,
}

impl AccessConfig {
    /// Whether keys say who runs the server.
    #[must_use]
    pub fn is_by_keys(&self) -> bool {
        self.auth == Some(Auth::Keys)
    }

    /// What may be done without a key.
    #[must_use]
    pub fn anonymous(&self) -> Anonymous {
        let default = if self.is_by_keys() { Anonymous::Read } else { Anonymous::All };
        self.anonymous.unwrap_or(default)
    }

    /// Reports a minute of an address; 0 for as many as it likes.
    #[must_use]
    pub fn reports_per_minute(&self) -> u32 {
        let default = if self.is_by_keys() { REPORTS_PER_MINUTE } else { 0 };
        self.reports_per_minute.unwrap_or(default)
    }

    /// Reads a minute of an address; 0 for as many as it likes.
    #[must_use]
    pub fn reads_per_minute(&self) -> u32 {
        let default = if self.is_by_keys() { READS_PER_MINUTE } else { 0 };
        self.reads_per_minute.unwrap_or(default)
    }
}
