//! Whether somebody was here to take reports, and which late ones only waited for us.

use crate::domain::time::Minute;
use std::ops::Range;

/// Phones that could not reach us try again within about an hour.
const LONGEST_DEAF: i64 = 60;

/// What is known of our own presence at one minute's end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presence {
    /// Minutes for which nobody has been here; none before the first is known.
    away: Option<i64>,
    /// Late reports that came in these minutes waited for us: they say nothing of the
    /// provider.
    pub deaf: Range<Minute>,
}

impl Default for Presence {
    fn default() -> Self {
        Self { away: None, deaf: Minute(0)..Minute(0) }
    }
}

impl Presence {
    /// What is known one minute later, in which somebody was here or not.
    pub fn after(&self, minute: Minute, live: bool) -> Self {
        if !live {
            // How long nobody was here before the first step is not known.
            return Self {
                away: Some(self.away.map_or(LONGEST_DEAF, |away| away + 1)),
                deaf: self.deaf.clone(),
            };
        }
        let away = self.away.unwrap_or(0);
        let deaf =
            if 0 < away { minute..minute.plus(away.min(LONGEST_DEAF)) } else { self.deaf.clone() };
        Self { away: Some(0), deaf }
    }
}
