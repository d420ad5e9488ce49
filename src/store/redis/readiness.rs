//! Whether a Redis keeps what it is told: what an operator should hear of before reports
//! are lost.

use super::connection::{Connection, Fault};
use redis::Value;

/// The oldest Redis that has what the scripts use.
const OLDEST_VERSION: u32 = 7;

/// What a master says of itself; of managed ones, some say less.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Info {
    /// Major version.
    pub version: Option<u32>,
    /// Whether it is part of a cluster.
    pub is_cluster: Option<bool>,
    /// Whether it calls itself a replica, of which some take writes and lose them.
    pub is_replica: bool,
    /// Whether it writes an append-only file.
    pub appends: Option<bool>,
    /// What it does when it is out of memory.
    pub eviction: Option<String>,
    /// Bytes of its append-only file.
    pub file: u64,
}

impl Info {
    /// Reads the reply of `INFO`.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let field = |name: &str| {
            let value =
                text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?.trim();
            (!value.is_empty()).then_some(value)
        };
        Self {
            version: field("redis_version")
                .and_then(|version| version.split('.').next()?.parse().ok()),
            is_cluster: field("cluster_enabled").map(|enabled| enabled == "1"),
            is_replica: field("role") == Some("slave"),
            appends: field("aof_enabled").map(|enabled| enabled == "1"),
            eviction: field("maxmemory_policy").map(str::to_owned),
            file: field("aof_current_size").and_then(|size| size.parse().ok()).unwrap_or(0),
        }
    }

    /// Why it should not be trusted with reports. What it does not say is no reason:
    /// [`Info::is_silent`].
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if let Some(version) = self.version.filter(|version| *version < OLDEST_VERSION) {
            faults
                .push(format!("Redis must be version {OLDEST_VERSION} or later, and is {version}"));
        }
        if self.appends == Some(false) {
            faults.push(
                "Redis writes no append-only file, so what it was told is lost when it \
                 ends: set appendonly yes"
                    .into(),
            );
        }
        if let Some(eviction) = self.eviction.as_ref().filter(|eviction| *eviction != "noeviction")
        {
            faults.push(format!(
                "Redis throws facts away when its memory is full: set \
                 maxmemory-policy noeviction, it is {eviction}"
            ));
        }
        faults
    }

    /// Whether it does not say all that decides whether it keeps what it is told.
    #[must_use]
    pub const fn is_silent(&self) -> bool {
        self.version.is_none() || self.appends.is_none() || self.eviction.is_none()
    }
}

/// What each master says of itself. None where this user may not ask, or the command is
/// not there: many managed ones have none.
///
/// # Errors
/// Where one does not answer, or is a replica.
pub async fn infos(connection: &Connection) -> Result<Option<Vec<Info>>, Fault> {
    // All sections, since naming several is not known to every version.
    let replies = match connection.ask_masters(redis::cmd("INFO")).await {
        Err(Fault::Denied(_)) => return Ok(None),
        replies => replies?,
    };
    let infos: Vec<Info> = replies.iter().map(|reply| Info::read(&text(reply))).collect();
    if infos.iter().any(|info| info.is_replica) {
        connection.give_up();
        return Err(Fault::Elsewhere(
            "it calls itself a replica: what a replica takes is lost".into(),
        ));
    }
    Ok(Some(infos))
}

fn text(reply: &Value) -> String {
    match reply {
        Value::BulkString(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Value::VerbatimString { text, .. } | Value::SimpleString(text) => text.clone(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_loses_facts_is_named() {
        let text = |version: &str, appends: u8, policy: &str| {
            format!(
                "# Server\r\nredis_version:{version}\r\n# \
                 Persistence\r\naof_enabled:{appends}\r\n# Memory\r\nmaxmemory_policy:{policy}\r\n"
            )
        };
        let rows = [
            (text("7.0.15", 1, "noeviction"), ""),
            (text("8.1.0", 1, "noeviction"), ""),
            (text("6.2.1", 1, "noeviction"), "version 7"),
            (String::new(), ""),
            (text("7.0.15", 0, "noeviction"), "appendonly yes"),
            (text("7.0.15", 1, "allkeys-lru"), "maxmemory-policy noeviction"),
        ];
        for (text, expected) in rows {
            let faults = Info::read(&text).faults().join("; ");
            assert!(
                faults.contains(expected) && faults.is_empty() == expected.is_empty(),
                "{faults}"
            );
        }
    }

    #[test]
    fn what_is_not_said_is_no_fault_and_known_to_be_missing() {
        for (text, is_silent) in [
            ("redis_version:7.2.4\r\naof_enabled:1\r\nmaxmemory_policy:noeviction\r\n", false),
            ("redis_version:7.2.4\r\naof_enabled:1\r\n", true),
            ("redis_version:7.2.4\r\nmaxmemory_policy:noeviction\r\n", true),
            ("redis_version:\r\naof_enabled:\r\nmaxmemory_policy:\r\n", true),
            ("", true),
        ] {
            let info = Info::read(text);
            assert_eq!((info.faults(), info.is_silent()), (Vec::new(), is_silent), "{text}");
        }
        assert!(
            Info::read("role:slave\r\n").is_replica && !Info::read("role:master\r\n").is_replica
        );
    }
}
