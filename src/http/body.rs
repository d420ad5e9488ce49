//! Bodies of requests: collected, unpacked and bounded at every step.

use super::content_encoding::ContentEncoding;
use super::error::{Code, Problem};
use super::unpacking;
use actix_web::http::header;
use actix_web::{HttpRequest, web};
use futures_util::{FutureExt, StreamExt};
use std::ops::Deref;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Bytes of bodies that all requests together may hold while they arrive; what comes
/// above is told to come again.
const MOST_IN_FLIGHT: usize = 512 << 20;
/// How long a body may take to arrive.
const ARRIVES_WITHIN: Duration = Duration::from_secs(30);

static IN_FLIGHT: AtomicUsize = AtomicUsize::new(0);

/// How large a body may be, as sent and unpacked.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes as sent.
    pub sent: usize,
    /// Bytes unpacked.
    pub unpacked: usize,
}

/// A body as it was sent.
#[derive(Debug)]
pub struct Body {
    bytes: web::Bytes,
    encoding: ContentEncoding,
    limits: Limits,
    _held: Held,
}

/// A body as it can be parsed.
#[derive(Debug)]
pub enum Unpacked<'a> {
    /// It was not packed.
    AsSent(&'a [u8]),
    /// It was.
    Mapped(unpacking::Mapped),
}

/// A share of [`MOST_IN_FLIGHT`], given back when dropped.
#[derive(Debug, Default)]
struct Held(usize);

impl Body {
    /// Collects the body of a request.
    ///
    /// # Errors
    /// Where it is over its limit, packed in an unknown way, takes too long, or there is
    /// no room for it now.
    pub async fn collect(
        request: &HttpRequest,
        payload: web::Payload,
        limits: Limits,
    ) -> Result<Self, Problem> {
        let encoding = encoding(request)?;
        let announced = request
            .headers()
            .get(header::CONTENT_LENGTH)
            .and_then(|value| value.to_str().ok()?.parse().ok());
        if announced.is_some_and(|length: usize| length > limits.sent) {
            return Err(too_large(limits.sent));
        }
        let mut arriving = Arriving {
            payload,
            announced: announced.unwrap_or_default(),
            limit: limits.sent,
            first: web::Bytes::new(),
            rest: web::BytesMut::new(),
            held: Held::default(),
        };
        // Most bodies came with the head. Only the others need a timer.
        if arriving.take_what_is_there()?.is_none() {
            let late = |_| {
                Problem::new(
                    Code::RequestTimeout,
                    format!("the body did not arrive within {} s", ARRIVES_WITHIN.as_secs()),
                )
            };
            Box::pin(tokio::time::timeout(ARRIVES_WITHIN, arriving.take_the_rest()))
                .await
                .map_err(late)??;
        }
        let Arriving { first, rest, held, .. } = arriving;
        let bytes = if rest.is_empty() { first } else { rest.freeze() };
        let encoding = if encoding == ContentEncoding::Identity {
            unpacking::told_by(&bytes)
        } else {
            encoding
        };
        Ok(Self { bytes, encoding, limits, _held: held })
    }

    /// Whether working through it takes long enough to be done beside the other requests.
    #[must_use]
    pub fn is_large(&self) -> bool {
        const LARGE: usize = 64 << 10;
        self.bytes.len() > LARGE
            || (self.encoding != ContentEncoding::Identity && self.bytes.len() > 1_024)
    }

    /// The body unpacked. Memory stays bounded whatever it unpacks to.
    ///
    /// # Errors
    /// Where it is not what it says it is, or unpacks to more than its limit.
    pub fn unpacked(&self) -> Result<Unpacked<'_>, Problem> {
        let unpacked = match self.encoding {
            ContentEncoding::Identity => return Ok(Unpacked::AsSent(&self.bytes)),
            ContentEncoding::Gzip => unpacking::gzip(&self.bytes, self.limits.unpacked),
            ContentEncoding::Zstd => unpacking::zstd(&self.bytes, self.limits.unpacked),
        };
        let broken = |error: std::io::Error| {
            Problem::new(Code::MalformedBody, format!("the body cannot be unpacked: {error}"))
        };
        unpacked
            .map_err(broken)?
            .map(Unpacked::Mapped)
            .ok_or_else(|| too_large(self.limits.unpacked))
    }
}

impl Deref for Unpacked<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::AsSent(bytes) => bytes,
            Self::Mapped(mapped) => mapped,
        }
    }
}

/// A body on its way.
struct Arriving {
    payload: web::Payload,
    /// Bytes its sender announced; none where it did not.
    announced: usize,
    limit: usize,
    /// Most bodies are one chunk, which need not be copied.
    first: web::Bytes,
    rest: web::BytesMut,
    held: Held,
}

impl Arriving {
    /// Takes chunks as long as none has to be waited for. None where one has.
    fn take_what_is_there(&mut self) -> Result<Option<()>, Problem> {
        while let Some(next) = self.payload.next().now_or_never() {
            match next {
                Some(chunk) => self.take(chunk)?,
                None => return Ok(Some(())),
            }
        }
        Ok(None)
    }

    async fn take_the_rest(&mut self) -> Result<(), Problem> {
        while let Some(chunk) = self.payload.next().await {
            self.take(chunk)?;
        }
        Ok(())
    }

    fn take(
        &mut self,
        chunk: Result<web::Bytes, actix_web::error::PayloadError>,
    ) -> Result<(), Problem> {
        let chunk = chunk.map_err(|error| {
            Problem::new(Code::MalformedRequest, format!("the body did not arrive whole: {error}"))
        })?;
        self.held.add(chunk.len())?;
        if self.held.0 > self.limit {
            return Err(too_large(self.limit));
        }
        if self.first.is_empty() && self.rest.is_empty() {
            self.first = chunk;
        } else {
            if self.rest.is_empty() {
                // Takes memory only as far as it is filled, whatever was announced.
                self.rest.reserve(self.announced.max(self.first.len() + chunk.len()));
                self.rest.extend_from_slice(&std::mem::take(&mut self.first));
            }
            self.rest.extend_from_slice(&chunk);
        }
        Ok(())
    }
}

fn encoding(request: &HttpRequest) -> Result<ContentEncoding, Problem> {
    let Some(value) = request.headers().get(header::CONTENT_ENCODING) else {
        return Ok(ContentEncoding::Identity);
    };
    match value.to_str().unwrap_or("?").trim().to_ascii_lowercase().as_str() {
        "" | "identity" => Ok(ContentEncoding::Identity),
        "gzip" | "x-gzip" => Ok(ContentEncoding::Gzip),
        "zstd" => Ok(ContentEncoding::Zstd),
        other => Err(Problem::field(
            Code::UnsupportedMediaType,
            "Content-Encoding",
            "gzip, zstd or identity",
            other,
        )),
    }
}

fn too_large(limit: usize) -> Problem {
    Problem::new(Code::TooLarge, format!("the body must be at most {limit} bytes"))
}

impl Held {
    fn add(&mut self, bytes: usize) -> Result<(), Problem> {
        self.0 += bytes;
        if IN_FLIGHT.fetch_add(bytes, Ordering::Relaxed) + bytes > MOST_IN_FLIGHT {
            return Err(Problem::new(Code::Overloaded, "too many bodies are arriving"));
        }
        Ok(())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        IN_FLIGHT.fetch_sub(self.0, Ordering::Relaxed);
    }
}
