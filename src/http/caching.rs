//! What readers may keep, and how they learn that it is still good.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponseBuilder};

/// How long readers, and caches between, may keep an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lifetime {
    /// Reports can change it.
    Live,
    /// The same of a tile: whoever draws it asks again once it is that old, and must not be
    /// given the one before first, or the map lags.
    LiveTile,
    /// No report can change it: only an operator who voids some, and what is learnt of
    /// usual days.
    Settled,
    /// The same of a tile.
    SettledTile,
    /// Only another version of this program changes it.
    Document,
}

/// Who may be given an answer: it must not come out of a cache to anybody else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// Everybody.
    Everybody,
    /// Everybody but who calls from the machine itself, and is given more.
    EverybodyElse,
    /// Who calls from the machine itself.
    ThisMachine,
    /// Whoever holds a key to read.
    KeyHolders,
    /// Who asked for exact figures: no cache may keep it.
    Exact,
}

/// What tells a call of the machine itself from one that was passed on.
const NEARNESS: &str = "Accept-Encoding, Forwarded, Host, Origin, Via, X-Forwarded-For, X-Real-IP";

impl Lifetime {
    /// Whether it is of a tile, on which there may be nothing.
    #[must_use]
    pub const fn is_of_tile(self) -> bool {
        matches!(self, Self::LiveTile | Self::SettledTile)
    }

    /// The same of what is not complete yet.
    #[must_use]
    pub const fn unsettled(self) -> Self {
        match self {
            Self::Settled => Self::Live,
            Self::SettledTile => Self::LiveTile,
            other => other,
        }
    }

    const fn seconds(self) -> &'static str {
        match self {
            Self::Live => "max-age=10, stale-while-revalidate=60, stale-if-error=3600",
            Self::LiveTile => "max-age=10",
            Self::Settled | Self::SettledTile => "max-age=86400",
            Self::Document => "max-age=300",
        }
    }
}

impl Audience {
    /// The same where who calls from the machine itself is given more.
    #[must_use]
    pub fn without_this_machine(self) -> Self {
        if self == Self::Everybody { Self::EverybodyElse } else { self }
    }

    fn cache_control(self, lifetime: Lifetime) -> String {
        match self {
            Self::Everybody | Self::EverybodyElse => format!("public, {}", lifetime.seconds()),
            Self::ThisMachine | Self::KeyHolders => format!("private, {}", lifetime.seconds()),
            Self::Exact => "private, no-store".to_owned(),
        }
    }

    const fn vary(self) -> &'static str {
        match self {
            Self::Everybody => "Accept-Encoding",
            Self::EverybodyElse | Self::ThisMachine => NEARNESS,
            Self::KeyHolders | Self::Exact => "Accept-Encoding, Authorization",
        }
    }
}

/// Cache headers of a read.
pub fn with_caching(
    mut response: HttpResponseBuilder,
    etag: &str,
    lifetime: Lifetime,
    audience: Audience,
) -> HttpResponseBuilder {
    response.insert_header((header::CACHE_CONTROL, audience.cache_control(lifetime)));
    response.insert_header((header::ETAG, etag));
    response.insert_header((header::VARY, audience.vary()));
    response
}

/// What proxies that pack answers add to a tag, within its quotes: Apache `-gzip` and
/// `-br`, Jetty `--gzip`.
const ADDED_BY_PROXIES: [&str; 8] =
    ["--gzip", "-gzip", "--br", "-br", "--zstd", "-zstd", "--deflate", "-deflate"];

/// Whether the reader has this content already: one of its tags, on any line of
/// `If-None-Match`, is that of the answer. Compared weakly, as RFC 9110 asks.
#[must_use]
pub fn matches_etag(request: &HttpRequest, etag: &str) -> bool {
    tags(request).any(|tag| tag == "*") || has_tag(request, etag)
}

/// Whether the reader shows the tag of the answer itself, not only that it has any.
#[must_use]
pub fn has_tag(request: &HttpRequest, etag: &str) -> bool {
    tags(request).any(|tag| opaque(tag) == opaque(etag))
}

fn tags(request: &HttpRequest) -> impl Iterator<Item = &str> {
    let lines =
        request.headers().get_all(header::IF_NONE_MATCH).filter_map(|value| value.to_str().ok());
    // Our own tags hold neither a comma nor a hyphen.
    lines.flat_map(|line| line.split(',')).map(str::trim)
}

/// What a tag says: without the mark of weakness, its quotes, and what a proxy added.
fn opaque(tag: &str) -> &str {
    let bare = tag.strip_prefix("W/").unwrap_or(tag);
    let bare = bare.strip_prefix('"').and_then(|bare| bare.strip_suffix('"')).unwrap_or(bare);
    ADDED_BY_PROXIES.iter().find_map(|added| bare.strip_suffix(added)).unwrap_or(bare)
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    const TAG: &str = "W/\"00ff12\"";

    #[test]
    fn a_tag_is_found_on_any_line_however_a_proxy_changed_it() {
        let rows: [(&[&str], bool); 19] = [
            (&[TAG], true),
            (&["\"00ff12\""], true),
            (&["00ff12"], true),
            (&["*"], true),
            (&["\"a\", W/\"00ff12\""], true),
            (&["\"a\",W/\"00ff12\" , \"b\""], true),
            (&["\"a\"", "\"b\"", TAG], true),
            (&["\"a\"", "*"], true),
            (&["W/\"00ff12-gzip\""], true),
            (&["\"00ff12--gzip\""], true),
            (&["W/\"00ff12-br\""], true),
            (&["\"a-gzip\"", "\"00ff12-gzip\""], true),
            (&[], false),
            (&[""], false),
            (&["\"00ff12"], false),
            (&["\"00ff1\""], false),
            (&["\"00ff12-x\""], false),
            (&["\"-gzip\""], false),
            (&["w/\"00ff12\""], false),
        ];
        for (lines, expected) in rows {
            let request = lines.iter().fold(TestRequest::get(), |request, line| {
                request.append_header((header::IF_NONE_MATCH, *line))
            });
            assert_eq!(matches_etag(&request.to_http_request(), TAG), expected, "{lines:?}");
        }
    }
}
