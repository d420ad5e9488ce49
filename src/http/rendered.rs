//! Rendered and compressed answers: made once for each view, or look, and question, then
//! given to everybody who asks.

use super::content_encoding::ContentEncoding;
use crate::render::HeatmapFormat;
use actix_web::web::Bytes;
use std::collections::HashMap;
use std::hash::Hash;
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::OnceCell;

/// Bytes of answers kept at most.
const MOST_BYTES: usize = 256 << 20;
/// Answers kept at most.
const MOST_ANSWERS: usize = 4_096;
/// Smaller answers are sent as they are: packing them saves nothing worth its time.
const WORTH_PACKING: usize = 1_024;

/// Which answer: of one snapshot, to one question.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AnswerKey {
    /// The snapshot's id.
    pub snapshot: u64,
    /// Whether it is served as stale.
    pub stale: bool,
    /// In which format.
    pub format: HeatmapFormat,
    /// At which resolution.
    pub resolution: u8,
    /// The sides of the box, as bits.
    pub bbox: Option<[u64; 4]>,
}

/// One answer, in each encoding that was asked for so far.
#[derive(Debug)]
pub struct Answer {
    /// Of the content without `as_of`.
    pub etag: String,
    /// Whether all is known that it could say.
    pub is_complete: bool,
    plain: Bytes,
    gzip: OnceCell<Bytes>,
    zstd: OnceCell<Bytes>,
}

/// The place of an answer: filled, or to be filled by whoever comes first.
pub type Place = Arc<OnceCell<Arc<Answer>>>;

/// Answers that were given lately, by question.
#[derive(Debug)]
pub struct Answers<K> {
    /// Held for look-ups only. The number says when an answer was last asked for.
    kept: Mutex<Kept<K>>,
}

#[derive(Debug)]
struct Kept<K> {
    answers: HashMap<K, (u64, Place)>,
    asked: u64,
    bytes: usize,
}

impl<K> Default for Answers<K> {
    fn default() -> Self {
        Self { kept: Mutex::new(Kept { answers: HashMap::new(), asked: 0, bytes: 0 }) }
    }
}

impl<K: Clone + Eq + Hash> Answers<K> {
    /// The place of an answer: filled, or to be filled by whoever comes first.
    pub fn place(&self, key: &K) -> Place {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.asked += 1;
        let asked = kept.asked;
        let (last_asked, place) = kept.answers.entry(key.clone()).or_default();
        *last_asked = asked;
        Arc::clone(place)
    }

    /// Says that so many bytes were added; forgets what was asked for longest ago where
    /// that is too much.
    pub fn added(&self, bytes: usize) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.bytes += bytes;
        if kept.bytes <= MOST_BYTES && kept.answers.len() <= MOST_ANSWERS {
            return;
        }
        // Half is let go at once, so that this is seldom done.
        let mut by_age: Vec<(u64, K)> =
            kept.answers.iter().map(|(key, (asked, _))| (*asked, key.clone())).collect();
        by_age.sort_unstable_by_key(|(asked, _)| *asked);
        let old = by_age.len() / 2;
        by_age[..old].iter().for_each(|(_, key)| drop(kept.answers.remove(key)));
        kept.bytes = kept
            .answers
            .values()
            .filter_map(|(_, place)| place.get())
            .map(|answer| answer.bytes())
            .sum();
    }
}

impl Answer {
    /// A complete answer as it was rendered.
    #[must_use]
    pub fn new(etag: String, plain: Vec<u8>) -> Self {
        Self {
            etag,
            is_complete: true,
            plain: plain.into(),
            gzip: OnceCell::new(),
            zstd: OnceCell::new(),
        }
    }

    /// Its bytes in the packing, or plain where that is as good; and whether they had to
    /// be made.
    pub async fn packed(&self, packing: ContentEncoding) -> (ContentEncoding, Bytes, usize) {
        let (cell, pack): (_, fn(&[u8]) -> std::io::Result<Vec<u8>>) = match packing {
            _ if self.plain.len() < WORTH_PACKING => {
                return (ContentEncoding::Identity, self.plain.clone(), 0);
            }
            ContentEncoding::Identity => return (ContentEncoding::Identity, self.plain.clone(), 0),
            ContentEncoding::Gzip => (&self.gzip, gzip),
            ContentEncoding::Zstd => (&self.zstd, zstd_fast),
        };
        let mut added = 0;
        let make = async {
            let plain = self.plain.clone();
            let packed = beside(plain.len(), move || pack(&plain)).await;
            packed.ok().map(Bytes::from).inspect(|packed| added = packed.len()).ok_or(())
        };
        match cell.get_or_try_init(|| make).await.cloned() {
            Ok(bytes) => (packing, bytes, added),
            Err(()) => (ContentEncoding::Identity, self.plain.clone(), 0),
        }
    }

    /// Bytes of memory it takes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let packed = [&self.gzip, &self.zstd].into_iter().filter_map(OnceCell::get).map(Bytes::len);
        self.plain.len() + packed.sum::<usize>()
    }
}

/// Works beside the other requests where `bytes` are many, else here.
async fn beside<T: Send + 'static>(
    bytes: usize,
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> std::io::Result<T> {
    const MANY: usize = 64 << 10;
    if bytes < MANY {
        return work();
    }
    actix_web::rt::task::spawn_blocking(work).await.map_err(std::io::Error::other)?
}

// The quickest levels: an answer lives for a second, and at level 1 it shrinks to a sixth
// already.
fn gzip(plain: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = flate2::write::GzEncoder::new(
        Vec::with_capacity(plain.len() / 4),
        flate2::Compression::fast(),
    );
    encoder.write_all(plain)?;
    encoder.finish()
}

fn zstd_fast(plain: &[u8]) -> std::io::Result<Vec<u8>> {
    zstd::encode_all(plain, 1)
}
