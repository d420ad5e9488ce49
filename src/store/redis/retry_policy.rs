//! How long a call is repeated while its answer is not known, and how long to wait in
//! between.

use super::connection::Fault;
use std::time::{Duration, Instant};

const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_millis(250);

/// What is left of it.
#[derive(Debug)]
pub struct RetryPolicy {
    began: Instant,
    repeated_for: Duration,
    pause: Duration,
}

impl RetryPolicy {
    /// As much as this, from now on.
    #[must_use]
    pub fn of(repeated_for: Duration) -> Self {
        Self { began: Instant::now(), repeated_for, pause: FIRST_PAUSE }
    }

    /// How long it has lasted.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// Waits a while before the next try.
    ///
    /// # Errors
    /// The last try's fault, where there is not to be another.
    pub async fn after(&mut self, fault: Fault) -> Result<(), Fault> {
        if self.repeated_for < self.elapsed() + self.pause {
            return Err(fault);
        }
        tokio::time::sleep(self.pause).await;
        self.pause = (2 * self.pause).min(LONGEST_PAUSE);
        Ok(())
    }
}
