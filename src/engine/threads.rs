//! Threads without which the service is none: where one of them ends in a panic, the
//! process must not go on as if nothing were wrong.

use std::sync::Arc;
use std::thread::JoinHandle;
use tokio::sync::watch;

/// What became of them.
#[derive(Debug, Clone)]
pub struct Threads {
    died: Arc<watch::Sender<Option<String>>>,
}

/// Tells of a thread that unwinds.
struct Vital {
    name: String,
    died: Arc<watch::Sender<Option<String>>>,
}

impl Default for Threads {
    fn default() -> Self {
        Self { died: Arc::new(watch::channel(None).0) }
    }
}

impl Threads {
    /// Starts one.
    ///
    /// # Errors
    /// Where no thread can be had.
    pub fn spawn(
        &self,
        name: &str,
        run: impl FnOnce() + Send + 'static,
    ) -> std::io::Result<JoinHandle<()>> {
        let vital = Vital { name: name.to_owned(), died: Arc::clone(&self.died) };
        std::thread::Builder::new().name(name.into()).spawn(move || {
            let _vital = vital;
            run();
        })
    }

    /// Ends the process as where a thread has died: for what only a new start can mend.
    pub fn give_up(&self, name: &str) {
        self.died.send_replace(Some(name.to_owned()));
    }

    /// The name of one that ended in a panic, if any did.
    #[must_use]
    pub fn dead(&self) -> Option<String> {
        self.died.borrow().clone()
    }

    /// Waits until one ends in a panic, and gives its name.
    pub async fn death(&self) -> String {
        let mut died = self.died.subscribe();
        let name = died.wait_for(Option::is_some).await.ok().and_then(|name| name.clone());
        name.expect("the sender is ours, and what is waited for is a name")
    }
}

impl Drop for Vital {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.died.send_replace(Some(self.name.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_thread_that_panics_is_told_of_and_one_that_ends_is_not() {
        let threads = Threads::default();
        threads.spawn("good", || ()).unwrap().join().unwrap();
        assert_eq!(threads.dead(), None);
        assert!(threads.spawn("bad", || panic!("as this test wants it")).unwrap().join().is_err());
        assert_eq!((threads.dead().as_deref(), &*threads.death().await), (Some("bad"), "bad"));
    }
}
