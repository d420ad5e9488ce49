//! In whose name the server answers: what documents say of the server itself.

use super::client_address::Proxies;
use actix_web::HttpRequest;
use actix_web::http::header;
use actix_web::http::uri::Authority;

/// Whom maps name beside whoever the operator adds.
const ATTRIBUTION: &str = "Groundswell";
/// By what a proxy says how it was called.
const PROTOCOL: &str = "X-Forwarded-Proto";

/// What documents say of the server itself.
#[derive(Debug, Clone, Default)]
pub struct Publisher {
    /// Where everybody reaches it, without a slash at the end; what a request names where
    /// there is none.
    pub public_url: Option<String>,
    /// Whom maps and files name.
    pub attribution: Option<String>,
    /// Under which licence the counts are.
    pub licence: Option<String>,
}

impl Publisher {
    /// Whom maps and files name.
    #[must_use]
    pub fn attribution(&self) -> String {
        match &self.attribution {
            Some(whom) => format!("{whom} · {ATTRIBUTION}"),
            None => ATTRIBUTION.to_owned(),
        }
    }

    /// What addresses of this server begin with, as who asks reaches it.
    #[must_use]
    pub fn address(&self, proxies: &Proxies, request: &HttpRequest) -> String {
        if let Some(url) = &self.public_url {
            return url.clone();
        }
        let peer = request.peer_addr();
        let is_proxied = peer.is_some_and(|peer| proxies.trusts(peer.ip().to_canonical()));
        let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
        let protocol = header(PROTOCOL).and_then(|said| said.split(',').next()).map(str::trim);
        let is_secure =
            is_proxied && protocol.is_some_and(|said| said.eq_ignore_ascii_case("https"));
        let host = header(header::HOST.as_str());
        let host = host.filter(|host| host.parse::<Authority>().is_ok()).unwrap_or("localhost");
        format!("{}://{host}", if is_secure { "https" } else { "http" })
    }
}
