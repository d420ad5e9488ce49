//! What readers may see: settings of a server, and of the command that changes them.

use super::ledger::LedgerConfig;
use super::parsers;
use crate::domain::grid::Resolution;
use crate::domain::privacy::asked::AskedRule;
use crate::domain::privacy::rule::MOST_K;
use clap::{Args, Subcommand};

/// Settings of what readers may see. Both are kept in the store, one for all nodes.
#[derive(Debug, Clone, Copy, Args)]
pub struct PrivacyConfig {
    /// People that a number on the map is about at least, 1 to 50; 1 hides nothing. 3 on a
    /// new store. Kept in the store: a start that asks for another one is refused, and
    /// `groundswell privacy set` changes it
    #[arg(
        long,
        env = "GROUNDSWELL_PRIVACY_K",
        value_parser = clap::value_parser!(u8).range(1..=i64::from(MOST_K)),
        value_name = "K",
    )]
    pub privacy_k: Option<u8>,
    /// The finest H3 resolution that readers see, 0 to 8; 7 on a new store. Kept in the
    /// store likewise
    #[arg(
        long,
        env = "GROUNDSWELL_PUBLIC_FINEST",
        value_parser = parsers::resolution,
        value_name = "R",
    )]
    pub public_finest: Option<Resolution>,
}

/// What to do with what readers may see.
#[derive(Debug, Clone, Subcommand)]
pub enum PrivacyCommand {
    /// Print what readers may see, as JSON
    Show(Box<ShowPrivacyConfig>),
    /// Change it for all nodes; what is left out stays as it is
    Set(Box<SetPrivacyConfig>),
}

/// What to print.
#[derive(Debug, Clone, Args)]
pub struct ShowPrivacyConfig {
    /// Where it is.
    #[command(flatten)]
    pub place: LedgerConfig,
}

/// What to change.
#[derive(Debug, Clone, Args)]
pub struct SetPrivacyConfig {
    /// People that a number on the map is about at least, 1 to 50; 1 hides nothing
    #[arg(
        long,
        value_parser = clap::value_parser!(u8).range(1..=i64::from(MOST_K)),
        value_name = "K",
    )]
    pub k: Option<u8>,
    /// The finest H3 resolution that readers see, 0 to 8
    #[arg(long, value_parser = parsers::resolution, value_name = "R")]
    pub finest: Option<Resolution>,
    /// Where it is.
    #[command(flatten)]
    pub place: LedgerConfig,
}

impl PrivacyConfig {
    /// The rule that is asked for.
    #[must_use]
    pub const fn asked(self) -> AskedRule {
        AskedRule { k: self.privacy_k, finest: self.public_finest }
    }
}
