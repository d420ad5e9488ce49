//! Waiting until enough replicas have what was written.

use super::connection::{Connection, Fault};
use redis::{Cmd, Value};

/// The command that waits, where anything is to be waited for. It goes into the same
/// pipeline as what it waits for, so on the same connection: `WAIT` speaks of what this
/// connection wrote.
#[must_use]
pub fn wait(connection: &Connection, min_replicas: u32) -> Option<Cmd> {
    let mut wait = redis::cmd("WAIT");
    wait.arg(min_replicas).arg((connection.timing().reply / 3).as_millis() as u64);
    (min_replicas > 0).then_some(wait)
}

/// What came of it. A primary without its replicas may be cut off, and another be in its
/// place: the connection is not kept for long.
///
/// # Errors
/// Where too few replicas are known to have what was written.
pub fn waited(
    connection: &Connection,
    min_replicas: u32,
    reply: Option<&Value>,
) -> Result<(), Fault> {
    match reply {
        Some(Value::Int(replicas)) if *replicas < i64::from(min_replicas) => {
            connection.doubt();
            Err(Fault::Passing(format!("{replicas} of {min_replicas} replicas have it")))
        }
        _ => Ok(()),
    }
}
