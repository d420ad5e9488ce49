//! Content encodings: how bodies are compressed on their way, in both directions.

use actix_web::http::header::{self, HeaderMap};

/// How a body is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ContentEncoding {
    /// Not at all.
    Identity,
    /// gzip, in one or several members.
    Gzip,
    /// Zstandard.
    Zstd,
}

impl ContentEncoding {
    /// The best that a reader takes.
    #[must_use]
    pub fn accepted(headers: &HeaderMap) -> Self {
        let accepted = headers
            .get(header::ACCEPT_ENCODING)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let takes = |name: &str| {
            accepted.split(',').any(|part| {
                let (coding, weight) = part.split_once(';').unwrap_or((part, ""));
                let refused = weight.trim().strip_prefix("q=").and_then(|q| q.parse::<f32>().ok())
                    == Some(0.0);
                coding.trim().eq_ignore_ascii_case(name) && !refused
            })
        };
        match () {
            () if takes("zstd") => Self::Zstd,
            () if takes("gzip") => Self::Gzip,
            () => Self::Identity,
        }
    }

    /// The word for it, unless there is nothing to say.
    #[must_use]
    pub const fn name(self) -> Option<&'static str> {
        match self {
            Self::Identity => None,
            Self::Gzip => Some("gzip"),
            Self::Zstd => Some("zstd"),
        }
    }
}
