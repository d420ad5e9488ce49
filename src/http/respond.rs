//! How every read answers: 304 where the reader has the content already, else the bytes
//! of the response cache.

use super::app::App;
use super::caching::{Audience, Lifetime, has_tag, matches_etag, with_caching};
use super::caller::Reading;
use super::content_encoding::ContentEncoding;
use super::error::Problem;
use super::response::{Content, Response};
use super::response_cache::Key;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse};
use std::sync::Arc;

/// What a read asks the response cache for, and what its answer's head says.
#[derive(Debug)]
pub struct Read {
    /// Which response.
    pub key: Key,
    /// Its media type.
    pub media_type: &'static str,
    /// How long a reader may keep it. What is settled but not complete is live.
    pub lifetime: Lifetime,
    /// Whether to render it takes long enough to be done on a thread of its own.
    pub is_expensive: bool,
}

/// Answers a read with the response of its key: as it was made before, or made from
/// `content`. `asked_by` is who asks; nobody in particular asks for a document.
///
/// # Errors
/// Where `content` fails, or its rendering is given up.
pub async fn respond<C: Content>(
    app: &Arc<App>,
    request: &HttpRequest,
    asked_by: Option<&Reading>,
    read: Read,
    content: impl Future<Output = Result<C, Problem>>,
) -> Result<HttpResponse, Problem> {
    let audience = asked_by.map_or(Audience::Everybody, Reading::audience);
    let content = async {
        if let Some(reader) = asked_by {
            reader.is_made(true);
        }
        content.await
    };
    let render = async |content, before| {
        app.run_blocking(read.is_expensive, move |_| Response::of(content, before)).await
    };
    let outcome = app.responses.get(&read.key, content, render).await;
    let response = outcome?;
    let is_known = matches_etag(request, &response.etag);
    // Who has it shows that by its tag. `*` is no proof, and costs what making it costs.
    if is_known
        && has_tag(request, &response.etag)
        && let Some(reader) = asked_by
    {
        reader.is_made(false);
    }
    let lifetime = if response.is_complete { read.lifetime } else { read.lifetime.unsettled() };
    let next_page = response.next_cursor.as_deref().map(|cursor| next_page(request, cursor));
    let with_caching = |head| {
        let mut head = with_caching(head, &response.etag, lifetime, audience);
        if let Some(link) = &next_page {
            head.insert_header((header::LINK, link.as_str()));
        }
        head
    };
    if is_known {
        return Ok(with_caching(HttpResponse::NotModified()).finish());
    }
    if lifetime.is_of_tile() && response.is_empty() {
        return Ok(with_caching(HttpResponse::NoContent()).finish());
    }
    let accepted = ContentEncoding::accepted(request.headers());
    let (encoding, bytes) = app.responses.encoded(&response, accepted).await;
    let mut head = with_caching(HttpResponse::Ok());
    if let Some(name) = encoding.name() {
        head.insert_header((header::CONTENT_ENCODING, name));
    }
    Ok(head.content_type(read.media_type).body(bytes))
}

/// Where the next page is (RFC 8288): the same question from a cursor on. A key in the
/// address is not repeated.
fn next_page(request: &HttpRequest, cursor: &str) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in form_urlencoded::parse(request.query_string().as_bytes()) {
        if !["cursor", "key"].contains(&&*name) {
            query.append_pair(&name, &value);
        }
    }
    query.append_pair("cursor", cursor);
    format!("<{}?{}>; rel=\"next\"", request.path(), query.finish())
}
