//! How far detection has come: what every answer that rests on it asks first.

use super::outlook::Outlook;
use crate::domain::time::Timestamp;

/// How much of the past a lookout has come through, since it began or began anew.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Progress {
    /// The instant up to which it has looked at reports; none before it has read the journal.
    pub up_to: Option<Timestamp>,
    /// The share of hours and minutes that it has come through, 0 to 1.
    pub share: f64,
}

/// What detection knows of the present.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Detection {
    /// It has not seen the present since this process began. Incidents are known as far as the journal holds them.
    CatchingUp(Progress),
    /// It saw the present last at that instant, which is over two minutes ago; or it looks at the past anew.
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
    /// What an outlook knows at `now`.
    #[must_use]
    pub fn of(outlook: &Outlook, progress: Progress, now: Timestamp) -> Self {
        match outlook.saw_present_at {
            None => Self::CatchingUp(progress),
            Some(seen_at) if outlook.is_fresh(now) => Self::Current { seen_at },
            Some(seen_at) => Self::Late { seen_at, progress },
        }
    }

    /// Whether what it says is of the present.
    #[must_use]
    pub const fn is_current(&self) -> bool {
        matches!(self, Self::Current { .. })
    }

    /// The instant up to which reports are in what it says; none where it has looked at none.
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

    /// The word for it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::CatchingUp(_) => "catching-up",
            Self::Late { .. } => "late",
            Self::Current { .. } => "current",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::outlook::LATE_AFTER_MS;
    use super::*;

    #[test]
    fn it_is_current_only_once_the_present_was_seen_and_not_long_ago() {
        let progress = Progress { up_to: Some(Timestamp(5)), share: 0.25 };
        let of = |saw_present_at, is_behind, now| {
            let outlook = Outlook { saw_present_at, is_behind, ..Outlook::nothing() };
            let detection = Detection::of(&outlook, progress, Timestamp(now));
            (detection.name(), detection.up_to(), detection.share())
        };
        let seen_at = Some(Timestamp(100));
        let rows = [
            (None, true, 100, ("catching-up", progress.up_to, 0.25)),
            (None, false, 100, ("catching-up", progress.up_to, 0.25)),
            (seen_at, false, 100 + LATE_AFTER_MS, ("current", seen_at, 1.0)),
            (seen_at, false, 101 + LATE_AFTER_MS, ("late", seen_at, 0.25)),
            (seen_at, true, 101, ("late", seen_at, 0.25)),
        ];
        for (saw, is_behind, now, expected) in rows {
            assert_eq!(of(saw, is_behind, now), expected, "{saw:?} {is_behind} {now}");
        }
    }
}
