//! The response cache: one for all reads. A response is made once for each content,
//! whoever asks and however often the view behind it is built anew.
//!
//! Each request has a slot, which holds its responses of the two latest versions: while a
//! new version comes, some readers still ask for the one before. A new version that says
//! the same keeps the response, with its encodings.

use super::content_encoding::ContentEncoding;
use super::response::{Content, Response};
use actix_web::web::Bytes;
use std::collections::HashMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::OnceCell;

/// Bytes of responses kept at most.
const MOST_BYTES: usize = 256 << 20;
/// Requests whose responses are kept at most.
const MOST_REQUESTS: usize = 4_096;
/// Versions kept of each request.
const VERSIONS: usize = 2;

/// Which response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    request: String,
    version: String,
}

/// Responses to recent requests, bounded in number and bytes. Those that were asked for
/// longest ago go first.
#[derive(Debug)]
pub struct ResponseCache {
    most_requests: usize,
    most_bytes: usize,
    /// Held for look-ups only, never while a response is made.
    slots: Mutex<Slots>,
}

#[derive(Debug, Default)]
struct Slots {
    by_request: HashMap<String, Slot>,
    /// Requests so far.
    asked: u64,
    /// Bytes that were added since they were last counted, and those counted then.
    bytes: usize,
}

#[derive(Debug, Default)]
struct Slot {
    /// Number of the last request.
    asked: u64,
    /// By version, the latest last.
    responses: Vec<(String, Place)>,
}

/// Where a response is, or will be put by whoever comes first.
type Place = Arc<OnceCell<Arc<Response>>>;

impl Key {
    /// The key of a request and of the version of what it asks about.
    ///
    /// `path` tells formats apart. `request` holds the parameters as they were
    /// understood, so that two ways to write one request share a response, and with whose
    /// eyes it is answered. Two versions differ wherever the content may differ.
    pub fn new(path: &str, request: &impl Debug, version: &impl Debug) -> Self {
        Self { request: format!("{path} {request:?}"), version: format!("{version:?}") }
    }
}

impl Default for ResponseCache {
    fn default() -> Self {
        Self::with_bounds(MOST_REQUESTS, MOST_BYTES)
    }
}

impl ResponseCache {
    fn with_bounds(most_requests: usize, most_bytes: usize) -> Self {
        Self { most_requests, most_bytes, slots: Mutex::default() }
    }

    /// The response of a key: as it was made before, or made from `content`. However many
    /// ask at once, it is made once.
    ///
    /// # Errors
    /// Where `content` fails. The next who asks tries again.
    pub async fn get<C, E>(
        &self,
        key: &Key,
        content: impl Future<Output = Result<C, E>>,
        render: impl AsyncFnOnce(C, Option<Arc<Response>>) -> Result<Arc<Response>, E>,
    ) -> Result<Arc<Response>, E>
    where
        C: Content,
    {
        let (place, before) = self.place(key);
        let mut added = 0;
        let make = async {
            let response = render(content.await?, before.clone()).await?;
            if !before.is_some_and(|before| Arc::ptr_eq(&before, &response)) {
                added = response.bytes();
            }
            Ok(response)
        };
        let response = Arc::clone(place.get_or_try_init(|| make).await?);
        // Only now it is in its place, and counted with the others.
        if added > 0 {
            self.added(added);
        }
        Ok(response)
    }

    /// The bytes of a response in an encoding, or as they are where that is as good.
    pub async fn encoded(
        &self,
        response: &Response,
        encoding: ContentEncoding,
    ) -> (ContentEncoding, Bytes) {
        let (encoding, bytes, made) = response.encoded(encoding).await;
        if made > 0 {
            self.added(made);
        }
        (encoding, bytes)
    }

    /// The place of a response, and the response of the version before.
    fn place(&self, key: &Key) -> (Place, Option<Arc<Response>>) {
        let mut slots = self.slots();
        slots.asked += 1;
        let asked = slots.asked;
        let slot = match slots.by_request.get_mut(&key.request) {
            Some(slot) => slot,
            None => slots.by_request.entry(key.request.clone()).or_default(),
        };
        slot.asked = asked;
        if let Some((_, place)) = slot.responses.iter().find(|(of, _)| *of == key.version) {
            return (Arc::clone(place), None);
        }
        let before = slot.responses.iter().rev().find_map(|(_, place)| place.get().cloned());
        if slot.responses.len() == VERSIONS {
            slot.responses.remove(0);
        }
        let place = Place::default();
        slot.responses.push((key.version.clone(), Arc::clone(&place)));
        (place, before)
    }

    /// Counts bytes that were added. Where they are too many, half of the requests are
    /// forgotten at once, so that this is seldom done.
    fn added(&self, bytes: usize) {
        let mut slots = self.slots();
        slots.bytes += bytes;
        if self.holds(&slots) {
            return;
        }
        slots.bytes = slots.by_request.values().map(Slot::bytes).sum();
        if self.holds(&slots) {
            return;
        }
        let mut ages: Vec<u64> = slots.by_request.values().map(|slot| slot.asked).collect();
        let half = ages.len() / 2;
        let (_, oldest_kept, _) = ages.select_nth_unstable(half);
        let oldest_kept = *oldest_kept;
        slots.by_request.retain(|_, slot| oldest_kept <= slot.asked);
        slots.bytes = slots.by_request.values().map(Slot::bytes).sum();
    }

    fn holds(&self, slots: &Slots) -> bool {
        slots.bytes <= self.most_bytes && slots.by_request.len() <= self.most_requests
    }

    fn slots(&self) -> MutexGuard<'_, Slots> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slot {
    /// Bytes of its responses; one that two versions share counts once.
    fn bytes(&self) -> usize {
        let mut counted: Vec<&Arc<Response>> = Vec::with_capacity(VERSIONS);
        for response in self.responses.iter().filter_map(|(_, place)| place.get()) {
            if !counted.iter().any(|other| Arc::ptr_eq(other, response)) {
                counted.push(response);
            }
        }
        counted.into_iter().map(|response| response.bytes()).sum()
    }
}

#[cfg(test)]
mod tests;
