//! Where a server listens, as the operator wrote it.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

/// A host and a port. A name is looked up when the server starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listen {
    /// Who is meant.
    pub host: Host,
    /// 0 takes a free one.
    pub port: u16,
}

/// Who is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Host {
    /// An address, with its zone where it has one.
    Address(SocketAddr),
    /// A name that stands for one address or several.
    Name(String),
}

/// Why a text names no place to listen at.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ListenError {
    /// No host, no port, or something around them.
    #[error(
        "expected HOST:PORT, such as 127.0.0.1:8080, localhost:8080, [::1]:8080, or 0.0.0.0:8080 \
         for every address"
    )]
    Form,
    /// A port that there is not.
    #[error("expected a port of 0 to 65535 after the last colon, got {0:?}")]
    Port(String),
    /// An address of version 6 whose end nobody can tell.
    #[error("expected brackets around an address of IPv6, such as [::1]:8080")]
    Brackets,
    /// Neither an address nor a name.
    #[error("expected an address or a name of letters, digits, - and . before the port, got {0:?}")]
    Name(String),
}

/// Characters of a name at most, as the domain name system has it.
const MOST_NAME_CHARS: usize = 253;

impl FromStr for Listen {
    type Err = ListenError;

    fn from_str(text: &str) -> Result<Self, ListenError> {
        if let Ok(address) = text.parse::<SocketAddr>() {
            return Ok(Self { host: Host::Address(address), port: address.port() });
        }
        if text.contains("//") {
            return Err(ListenError::Form);
        }
        if text.parse::<IpAddr>().is_ok_and(|address| address.is_ipv6()) {
            return Err(ListenError::Brackets);
        }
        let (name, port) =
            text.rsplit_once(':').filter(|(name, _)| !name.is_empty()).ok_or(ListenError::Form)?;
        if name.contains(':') && !name.starts_with('[') {
            return Err(ListenError::Brackets);
        }
        let digits = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
        let port = port
            .parse()
            .ok()
            .filter(|_| digits)
            .ok_or_else(|| ListenError::Port(port.to_owned()))?;
        if !is_name(name) {
            return Err(ListenError::Name(name.to_owned()));
        }
        Ok(Self { host: Host::Name(name.to_owned()), port })
    }
}

/// Whether it can be looked up. What consists of numbers alone is a misspelt address.
fn is_name(text: &str) -> bool {
    let sound = |label: &str| {
        !label.is_empty()
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    let name = text.strip_suffix('.').unwrap_or(text);
    let is_number = name.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    name.len() <= MOST_NAME_CHARS && !is_number && name.split('.').all(sound)
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Host::Address(address) => write!(f, "{address}"),
            Host::Name(name) => write!(f, "{name}:{}", self.port),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_names_are_taken() {
        let rows = [
            "127.0.0.1:8080",
            "[::1]:0",
            "0.0.0.0:80",
            "[::]:65535",
            "[fe80::1%2]:80",
            "localhost:8080",
            "node-1.example.org.:1",
            "a_b:0",
        ];
        for text in rows {
            let listen: Listen = text.parse().unwrap();
            assert_eq!(listen.to_string(), text);
            assert_eq!(
                matches!(listen.host, Host::Name(_)),
                text.starts_with(['l', 'n', 'a']),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_no_place_is_refused_with_what_was_expected() {
        let rows = [
            ("", "expected HOST:PORT"),
            (":8080", "expected HOST:PORT, such as 127.0.0.1:8080"),
            ("8080", "expected HOST:PORT"),
            ("localhost", "expected HOST:PORT"),
            ("127.0.0.1", "expected HOST:PORT"),
            ("http://localhost:8080", "expected HOST:PORT"),
            ("localhost:", "expected a port of 0 to 65535"),
            ("localhost:http", "got \"http\""),
            ("localhost:65536", "got \"65536\""),
            ("localhost:+80", "got \"+80\""),
            ("localhost:-1", "got \"-1\""),
            ("127.0.0.1:99999", "got \"99999\""),
            ("::1", "expected brackets"),
            ("::1:8080", "expected brackets"),
            ("[::1]", "expected"),
            ("[localhost]:80", "expected an address or a name"),
            ("*:8080", "got \"*\""),
            ("256.0.0.1:80", "got \"256.0.0.1\""),
            ("1:80", "got \"1\""),
            ("local host:80", "got \"local host\""),
            ("a..b:80", "got \"a..b\""),
            (" 127.0.0.1:80", "expected an address or a name"),
        ];
        for (text, expected) in rows {
            let message = text.parse::<Listen>().unwrap_err().to_string();
            assert!(message.contains(expected), "{text:?}: {message}");
        }
    }
}
