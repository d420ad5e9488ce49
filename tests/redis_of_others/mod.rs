//! Redis as it is run by others: primaries that move, names and sentinels that know
//! where, users who may do little, disks that fail, addresses of every kind.

mod addresses;
mod primaries;
mod sentinels;
mod users;

use crate::support::catalogue;
use crate::support::redis::own_prefix;
use crate::support::stored::wait;
use groundswell::domain::time::DEFAULT_LATENESS_MS;
use groundswell::store::journal::{Appended, JournalName, Position, Tail};
use groundswell::store::redis::address::Options;
use groundswell::store::{OpenError, Store, Terms};
use std::time::Duration;

const TERMS: Terms = Terms { reporter_key_check: 7, lateness_ms: DEFAULT_LATENESS_MS };

/// Disks and processes of a busy machine.
const SOON: Duration = Duration::from_secs(30);
/// A server looks often whether its Redis can be trusted.
const OFTEN: &str = "maintenance=200ms";

/// What follows each line with this name, where every name has a line and every value the
/// next.
fn lines_after(text: &str, name: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    lines.windows(2).filter(|pair| pair[0] == name).map(|pair| pair[1].to_owned()).collect()
}

fn options() -> Options {
    Options { prefix: own_prefix(), ..Options::default() }
}

fn with_timing(timing: &str) -> Options {
    Options { timing: timing.parse().unwrap(), ..options() }
}

fn open(url: &str, options: &Options) -> Result<Store, OpenError> {
    Store::open_redis(url, &catalogue(), TERMS, options)
}

/// Why it should not be reported to.
fn faults(store: &Store) -> String {
    wait(store.faults()).unwrap().join("; ")
}

/// Appends where the journal ends now.
fn append(store: &Store, entry: &str) {
    let Tail::Since(read) = wait(store.journal(JournalName::Incidents, Position::START)).unwrap()
    else {
        panic!("from its start nothing was read")
    };
    let appended =
        wait(store.append(JournalName::Incidents, None, read.end, &[entry.as_bytes().to_vec()]))
            .unwrap();
    assert!(matches!(appended, Appended::Yes { .. }), "{appended:?}");
}
