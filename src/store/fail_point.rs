//! Named points between two steps of what must be done whole or not at all. A test names
//! one in [`VARIABLE`], and the process dies there, or the step fails.
//!
//! Only builds with debug assertions have them: in others the calls do nothing.

use std::fmt;
use std::io;
use std::str::FromStr;

/// The variable that names a point: `NAME`, `NAME@NTH` for a later time that it is
/// reached, either with `:error` for a failure instead of a death.
pub const VARIABLE: &str = "GROUNDSWELL_FAIL_AT";
/// Whether this build has them.
pub const ARE_COMPILED_IN: bool = cfg!(debug_assertions);

macro_rules! points {
    ($($(#[doc = $doc:literal])+ $point:ident = $name:literal,)+) => {
        /// A point between two steps.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum FailPoint {
            $($(#[doc = $doc])+ $point,)+
        }

        impl FailPoint {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$point),+];

            /// Its name in [`VARIABLE`].
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$point => $name,)+
                }
            }
        }
    };
}

points! {
    /// A group is decided, and nothing of it is in the log.
    BeforeLogAppend = "before-log-append",
    /// A segment of the log was begun, and holds no frame.
    LogSegmentBegun = "log-segment-begun",
    /// Half of a frame is in the log.
    LogHalfAppended = "log-half-appended",
    /// A frame is in the log, and not synced.
    LogAppended = "log-appended",
    /// A frame is on the disk, and its reports are not counted.
    LogSynced = "log-synced",
    /// A group is counted, and not answered.
    GroupCounted = "group-counted",
    /// The log goes on in a new segment, and no snapshot of the old ones is begun.
    SnapshotFrozen = "snapshot-frozen",
    /// Half of a snapshot is written.
    SnapshotHalfWritten = "snapshot-half-written",
    /// A snapshot is on the disk, and has not got its name.
    SnapshotWritten = "snapshot-written",
    /// A snapshot has its name, and the one before is still there.
    SnapshotNamed = "snapshot-named",
    /// Only the new snapshot is there, beside the log that is in it.
    SnapshotAlone = "snapshot-alone",
    /// An hour is gathered, and the database knows nothing of it.
    BeforeHourAged = "before-hour-aged",
    /// The database has an hour, and memory has it, too.
    HourAged = "hour-aged",
    /// The database has forgotten old hours, and memory knows of them.
    HoursForgotten = "hours-forgotten",
    /// Entries are on their way into a journal, and nothing is committed.
    BeforeJournalAppend = "before-journal-append",
    /// Entries are in a journal, and nobody was told.
    JournalAppended = "journal-appended",
    /// Entries of an older format were written anew, and nothing is committed.
    UpgradeHalfWritten = "upgrade-half-written",
    /// A journal of this format is whole beside the one of before.
    UpgradeWritten = "upgrade-written",
    /// Only the journal of this format is there, and the store still says the older one.
    UpgradeSwapped = "upgrade-swapped",
    /// Redis has not been sent a group.
    BeforeRedisRecord = "before-redis-record",
    /// Redis has recorded a group, and nobody was told.
    RedisRecorded = "redis-recorded",
    /// Redis has not been sent an hour's roll-up.
    BeforeRedisAge = "before-redis-age",
    /// Redis has rolled up an hour of a shard.
    RedisAged = "redis-aged",
    /// Redis has rolled up a provider's hours, and forgotten nothing.
    BeforeRedisForget = "before-redis-forget",
    /// Redis has not been sent the entries of an append.
    BeforeRedisAppend = "before-redis-append",
    /// Redis has appended entries, and nobody was told.
    RedisAppended = "redis-appended",
    /// Redis has places of entries of an older format, and not those entries anew.
    RedisUpgradePlaced = "redis-upgrade-placed",
    /// Redis has some entries of an older format anew.
    RedisUpgradeHalfWritten = "redis-upgrade-half-written",
    /// Redis has all of them anew, beside those of before.
    RedisUpgradeWritten = "redis-upgrade-written",
    /// Redis has no others any more, and the store still says the older format.
    RedisUpgradeSwapped = "redis-upgrade-swapped",
}

/// What [`VARIABLE`] says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failure {
    /// Where.
    pub point: FailPoint,
    /// At which time that it is reached, from 1.
    pub nth: u64,
    /// How.
    pub how: How,
}

/// How a point fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// The process dies.
    Death,
    /// The step ends in an error.
    Error,
}

/// Why a text names no point.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{VARIABLE}: expected NAME[@NTH][:error], NAME one of {names}, got {0:?}", names = names())]
pub struct UnknownFailPoint(String);

impl fmt::Display for FailPoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Failure {
    type Err = UnknownFailPoint;

    fn from_str(text: &str) -> Result<Self, UnknownFailPoint> {
        let unknown = || UnknownFailPoint(text.chars().take(64).collect());
        let (rest, how) = match text.split_once(':') {
            None => (text, How::Death),
            Some((rest, "error")) => (rest, How::Error),
            Some(_) => return Err(unknown()),
        };
        let (name, nth) = rest.split_once('@').unwrap_or((rest, "1"));
        let point = FailPoint::ALL.iter().find(|point| point.name() == name);
        let nth = nth.parse().ok().filter(|nth| 1 <= *nth);
        let (Some(point), Some(nth)) = (point, nth) else { return Err(unknown()) };
        Ok(Self { point: *point, nth, how })
    }
}

/// Checks what the environment says.
///
/// # Errors
/// Where it names no point.
pub fn check() -> Result<(), UnknownFailPoint> {
    armed::check()
}

/// Whether anything is to happen there: for what must be prepared.
#[inline]
#[must_use]
pub fn is_awaited(point: FailPoint) -> bool {
    armed::is_awaited(point)
}

/// A process that is to die here dies.
///
/// # Errors
/// Where the step is to fail here.
#[inline]
pub fn reach(point: FailPoint) -> io::Result<()> {
    armed::reach(point)
}

/// A process that is to die here dies: for where no step can fail any more.
#[inline]
pub fn pass(point: FailPoint) {
    drop(armed::reach(point));
}

#[cfg(debug_assertions)]
mod armed {
    use super::{FailPoint, Failure, How, UnknownFailPoint, VARIABLE};
    use std::io;
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    static FAILURE: LazyLock<Result<Option<Failure>, UnknownFailPoint>> =
        LazyLock::new(|| match std::env::var(VARIABLE) {
            Ok(text) if !text.is_empty() => text.parse().map(Some),
            _ => Ok(None),
        });
    static REACHED: AtomicU64 = AtomicU64::new(0);

    pub fn check() -> Result<(), UnknownFailPoint> {
        FAILURE.clone().map(drop)
    }

    pub fn is_awaited(point: FailPoint) -> bool {
        matches!(*FAILURE, Ok(Some(failure)) if failure.point == point)
    }

    pub fn reach(point: FailPoint) -> io::Result<()> {
        let failure = match *FAILURE {
            Ok(Some(failure)) if failure.point == point => failure,
            _ => return Ok(()),
        };
        if REACHED.fetch_add(1, Ordering::SeqCst) + 1 != failure.nth {
            return Ok(());
        }
        match failure.how {
            How::Error => Err(io::Error::other(format!("fail point {point}"))),
            How::Death => {
                tracing::error!("the process dies at fail point {point}");
                std::process::abort();
            }
        }
    }
}

#[cfg(not(debug_assertions))]
mod armed {
    use super::{FailPoint, UnknownFailPoint};
    use std::io;

    #[expect(clippy::unnecessary_wraps, reason = "the other build may refuse")]
    pub fn check() -> Result<(), UnknownFailPoint> {
        Ok(())
    }

    #[inline]
    pub fn is_awaited(_: FailPoint) -> bool {
        false
    }

    #[expect(clippy::unnecessary_wraps, reason = "the other build may fail")]
    #[inline]
    pub fn reach(_: FailPoint) -> io::Result<()> {
        Ok(())
    }
}

fn names() -> String {
    FailPoint::ALL.iter().map(|point| point.name()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_is_named_with_its_time_and_way() {
        let rows = [
            ("log-synced", FailPoint::LogSynced, 1, How::Death),
            ("log-synced@3", FailPoint::LogSynced, 3, How::Death),
            ("log-appended:error", FailPoint::LogAppended, 1, How::Error),
            ("log-appended@2:error", FailPoint::LogAppended, 2, How::Error),
        ];
        for (text, point, nth, how) in rows {
            assert_eq!(text.parse::<Failure>(), Ok(Failure { point, nth, how }), "{text}");
        }
        for text in ["", "log", "log-synced@0", "log-synced@x", "log-synced:late", "@1"] {
            let message = text.parse::<Failure>().unwrap_err().to_string();
            assert!(message.contains("before-log-append, log-segment-begun"), "{message}");
        }
    }

    #[test]
    fn no_two_points_have_one_name() {
        let mut names: Vec<&str> = FailPoint::ALL.iter().map(|point| point.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), FailPoint::ALL.len());
    }
}
