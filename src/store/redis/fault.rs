//! What a failed answer means: for the call that it answers, and for the connection that
//! it came on.

use crate::store::StoreError;
use redis::{ErrorKind, RedisError, RedisResult, RetryMethod, Value};

/// Why there is no reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The same may succeed in a moment. Whether it was done is not known.
    Passing(String),
    /// Who answers is not the one to write to, not now. Whether it was done is not known:
    /// a primary may be made a replica in between.
    Elsewhere(String),
    /// The script is not known there.
    NoScript,
    /// It has no room.
    Full,
    /// The user may not do it, or the command is not known there.
    Denied(String),
    /// It will not succeed.
    Lasting(String),
}

/// Whether who answers should be asked again. The higher, the less.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// It is as it should be.
    Sound,
    /// It cannot do it now, and another may have taken its place.
    Doubtful,
    /// It is not the one to write to.
    Wrong,
    /// It says nothing.
    Silent,
    /// The connection is of no more use.
    Broken,
}

/// Codes by which a server says that it is not the one to write to, or that it forgot who
/// asks.
const WRONG: [&str; 6] = ["READONLY", "LOADING", "MASTERDOWN", "UNBLOCKED", "REDIRECT", "NOAUTH"];
/// Codes by which a server that may be the one to write to says that it cannot now.
const DOUBTFUL: [&str; 4] = ["NOREPLICAS", "MISCONF", "CLUSTERDOWN", "TRYAGAIN"];
/// Codes of what will be the same when it is tried again. A code that nobody here knows
/// may pass.
const LASTING: [&str; 6] = ["ERR", "WRONGTYPE", "CROSSSLOT", "EXECABORT", "WRONGPASS", "DENIED"];
/// What a script or a transaction that failed may name as the cause, behind a code that
/// says nothing.
const NESTED: [&str; 9] = [
    "READONLY",
    "LOADING",
    "MASTERDOWN",
    "UNBLOCKED",
    "NOREPLICAS",
    "MISCONF",
    "CLUSTERDOWN",
    "OOM",
    "NOSCRIPT",
];

/// The replies of a pipeline; or of all that failed in it what says most.
///
/// # Errors
/// Where a command failed, or there are no replies.
pub fn judged(outcome: RedisResult<Vec<Value>>) -> Result<Vec<Value>, (Standing, RedisError)> {
    let replies = outcome.map_err(|error| (standing(&error), error))?;
    let mut worst: Option<(Standing, RedisError)> = None;
    let mut good = Vec::with_capacity(replies.len());
    for reply in replies {
        match reply.extract_error() {
            Ok(reply) => good.push(reply),
            Err(error) => {
                let standing = standing(&error);
                if worst.as_ref().is_none_or(|(worst, _)| *worst < standing) {
                    worst = Some((standing, error));
                }
            }
        }
    }
    worst.map_or(Ok(good), Err)
}

/// What an error says of who answered.
#[must_use]
pub fn standing(error: &RedisError) -> Standing {
    match code(error) {
        _ if error.is_unrecoverable_error() => Standing::Broken,
        _ if error.is_io_error() || error.is_timeout() => Standing::Silent,
        Some(code) if WRONG.contains(&code) || is_wait_on_a_replica(code, error) => Standing::Wrong,
        Some(code) if DOUBTFUL.contains(&code) => Standing::Doubtful,
        _ => Standing::Sound,
    }
}

/// What an error means for the call.
#[must_use]
pub fn fault(error: &RedisError) -> Fault {
    let (said, detail) = (error.to_string(), error.detail().unwrap_or_default());
    match code(error) {
        _ if error.is_io_error() || error.is_timeout() => Fault::Passing(said),
        Some("NOSCRIPT") => Fault::NoScript,
        Some("OOM") => Fault::Full,
        Some("MISCONF") => Fault::Passing(format!(
            "Redis cannot write to its own disk, and takes nothing until it can: make room there, \
             or mend it ({said})"
        )),
        Some("NOREPLICAS") => Fault::Passing(format!(
            "Redis has too few replicas now (min-replicas-to-write), and takes nothing ({said})"
        )),
        Some("LOADING") => Fault::Elsewhere(format!("Redis is still reading its files ({said})")),
        Some(code) if WRONG.contains(&code) || is_wait_on_a_replica(code, error) => {
            Fault::Elsewhere(format!("it is a replica, or another has taken its place ({said})"))
        }
        Some("MOVED" | "ASK") => Fault::Lasting(format!(
            "it is a node of a cluster: write redis+cluster:// instead ({said})"
        )),
        Some("NOPERM") => Fault::Denied(said),
        Some("ERR") if detail.to_ascii_lowercase().contains("unknown command") => {
            Fault::Denied(said)
        }
        Some("ERR") if detail.contains("max number of clients") => Fault::Passing(said),
        Some(code) if LASTING.contains(&code) => Fault::Lasting(said),
        None if matches!(
            error.kind(),
            ErrorKind::AuthenticationFailed | ErrorKind::InvalidClientConfig
        ) =>
        {
            Fault::Lasting(said)
        }
        None if matches!(error.retry_method(), RetryMethod::NoRetry) => Fault::Lasting(said),
        _ => Fault::Passing(said),
    }
}

/// The code of an error; of a script or a transaction, that of its cause.
fn code(error: &RedisError) -> Option<&str> {
    let code = error.code()?;
    let words = || error.detail().unwrap_or_default().split(|c: char| !c.is_ascii_alphabetic());
    let cause = || NESTED.into_iter().find(|nested| words().any(|word| word == *nested));
    if matches!(code, "ERR" | "EXECABORT") { Some(cause().unwrap_or(code)) } else { Some(code) }
}

/// `WAIT` alone does not say READONLY there.
fn is_wait_on_a_replica(code: &str, error: &RedisError) -> bool {
    code == "ERR"
        && error.detail().is_some_and(|detail| detail.contains("WAIT cannot be used with replica"))
}

impl Fault {
    /// Whether the same call may succeed in a moment.
    #[must_use]
    pub const fn is_passing(&self) -> bool {
        matches!(self, Self::Passing(_) | Self::Elsewhere(_))
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Passing(reason)
            | Self::Elsewhere(reason)
            | Self::Denied(reason)
            | Self::Lasting(reason) => reason,
            Self::NoScript => "a script is not known there",
            Self::Full => "it has no room",
        })
    }
}

impl From<Fault> for StoreError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Full => Self::Full,
            fault => Self::Unavailable(fault.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(line: &str) -> RedisError {
        let value = redis::parse_redis_value(format!("-{line}\r\n").as_bytes()).unwrap();
        value.extract_error().unwrap_err()
    }

    #[test]
    fn every_answer_has_its_meaning() {
        use Standing::{Doubtful, Sound, Wrong};
        let (passing, elsewhere, denied, lasting) = ("passing", "elsewhere", "denied", "lasting");
        for (line, expected_standing, expected) in [
            ("READONLY You can't write against a read only replica.", Wrong, elsewhere),
            (
                "READONLY You can't write against a read only replica. script: 1f, on \
                 @user_script:24.",
                Wrong,
                elsewhere,
            ),
            (
                "ERR Error running script (call to f_1): @user_script:24: -READONLY You can't \
                 write against a read only replica.",
                Wrong,
                elsewhere,
            ),
            (
                "EXECABORT Transaction discarded because of: READONLY You can't write",
                Wrong,
                elsewhere,
            ),
            ("LOADING Redis is loading the dataset in memory", Wrong, elsewhere),
            (
                "MASTERDOWN Connection with MASTER is down and replica-serve-stale-data is set to \
                 'no'.",
                Wrong,
                elsewhere,
            ),
            (
                "UNBLOCKED force unblock from blocking operation, instance state changed (master \
                 -> replica?)",
                Wrong,
                elsewhere,
            ),
            ("ERR WAIT cannot be used with replica instances.", Wrong, elsewhere),
            ("REDIRECT 127.0.0.1:7000", Wrong, elsewhere),
            ("NOAUTH Authentication required.", Wrong, elsewhere),
            ("NOREPLICAS Not enough good replicas to write.", Doubtful, passing),
            ("MISCONF Errors writing to the AOF file: No space left on device", Doubtful, passing),
            (
                "ERR Error running script: -MISCONF Redis is configured to save RDB snapshots",
                Doubtful,
                passing,
            ),
            ("CLUSTERDOWN Hash slot not served", Doubtful, passing),
            ("TRYAGAIN Multiple keys request during rehashing of slot", Doubtful, passing),
            ("BUSY Redis is busy running a script.", Sound, passing),
            ("UNHEARDOF of by anybody", Sound, passing),
            ("ERR max number of clients reached", Sound, passing),
            ("OOM command not allowed when used memory > 'maxmemory'.", Sound, "full"),
            ("ERR Error running script: -OOM command not allowed", Sound, "full"),
            ("NOSCRIPT No matching script. Please use EVAL.", Sound, "no script"),
            ("NOPERM User g has no permissions to run the 'info' command", Sound, denied),
            ("ERR unknown command 'INFO', with args beginning with: ", Sound, denied),
            ("WRONGPASS invalid username-password pair or user is disabled.", Sound, lasting),
            ("DENIED Redis is running in protected mode", Sound, lasting),
            ("WRONGTYPE Operation against a key holding the wrong kind of value", Sound, lasting),
            ("ERR DB index is out of range", Sound, lasting),
            ("CROSSSLOT Keys in request don't hash to the same slot", Sound, lasting),
            ("MOVED 3999 127.0.0.1:6381", Sound, lasting),
        ] {
            let error = error(line);
            let found = match fault(&error) {
                Fault::Passing(_) => passing,
                Fault::Elsewhere(_) => elsewhere,
                Fault::NoScript => "no script",
                Fault::Full => "full",
                Fault::Denied(_) => denied,
                Fault::Lasting(_) => lasting,
            };
            assert_eq!((standing(&error), found), (expected_standing, expected), "{line}");
        }
        let gone = RedisError::from(std::io::Error::from(std::io::ErrorKind::ConnectionReset));
        let slow = RedisError::from(std::io::Error::from(std::io::ErrorKind::TimedOut));
        assert_eq!([&gone, &slow].map(standing), [Standing::Broken, Standing::Silent]);
        assert!(fault(&gone).is_passing() && fault(&slow).is_passing());
    }

    #[test]
    fn of_a_pipeline_the_answer_counts_that_says_most() {
        let reply =
            |line: &str| redis::parse_redis_value(format!("{line}\r\n").as_bytes()).unwrap();
        let replies =
            [":1", "-NOSCRIPT No matching script.", "-READONLY You can't write", "-ERR other"]
                .map(reply);
        let (standing, error) = judged(Ok(replies.to_vec())).unwrap_err();
        assert_eq!((standing, error.code()), (Standing::Wrong, Some("READONLY")));
        let replies = ["-NOSCRIPT No matching script.", ":0"].map(reply);
        assert_eq!(fault(&judged(Ok(replies.to_vec())).unwrap_err().1), Fault::NoScript);
        assert_eq!(
            judged(Ok(vec![reply(":1"), reply(":2")])).unwrap(),
            [Value::Int(1), Value::Int(2)]
        );
    }

    #[test]
    fn a_disk_that_fails_is_not_called_a_full_store() {
        let said = StoreError::from(fault(&error(
            "MISCONF Errors writing to the AOF file: No space left on device",
        )))
        .to_string();
        assert!(
            said.contains("its own disk")
                && said.contains("No space left")
                && !said.contains("is full"),
            "{said}"
        );
        assert_eq!(
            StoreError::from(fault(&error("OOM command not allowed"))).to_string(),
            "the store is full"
        );
    }
}
