//! Whether requests come through a proxy that nobody said is one: then all who come
//! through it are limited as one caller.

use super::client_address::Proxies;
use actix_web::http::header::HeaderMap;
use std::net::IpAddr;
use std::sync::OnceLock;

/// What an operator should be told of such a proxy, once there was one.
///
/// Anybody can send such a header from anywhere. So what a machine nearby sends is told
/// before that, and whoever came first.
#[derive(Debug, Default)]
pub struct ForwardedNotice {
    of_nearby: OnceLock<String>,
    of_somebody: OnceLock<String>,
}

impl ForwardedNotice {
    /// Looks at a request. What is found first of a machine nearby, or of another, is
    /// logged, and stays.
    pub fn look(&self, proxies: &Proxies, peer: IpAddr, headers: &HeaderMap) {
        let is_nearby = is_private(peer.to_canonical());
        let notice = if is_nearby { &self.of_nearby } else { &self.of_somebody };
        if notice.get().is_some() {
            return;
        }
        let Some(header) = proxies.distrusted_header(peer, headers) else { return };
        let peer = peer.to_canonical();
        // Addresses of people are shown to nobody.
        let (from, setting) = if is_nearby {
            (peer.to_string(), format!("--trust-proxy {peer}"))
        } else {
            ("somebody".to_owned(), "--trust-proxy with its address".to_owned())
        };
        let text = format!(
            "requests come with {header} from {from}, who is no trusted proxy: all that come \
             this way are limited as one caller; if it is a proxy of yours, set {setting}, and \
             --client-header {header}"
        );
        if notice.set(text.clone()).is_ok() {
            tracing::warn!("{text}");
        }
    }

    /// What to tell, where there is something.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        self.of_nearby.get().or(self.of_somebody.get()).map(String::as_str)
    }
}

/// Whether it is an address of a machine nearby, which says nothing about a person.
const fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            address.is_private() || address.is_loopback() || address.is_link_local()
        }
        IpAddr::V6(address) => {
            address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    #[test]
    fn a_stranger_who_came_first_hides_no_proxy_nearby() {
        let request =
            TestRequest::get().append_header(("X-Forwarded-For", "203.0.113.9")).to_http_request();
        let notice = ForwardedNotice::default();
        for (peer, expected) in [
            ("198.51.100.7", "--trust-proxy with its address"),
            ("10.77.31.2", "--trust-proxy 10.77.31.2"),
            ("198.51.100.8", "--trust-proxy 10.77.31.2"),
        ] {
            notice.look(&Proxies::default(), peer.parse().unwrap(), request.headers());
            assert!(notice.text().unwrap().contains(expected), "{peer}: {:?}", notice.text());
        }
    }

    #[test]
    fn a_proxy_nearby_is_named_and_nobody_else() {
        let request =
            TestRequest::get().append_header(("X-Forwarded-For", "203.0.113.9")).to_http_request();
        let rows = [
            ("10.77.31.2", "--trust-proxy 10.77.31.2, and --client-header x-forwarded-for"),
            ("::ffff:172.18.0.3", "--trust-proxy 172.18.0.3"),
            ("198.51.100.7", "--trust-proxy with its address"),
        ];
        for (peer, expected) in rows {
            let notice = ForwardedNotice::default();
            notice.look(&Proxies::default(), peer.parse().unwrap(), request.headers());
            let text = notice.text().unwrap();
            assert!(text.contains(expected), "{peer}: {text}");
            assert!(!text.contains("203.0.113.9") && !text.contains("198.51.100.7"), "{text}");
        }
    }
}
