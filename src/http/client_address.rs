//! Where a request comes from: the peer, or whom proxies that are trusted name.
//!
//! A header can be written by anybody. Only what a trusted proxy added to it is believed:
//! the rightmost address that is no trusted proxy's own.

use actix_web::http::header::{self, HeaderMap, HeaderName};
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

/// A network: an address, and how many of its first bits count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    length: u8,
}

/// A text that names no network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected an address or a network such as 10.0.0.7, 10.0.0.0/8 or fd00::/8, the bits beyond \
     its length zero"
)]
pub struct NotANetwork;

/// The proxies in front, and the header in which they name who asks.
#[derive(Debug, Clone)]
pub struct Proxies {
    /// Whose word is believed; nobody's where there are none.
    pub trusted: Vec<Network>,
    /// What they write the address into: as `X-Forwarded-For` has it, or `Forwarded`
    /// (RFC 7239).
    pub header: HeaderName,
}

impl FromStr for Network {
    type Err = NotANetwork;

    fn from_str(text: &str) -> Result<Self, NotANetwork> {
        let (address, length) = match text.trim().split_once('/') {
            Some((address, length)) => (address, Some(length)),
            None => (text.trim(), None),
        };
        let address: IpAddr = address.parse().map_err(|_| NotANetwork)?;
        let most: u8 = if address.is_ipv4() { 32 } else { 128 };
        let length: u8 =
            length.map_or(Ok(most), |length| length.parse().map_err(|_| NotANetwork))?;
        let beyond = u32::from(most.checked_sub(length).ok_or(NotANetwork)?);
        let mask = u128::MAX.checked_shr(128 - beyond).unwrap_or(0);
        if bits(address) & mask == 0 { Ok(Self { address, length }) } else { Err(NotANetwork) }
    }
}

impl Network {
    /// Whether an address lies in it. One of IPv4 that is written as one of IPv6 is the
    /// same address.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let (own, other) = (self.address.to_canonical(), address.to_canonical());
        if own.is_ipv4() != other.is_ipv4() {
            return false;
        }
        let mapped = if own == self.address { 0 } else { 96 };
        let width = if own.is_ipv4() { 32 } else { 128 };
        let beyond = width - u32::from(self.length).saturating_sub(mapped);
        (bits(own) ^ bits(other)).checked_shr(beyond).is_none_or(|differing| differing == 0)
    }
}

impl Default for Proxies {
    fn default() -> Self {
        Self { trusted: Vec::new(), header: HeaderName::from_static("x-forwarded-for") }
    }
}

impl Proxies {
    /// The address of who asks.
    ///
    /// From the right, each trusted proxy names whom it heard; the first who is none is
    /// meant. Where that is no address, the last proxy that is known stands for it.
    #[must_use]
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut nearest = peer.to_canonical();
        if !self.trusts(nearest) {
            return nearest;
        }
        let lines: Vec<&str> =
            headers.get_all(&self.header).map(|line| line.to_str().unwrap_or("?")).collect();
        let named = lines.iter().rev().flat_map(|line| line.rsplit(',')).map(str::trim);
        for element in named.filter(|element| !element.is_empty()) {
            let Some(address) = self.read(element) else { return nearest };
            nearest = address.to_canonical();
            if !self.trusts(nearest) {
                return nearest;
            }
        }
        nearest
    }

    /// The header by which somebody forwards a request who is not trusted to, where one
    /// does.
    #[must_use]
    pub fn distrusted_header(&self, peer: IpAddr, headers: &HeaderMap) -> Option<HeaderName> {
        let usual = [
            self.header.clone(),
            HeaderName::from_static("x-forwarded-for"),
            header::FORWARDED,
            HeaderName::from_static("x-real-ip"),
        ];
        if headers.is_empty() || self.trusts(peer.to_canonical()) {
            return None;
        }
        usual.into_iter().find(|name| headers.contains_key(name))
    }

    /// Whether an address is that of a trusted proxy.
    #[must_use]
    pub fn trusts(&self, address: IpAddr) -> bool {
        self.trusted.iter().any(|network| network.contains(address))
    }

    fn read(&self, element: &str) -> Option<IpAddr> {
        if self.header != header::FORWARDED {
            return address(element);
        }
        let is_for = |pair: &&str| {
            pair.trim().get(..4).is_some_and(|name| name.eq_ignore_ascii_case("for="))
        };
        address(element.split(';').find(is_for)?.trim().get(4..)?.trim_matches('"'))
    }
}

/// An address, with or without a port.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    bare.parse().ok().or_else(|| text.parse().ok().map(|socket: SocketAddr| socket.ip()))
}

/// An address as a number: of IPv4 the lower 32 bits.
fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_bits().into(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    fn proxies(trusted: &[&str], header: &str) -> Proxies {
        Proxies {
            trusted: trusted.iter().map(|network| network.parse().unwrap()).collect(),
            header: HeaderName::try_from(header).unwrap(),
        }
    }

    #[test]
    fn the_rightmost_address_that_is_not_trusted_is_the_client() {
        let two = ["10.0.0.0/8", "192.0.2.7", "fd00::/8"];
        let rows: [(&[&str], &str, &[&str], &str); 22] = [
            (&[], "10.0.0.1", &["203.0.113.9"], "10.0.0.1"),
            (&two, "203.0.113.1", &["198.51.100.1"], "203.0.113.1"),
            (&two, "10.0.0.1", &["203.0.113.9"], "203.0.113.9"),
            (&two, "10.0.0.1", &[], "10.0.0.1"),
            (&two, "10.0.0.1", &["6.6.6.6, 203.0.113.9"], "203.0.113.9"),
            (&two, "10.0.0.1", &["6.6.6.6, 203.0.113.9, 192.0.2.7"], "203.0.113.9"),
            (&two, "10.0.0.1", &["6.6.6.6", "203.0.113.9", "192.0.2.7, 10.2.3.4"], "203.0.113.9"),
            (&two, "10.0.0.1", &["203.0.113.9,192.0.2.8"], "192.0.2.8"),
            (&two, "fd00::1", &["2001:db8::5"], "2001:db8::5"),
            (&two, "fd00::1", &["[2001:db8::5]:4711"], "2001:db8::5"),
            (&two, "fd00::1", &["[2001:db8::5]"], "2001:db8::5"),
            (&two, "10.0.0.1", &["203.0.113.9:55001"], "203.0.113.9"),
            (&two, "10.0.0.1", &["::ffff:203.0.113.9"], "203.0.113.9"),
            (&two, "::ffff:10.0.0.1", &["203.0.113.9"], "203.0.113.9"),
            // All are proxies: the first of them asked for itself.
            (&two, "10.0.0.1", &["10.0.0.9, 10.0.0.2"], "10.0.0.9"),
            // Whoever wrote that is not known: what stands before it is not believed.
            (&two, "10.0.0.1", &["203.0.113.9, unknown"], "10.0.0.1"),
            (&two, "10.0.0.1", &["203.0.113.9, unknown, 192.0.2.7"], "192.0.2.7"),
            (&two, "10.0.0.1", &["203.0.113.9, 10.0.0.256"], "10.0.0.1"),
            (&two, "10.0.0.1", &["203.0.113.9,, "], "203.0.113.9"),
            (&two, "10.0.0.1", &[""], "10.0.0.1"),
            (&["0.0.0.0/0"], "203.0.113.1", &["6.6.6.6"], "6.6.6.6"),
            (&["::/0"], "203.0.113.1", &["6.6.6.6"], "203.0.113.1"),
        ];
        for (trusted, peer, lines, expected) in rows {
            let request = lines.iter().fold(TestRequest::get(), |request, line| {
                request.append_header(("X-Forwarded-For", *line))
            });
            let client = proxies(trusted, "X-Forwarded-For")
                .client(peer.parse().unwrap(), request.to_http_request().headers());
            assert_eq!(client.to_string(), expected, "{trusted:?} {peer} {lines:?}");
        }
    }

    #[test]
    fn only_the_header_that_was_chosen_is_read() {
        let request = TestRequest::get()
            .append_header(("X-Forwarded-For", "6.6.6.6"))
            .append_header(("Forwarded", "for=1.1.1.1"))
            .append_header(("Forwarded", "proto=https; FOR=\"[2001:db8::5]:4711\" ;by=10.0.0.1"))
            .append_header(("CF-Connecting-IP", "203.0.113.9"))
            .to_http_request();
        let rows = [
            ("Forwarded", "2001:db8::5"),
            ("cf-connecting-ip", "203.0.113.9"),
            ("x-forwarded-for", "6.6.6.6"),
            ("x-client", "10.0.0.1"),
        ];
        for (header, expected) in rows {
            let client = proxies(&["10.0.0.1"], header)
                .client("10.0.0.1".parse().unwrap(), request.headers());
            assert_eq!(client.to_string(), expected, "{header}");
        }
    }

    #[test]
    fn a_network_holds_the_addresses_whose_first_bits_are_its_own() {
        let rows = [
            ("10.0.0.7", "10.0.0.7", true),
            ("10.0.0.7", "10.0.0.6", false),
            ("10.0.0.0/8", "10.255.1.2", true),
            ("10.0.0.0/8", "11.0.0.0", false),
            ("10.0.0.0/8", "::ffff:10.1.1.1", true),
            ("::ffff:10.0.0.0/104", "10.1.1.1", true),
            ("::ffff:10.0.0.0/104", "11.1.1.1", false),
            ("172.16.0.0/12", "172.31.255.255", true),
            ("172.16.0.0/12", "172.32.0.0", false),
            ("fd00::/8", "fdff::1", true),
            ("fd00::/8", "fe80::1", false),
            ("::1", "::1", true),
            ("::1", "::2", false),
            ("0.0.0.0/0", "203.0.113.9", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("::/0", "2001:db8::1", true),
        ];
        for (network, address, expected) in rows {
            let network: Network = network.parse().unwrap();
            assert_eq!(
                network.contains(address.parse().unwrap()),
                expected,
                "{network:?} {address}"
            );
        }
    }

    #[test]
    fn what_is_no_network_is_refused() {
        let wrong = [
            "",
            "/",
            "10",
            "10.0.0.0/",
            "10.0.0.0/33",
            "10.0.0.1/8",
            "fd00::1/8",
            "::/129",
            "a/8",
            "10.0.0.0/-1",
            "10.0.0.0/8/8",
            "localhost",
            "10.0.0.0/08x",
        ];
        for text in wrong {
            assert_eq!(text.parse::<Network>(), Err(NotANetwork), "{text:?}");
        }
    }

    #[test]
    fn a_header_of_somebody_who_is_not_trusted_is_named() {
        let request = TestRequest::get().append_header(("X-Real-IP", "6.6.6.6")).to_http_request();
        let peer = "10.0.0.1".parse().unwrap();
        let named = |trusted: &[&str]| {
            proxies(trusted, "cf-connecting-ip").distrusted_header(peer, request.headers())
        };
        assert_eq!(named(&[]).unwrap().as_str(), "x-real-ip");
        assert_eq!(named(&["10.0.0.1"]), None);
        let plain = TestRequest::get().to_http_request();
        assert_eq!(proxies(&[], "forwarded").distrusted_header(peer, plain.headers()), None);
    }
}
