//! Whether a Redis keeps what it is told: what an operator should hear of before reports are lost.

use super::link::{Fault, Link};
use redis::Value;

/// The oldest Redis that has what the scripts use.
const OLDEST_VERSION: u32 = 7;

/// What a master says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Info {
    /// Major version.
    pub version: u32,
    /// Whether it is part of a cluster.
    pub is_cluster: bool,
    /// Whether it writes an append-only file.
    pub appends: bool,
    /// What it does when it is out of memory.
    pub eviction: String,
    /// Bytes of its append-only file.
    pub file: u64,
}

impl Info {
    /// Reads the reply of `INFO`.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).unwrap_or_default().trim();
        Self {
            version: field("redis_version").split('.').next().and_then(|major| major.parse().ok()).unwrap_or(0),
            is_cluster: field("cluster_enabled") == "1",
            appends: field("aof_enabled") == "1",
            eviction: field("maxmemory_policy").to_owned(),
            file: field("aof_current_size").parse().unwrap_or(0),
        }
    }

    /// Why it should not be trusted with reports.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if self.version < OLDEST_VERSION {
            faults.push(format!("Redis must be version {OLDEST_VERSION} or later, and is {}", self.version));
        }
        if !self.appends {
            faults.push("Redis writes no append-only file, so what it was told is lost when it ends: set appendonly yes".into());
        }
        if self.eviction != "noeviction" {
            faults
                .push(format!("Redis throws facts away when its memory is full: set maxmemory-policy noeviction, it is {}", self.eviction));
        }
        faults
    }
}

/// What each master says of itself.
///
/// # Errors
/// Where one does not answer.
pub async fn infos(link: &Link) -> Result<Vec<Info>, Fault> {
    // All sections, since naming several is not known to every version.
    let replies = link.ask_masters(redis::cmd("INFO")).await?;
    Ok(replies.iter().map(|reply| Info::read(&text(reply))).collect())
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
                "# Server\r\nredis_version:{version}\r\n# Persistence\r\naof_enabled:{appends}\r\n# Memory\r\nmaxmemory_policy:{policy}\r\n"
            )
        };
        let rows = [
            (text("7.0.15", 1, "noeviction"), ""),
            (text("8.1.0", 1, "noeviction"), ""),
            (text("6.2.1", 1, "noeviction"), "version 7"),
            (text("7.0.15", 0, "noeviction"), "appendonly yes"),
            (text("7.0.15", 1, "allkeys-lru"), "maxmemory-policy noeviction"),
        ];
        for (text, expected) in rows {
            let faults = Info::read(&text).faults().join("; ");
            assert!(faults.contains(expected) && faults.is_empty() == expected.is_empty(), "{faults}");
        }
    }
}
