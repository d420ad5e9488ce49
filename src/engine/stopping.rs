//! Being asked to stop: long loops look at it between two steps, and what waits for a
//! store is let go of.

use std::sync::Arc;
use tokio::sync::watch;

/// Whether the process was asked to stop. Copies share it; once asked, it stays so.
#[derive(Debug, Clone)]
pub struct Stopping(Arc<watch::Sender<bool>>);

impl Default for Stopping {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }
}

impl Stopping {
    /// Asks to stop.
    pub fn ask(&self) {
        self.0.send_replace(true);
    }

    /// Whether that was asked.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        *self.0.borrow()
    }

    /// Works until the end, or until it is asked to stop: then the work is dropped where
    /// it waits. It must be safe to repeat.
    pub async fn unless_asked(&self, work: impl Future<Output = ()>) {
        let mut asked = self.0.subscribe();
        tokio::select! {
            () = work => {}
            _ = asked.wait_for(|asked| *asked) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_waits_is_let_go_of_once_asked_and_what_is_done_is_done() {
        let stopping = Stopping::default();
        stopping.unless_asked(std::future::ready(())).await;
        assert!(!stopping.is_asked());
        let copy = stopping.clone();
        tokio::join!(stopping.unless_asked(std::future::pending()), async { copy.ask() });
        assert!(stopping.is_asked());
        stopping.unless_asked(std::future::pending()).await;
    }
}
