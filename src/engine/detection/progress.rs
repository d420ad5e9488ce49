//! How far detection has come: what every answer that rests on it asks first.

use super::snapshot::DetectionSnapshot;
use crate::domain::time::Timestamp;
use std::time::Duration;

/// How much of the past a detection service has come through, since it began or began anew.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Progress {
    /// The instant up to which it has looked at reports; none before it has read the
    /// journal.
    pub up_to: Option<Timestamp>,
    /// The share of hours and minutes that it has come through, 0 to 1.
    pub share: f64,
    /// Seconds until it is through, by its pace so far; none where that is not known.
    pub left_s: Option<u64>,
}

/// When nothing is known of its pace, it is worth asking again after so many seconds; and
/// at the latest.
const ASK_AGAIN_S: u64 = 2;
const ASK_AGAIN_WITHIN_S: u64 = 60;

impl Progress {
    /// What a detection service has come through of its past in so long.
    #[must_use]
    pub fn after(elapsed: Duration, share: f64, up_to: Timestamp) -> Self {
        let left = elapsed.as_secs_f64() * (1.0 - share) / share;
        Self { up_to: Some(up_to), share, left_s: left.is_finite().then(|| left.ceil() as u64) }
    }
}

/// What detection knows of the present.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Detection {
    /// It has not seen the present since this process began. Incidents are known as far
    /// as the journal holds them.
    CatchingUp(Progress),
    /// It saw the present last at that instant, which is over two minutes ago; or it
    /// looks at the past anew.
    Late {
        /// When.
        seen_at: Timestamp,
        /// How far it has come since.
        progress: Progress,
    },
    /// It sees the present, and saw it last at that instant.
    Current {
        /// When.
        seen_at: Timestamp,
    },
}

impl Detection {
    /// What a snapshot knows at `now`; nothing is of the present while detection pauses.
    #[must_use]
    pub fn of(
        snapshot: &DetectionSnapshot,
        progress: Progress,
        now: Timestamp,
        is_paused: bool,
    ) -> Self {
        match snapshot.saw_present_at {
            None => Self::CatchingUp(progress),
            Some(seen_at) if snapshot.is_fresh(now) && !is_paused => Self::Current { seen_at },
            Some(seen_at) => Self::Late { seen_at, progress },
        }
    }

    /// Whether what it says is of the present.
    #[must_use]
    pub const fn is_current(&self) -> bool {
        matches!(self, Self::Current { .. })
    }

    /// The instant up to which reports are in what it says; none where it has looked at
    /// none.
    #[must_use]
    pub const fn up_to(&self) -> Option<Timestamp> {
        match self {
            Self::CatchingUp(progress) => progress.up_to,
            Self::Late { seen_at, .. } | Self::Current { seen_at } => Some(*seen_at),
        }
    }

    /// The share of the past that it has come through, 0 to 1.
    #[must_use]
    pub const fn share(&self) -> f64 {
        match self {
            Self::CatchingUp(progress) | Self::Late { progress, .. } => progress.share,
            Self::Current { .. } => 1.0,
        }
    }

    /// After how many seconds it is worth asking again: 1 to 60.
    #[must_use]
    pub fn left_s(&self) -> u64 {
        let left = match self {
            Self::CatchingUp(progress) => progress.left_s,
            Self::Late { .. } | Self::Current { .. } => None,
        };
        left.unwrap_or(ASK_AGAIN_S).clamp(1, ASK_AGAIN_WITHIN_S)
    }

    /// The word for it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::CatchingUp(_) => "catching_up",
            Self::Late { .. } => "late",
            Self::Current { .. } => "current",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::snapshot::LATE_AFTER_MS;
    use super::*;

    #[test]
    fn it_is_current_only_once_the_present_was_seen_and_not_long_ago() {
        let progress = Progress::after(Duration::from_secs(6), 0.25, Timestamp(5));
        let of = |saw_present_at, is_behind, now| {
            let snapshot =
                DetectionSnapshot { saw_present_at, is_behind, ..DetectionSnapshot::nothing() };
            let detection = Detection::of(&snapshot, progress, Timestamp(now), false);
            (detection.name(), detection.up_to(), detection.share(), detection.left_s())
        };
        let seen_at = Some(Timestamp(100));
        let rows = [
            (None, true, 100, ("catching_up", progress.up_to, 0.25, 18)),
            (None, false, 100, ("catching_up", progress.up_to, 0.25, 18)),
            (seen_at, false, 100 + LATE_AFTER_MS, ("current", seen_at, 1.0, 2)),
            (seen_at, false, 101 + LATE_AFTER_MS, ("late", seen_at, 0.25, 2)),
            (seen_at, true, 101, ("late", seen_at, 0.25, 2)),
        ];
        for (saw, is_behind, now, expected) in rows {
            assert_eq!(of(saw, is_behind, now), expected, "{saw:?} {is_behind} {now}");
        }
        let snapshot = DetectionSnapshot {
            saw_present_at: seen_at,
            is_behind: false,
            ..DetectionSnapshot::nothing()
        };
        assert_eq!(
            Detection::of(&snapshot, progress, Timestamp(100), true).name(),
            "late",
            "while it pauses"
        );
    }
}
