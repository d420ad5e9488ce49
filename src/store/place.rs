//! Where a store is, as an operator says it: a directory, or the address of a Redis.
//! Every command decides it here.

use super::OpenError;
use super::redis::url;
use std::path::Path;

/// Where a store is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place<'a> {
    /// In this directory.
    Directory(&'a Path),
    /// On the Redis at this address, whose scheme is one that is taken.
    Redis(&'a str),
}

impl<'a> Place<'a> {
    /// The place of this name.
    ///
    /// # Errors
    /// Where it is empty, or looks like an address and is none that is taken: nobody
    /// means a directory by `valky://host` or `host:6379`.
    pub fn parse(text: &'a str) -> Result<Self, OpenError> {
        let refused = |reason: String| OpenError::Address { place: url::redacted(text), reason };
        if text.trim().is_empty() {
            return Err(refused("it must name a directory or an address".into()));
        }
        if url::has_scheme(text) {
            return Ok(Self::Redis(text));
        }
        if looks_like_address(text) {
            return Err(refused(format!(
                "{}; a directory of that name is written ./NAME",
                url::NOT_TAKEN
            )));
        }
        Ok(Self::Directory(Path::new(text)))
    }
}

/// Whether the first component has a sign of addresses, as in `scheme://host`,
/// `scheme:/host`, `host:port`, `//host:port`, `user@host`, `?db=1` and `host,host`; or
/// is an address of the internet, or a scheme before two slashes.
fn looks_like_address(text: &str) -> bool {
    let (text, is_path) = match text.strip_prefix("//") {
        Some(rest) => (rest, false),
        None => (text, text.starts_with(['/', '.'])),
    };
    let first = text.split('/').next().unwrap_or_default();
    let has_sign = first.contains([':', '：', '@', '?', ',', '%']);
    let is_host = first.parse::<std::net::IpAddr>().is_ok()
        || text.split_once("//").is_some_and(|(scheme, _)| is_scheme(scheme));
    !is_path && (has_sign || is_host)
}

fn is_scheme(text: &str) -> bool {
    ["redis", "rediss", "valkey", "valkeys", "unix", "http", "https", "tcp"]
        .iter()
        .any(|scheme| text.eq_ignore_ascii_case(scheme))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_from_directories() {
        for text in [
            "redis://h",
            "rediss://h:1",
            "valkey://h",
            "valkeys://h",
            "REDIS://h",
            "Valkey://h",
            "unix:///run/redis.sock",
            "redis+unix:///run/redis.sock",
            "valkey+unix:///run/redis.sock",
            "redis+cluster://a:1,b:2",
            "rediss+cluster://a",
            "valkey+cluster://a",
            "valkeys+cluster://a",
            "redis+sentinel://a/name",
            "rediss+sentinel://a/name",
            "valkey+sentinel://a/name",
            "valkeys+sentinel://a/name",
        ] {
            assert_eq!(Place::parse(text).unwrap(), Place::Redis(text), "{text}");
        }
        for text in [
            "./redis",
            "redis",
            "/redis://h",
            "./redis://h",
            "data/a:b",
            "../a:b",
            "/var/lib/groundswell",
            ".a:b",
            "//data",
            "a b",
        ] {
            assert_eq!(Place::parse(text).unwrap(), Place::Directory(Path::new(text)), "{text}");
        }
    }

    #[test]
    fn whatever_else_looks_like_an_address_is_refused_with_those_that_are_taken() {
        for text in [
            "redis//x",
            "127.0.0.1",
            "127.0.0.1/0",
            "user@host",
            "redis%3A//x",
            "redis：//x",
            "?db=1",
            "h,h2",
            "http://h",
            "https://h:6379",
            "tcp://h:6379",
            "keydb://h",
            "redis-sentinel://h",
            "redis+tls://h",
            "file:///data",
            "host:6379",
            "127.0.0.1:6379",
            "[::1]:6379",
            ":6379",
            "//host:6379",
            "redis:host",
            "redis:/h",
            "redis:",
            "unix:/run/redis.sock",
            "user:secret@host:6379",
            "://h",
            " redis://h",
        ] {
            let said = Place::parse(text).unwrap_err().to_string();
            for expected in
                ["redis://", "valkey://", "unix:///", "+cluster://", "+sentinel://", "./NAME"]
            {
                assert!(said.contains(expected) && !said.contains("secret"), "{text}: {said}");
            }
        }
        for text in ["", " "] {
            assert!(
                Place::parse(text).unwrap_err().to_string().contains("a directory or an address")
            );
        }
    }
}
