//! Scripts, called by their hash, and by their text where a server does not know them
//! yet.

use super::connection::{Ask, Connection, Fault};
use super::replicas;
use redis::{Cmd, ToRedisArgs, Value};
use std::sync::LazyLock;

/// A script and its hash.
#[derive(Debug)]
pub struct Script {
    text: &'static str,
    hash: LazyLock<String>,
}

/// Takes claims and appends facts.
pub static RECORD: Script = Script {
    text: include_str!("record.lua"),
    hash: LazyLock::new(|| hash(include_str!("record.lua"))),
};
/// Moves an hour out of the open ones.
pub static AGE: Script =
    Script { text: include_str!("age.lua"), hash: LazyLock::new(|| hash(include_str!("age.lua"))) };
/// Adds claims that another store remembers.
pub static RESTORE_CLAIMS: Script = Script {
    text: include_str!("restore_claims.lua"),
    hash: LazyLock::new(|| hash(include_str!("restore_claims.lua"))),
};
/// Takes or renews the lease.
pub static LEASE: Script = Script {
    text: include_str!("lease.lua"),
    hash: LazyLock::new(|| hash(include_str!("lease.lua"))),
};
/// Gives the lease back.
pub static RELEASE: Script = Script {
    text: include_str!("release.lua"),
    hash: LazyLock::new(|| hash(include_str!("release.lua"))),
};
/// Appends to a journal.
pub static APPEND: Script = Script {
    text: include_str!("append.lua"),
    hash: LazyLock::new(|| hash(include_str!("append.lua"))),
};
/// Adds what keys were used for.
pub static USAGE: Script = Script {
    text: include_str!("usage.lua"),
    hash: LazyLock::new(|| hash(include_str!("usage.lua"))),
};
/// Keeps the public twin of an hour.
pub static KEEP_SHOWN: Script = Script {
    text: include_str!("keep_shown.lua"),
    hash: LazyLock::new(|| hash(include_str!("keep_shown.lua"))),
};
/// Reads on in a journal.
pub static TAIL: Script = Script {
    text: include_str!("tail.lua"),
    hash: LazyLock::new(|| hash(include_str!("tail.lua"))),
};
/// Puts entries of an older format into the journal of this one.
pub static CARRY_OVER: Script = Script {
    text: include_str!("carry_over.lua"),
    hash: LazyLock::new(|| hash(include_str!("carry_over.lua"))),
};
/// Closes the journal of an older format.
pub static CLOSE_BEFORE: Script = Script {
    text: include_str!("close_before.lua"),
    hash: LazyLock::new(|| hash(include_str!("close_before.lua"))),
};

impl Script {
    /// The command that calls it on these keys; arguments are still to be added.
    ///
    /// All keys are named, so that a slot that is moving is not written to on both sides.
    #[must_use]
    pub fn command(&self, by_text: bool, keys: &[String]) -> Cmd {
        let mut command = redis::cmd(if by_text { "EVAL" } else { "EVALSHA" });
        if by_text {
            command.arg(self.text)
        } else {
            command.arg(&*self.hash)
        };
        command.arg(keys.len()).arg(keys);
        command
    }

    /// Calls it once, by its text where it is not known.
    ///
    /// # Errors
    /// Where it has no answer.
    pub async fn call(
        &self,
        connection: &Connection,
        keys: &[String],
        arguments: &[impl ToRedisArgs],
    ) -> Result<Value, Fault> {
        self.call_and_wait(connection, keys, arguments, 0).await
    }

    /// Calls it once, and waits until so many replicas have what it wrote.
    ///
    /// # Errors
    /// Where it has no answer, or too few replicas are known to have it.
    pub async fn call_and_wait(
        &self,
        connection: &Connection,
        keys: &[String],
        arguments: &[impl ToRedisArgs],
        min_replicas: u32,
    ) -> Result<Value, Fault> {
        let mut by_text = false;
        loop {
            let mut command = self.command(by_text, keys);
            for argument in arguments {
                command.arg(argument);
            }
            let commands =
                [command].into_iter().chain(replicas::wait(connection, min_replicas)).collect();
            match connection.ask(&Ask { key: keys[0].clone(), commands }).await {
                Err(Fault::NoScript) if !by_text => by_text = true,
                outcome => {
                    let mut replies = outcome?.into_iter();
                    let reply = replies.next().unwrap_or_default();
                    return replicas::waited(connection, min_replicas, replies.next().as_ref())
                        .map(|()| reply);
                }
            }
        }
    }
}

fn hash(text: &str) -> String {
    redis::Script::new(text).get_hash().to_owned()
}
