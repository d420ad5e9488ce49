//! What readers may keep, and how they learn that it is still good.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponseBuilder};
use serde::Serialize;

/// Cache headers of a public read. What is settled, no report can change: only an operator who voids some, and what is learnt of usual days.
pub fn with_caching(mut response: HttpResponseBuilder, etag: &str, is_settled: bool) -> HttpResponseBuilder {
    let cache = if is_settled { "public, max-age=86400" } else { "public, max-age=10, stale-while-revalidate=60, stale-if-error=3600" };
    response.insert_header((header::CACHE_CONTROL, cache));
    response.insert_header((header::ETAG, etag));
    response.insert_header((header::VARY, "Accept-Encoding"));
    response
}

/// Whether the reader has this content already. Compared weakly, as RFC 9110 asks of `If-None-Match`.
#[must_use]
pub fn matches_etag(request: &HttpRequest, etag: &str) -> bool {
    let Some(value) = request.headers().get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok()) else { return false };
    let bare = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    value.trim() == "*" || value.split(',').any(|tag| bare(tag) == bare(etag))
}

/// The tag of an answer whose `as_of` is still empty: weak, since equal content of another tick differs in it.
#[must_use]
pub fn etag_of(answer: &impl Serialize) -> String {
    let bytes = serde_json::to_vec(answer).expect("an answer is plain data");
    format!("W/\"{:08x}{:x}\"", crc32fast::hash(&bytes), bytes.len())
}
