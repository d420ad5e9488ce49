//! The address of a server that a command asks, as the operator wrote it.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use ureq::http::Uri;

/// `https://HOST[:PORT][/PATH]`, or `http://` to this machine: on the way anywhere else
/// others would read the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerUrl {
    base: String,
    is_encrypted: bool,
}

/// Why a text is no address of a server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ServerUrlError {
    /// Something else.
    #[error("expected https://HOST, or http://127.0.0.1:PORT on this machine")]
    Form,
    /// The key would be sent as it is, to another machine.
    #[error(
        "a key must not be sent over http:// to another machine, where others read it on the \
         way: expected https://HOST"
    )]
    InTheClear,
    /// It would be in the arguments of the process, which everybody on the machine sees.
    #[error("expected no user and no query: the key is given in GROUNDSWELL_ADMIN_KEY")]
    Secret,
}

impl FromStr for ServerUrl {
    type Err = ServerUrlError;

    fn from_str(text: &str) -> Result<Self, ServerUrlError> {
        let base = text.trim().trim_end_matches('/');
        let uri: Uri = base.parse().map_err(|_| ServerUrlError::Form)?;
        let authority = uri.authority().ok_or(ServerUrlError::Form)?;
        if authority.as_str().contains('@') || uri.query().is_some() {
            return Err(ServerUrlError::Secret);
        }
        let is_encrypted = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(ServerUrlError::Form),
        };
        if authority.host().is_empty() {
            return Err(ServerUrlError::Form);
        }
        if !is_encrypted && !is_this_machine(authority.host()) {
            return Err(ServerUrlError::InTheClear);
        }
        Ok(Self { base: base.to_owned(), is_encrypted })
    }
}

fn is_this_machine(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host
            .trim_matches(['[', ']'])
            .parse::<IpAddr>()
            .is_ok_and(|ip| ip.to_canonical().is_loopback())
}

impl ServerUrl {
    /// Whether what is sent there is encrypted.
    #[must_use]
    pub const fn is_encrypted(&self) -> bool {
        self.is_encrypted
    }

    /// The address of a path there, which begins with `/`.
    #[must_use]
    pub fn at(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }
}

impl fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.base)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_sent_encrypted_or_to_this_machine() {
        for (text, is_encrypted, path) in [
            ("https://reports.example.org", true, "https://reports.example.org/v1/keys"),
            (" https://example.org/outages/ ", true, "https://example.org/outages/v1/keys"),
            ("http://127.0.0.1:8080", false, "http://127.0.0.1:8080/v1/keys"),
            ("http://localhost:8080/", false, "http://localhost:8080/v1/keys"),
            ("http://[::1]:8080", false, "http://[::1]:8080/v1/keys"),
        ] {
            let url: ServerUrl = text.parse().unwrap();
            assert_eq!((url.is_encrypted(), &*url.at("/v1/keys")), (is_encrypted, path));
        }
    }

    #[test]
    fn what_would_show_the_key_to_others_is_refused() {
        let rows = [
            ("http://reports.example.org", ServerUrlError::InTheClear),
            ("http://192.0.2.1:8080", ServerUrlError::InTheClear),
            ("https://user:password@example.org", ServerUrlError::Secret),
            ("https://example.org?key=gsk", ServerUrlError::Secret),
            ("redis://127.0.0.1", ServerUrlError::Form),
            ("example.org", ServerUrlError::Form),
            ("/", ServerUrlError::Form),
            ("", ServerUrlError::Form),
        ];
        for (text, expected) in rows {
            assert_eq!(text.parse::<ServerUrl>(), Err(expected), "{text:?}");
        }
    }
}
