//! Addresses of a Redis as text: scheme, login, hosts, path, parameters. `address` knows
//! how to connect there.

use std::collections::BTreeMap;

/// How the servers behind an address belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topology {
    /// One server, or whoever is behind one name.
    Single,
    /// A Redis Cluster.
    Cluster,
    /// Sentinels that know which server is the one to write to.
    Sentinel,
}

/// What carries the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// Plain TCP.
    Tcp,
    /// TCP with TLS.
    Tls,
    /// A socket in the file system.
    Unix,
}

/// The parts of an address.
#[derive(Debug, PartialEq, Eq)]
pub struct RedisUrl<'a> {
    /// How its servers belong together.
    pub topology: Topology,
    /// What carries the bytes.
    pub transport: Transport,
    /// Before the `@`, and the `@`; percent-encoded as it was given.
    pub login: &'a str,
    /// Each a host, or a host and a port. None for a socket.
    pub hosts: Vec<&'a str>,
    /// After the first `/`. Of a socket, with that `/`.
    pub path: &'a str,
    parameters: BTreeMap<String, String>,
}

const SCHEMES: [(&str, Topology, Transport); 15] = [
    ("redis", Topology::Single, Transport::Tcp),
    ("valkey", Topology::Single, Transport::Tcp),
    ("rediss", Topology::Single, Transport::Tls),
    ("valkeys", Topology::Single, Transport::Tls),
    ("unix", Topology::Single, Transport::Unix),
    ("redis+unix", Topology::Single, Transport::Unix),
    ("valkey+unix", Topology::Single, Transport::Unix),
    ("redis+cluster", Topology::Cluster, Transport::Tcp),
    ("valkey+cluster", Topology::Cluster, Transport::Tcp),
    ("rediss+cluster", Topology::Cluster, Transport::Tls),
    ("valkeys+cluster", Topology::Cluster, Transport::Tls),
    ("redis+sentinel", Topology::Sentinel, Transport::Tcp),
    ("valkey+sentinel", Topology::Sentinel, Transport::Tcp),
    ("rediss+sentinel", Topology::Sentinel, Transport::Tls),
    ("valkeys+sentinel", Topology::Sentinel, Transport::Tls),
];

/// What is said of an address of another kind.
pub const NOT_TAKEN: &str = "it is no address that is taken. These are: redis://HOST:PORT or \
     valkey://HOST:PORT, rediss:// or valkeys:// with \
     TLS, unix:///PATH (also redis+unix, valkey+unix), redis+cluster://HOST:PORT,HOST:PORT and \
     redis+sentinel://HOST:PORT,HOST:PORT/NAME \
     (these two also with rediss, valkey or valkeys)";
const ENCODE: &str = "in a user or password write / as %2F, ? as %3F and # as %23";

/// Whether it begins with a scheme that is taken.
#[must_use]
pub fn has_scheme(text: &str) -> bool {
    scheme(text).is_some()
}

/// The address as it may be shown and logged: without password and parameters.
#[must_use]
pub fn redacted(text: &str) -> String {
    let (scheme, rest) = text.find("://").map_or(("", text), |at| text.split_at(at + 3));
    let head = first_of(rest, &['?', '#']);
    match head.rsplit_once('@') {
        Some((login, hosts)) => format!("{scheme}{}@{hosts}", first_of(login, &[':', '/'])),
        // What is password and what is not cannot be told.
        None if rest.contains('@') => format!("{scheme}…"),
        None => format!("{scheme}{head}"),
    }
}

impl<'a> RedisUrl<'a> {
    /// The parts of this address.
    ///
    /// # Errors
    /// What is wrong with it, in words that hold no password.
    pub fn parse(text: &'a str) -> Result<Self, String> {
        let (topology, transport, rest) = scheme(text).ok_or(NOT_TAKEN)?;
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let path_at = rest.find('/').unwrap_or(rest.len());
        let (authority, path) = rest.split_at(path_at);
        if [path, query].iter().any(|part| part.contains('#')) || authority.contains('#') {
            return Err(format!("it must hold no #; {ENCODE}"));
        }
        if transport != Transport::Unix && [path, query].iter().any(|part| part.contains('@')) {
            return Err(format!("an @ follows its host; {ENCODE}"));
        }
        let login_end = authority.rfind('@').map_or(0, |at| at + 1);
        let (login, hosts) = authority.split_at(login_end);
        let path = if transport == Transport::Unix {
            path
        } else {
            path.trim_start_matches('/').trim_end_matches('/')
        };
        let url = Self {
            topology,
            transport,
            login,
            hosts: hosts.split(',').collect(),
            path,
            parameters: parameters(query)?,
        };
        url.check()?;
        Ok(url)
    }

    /// The database, 0 where none is named.
    ///
    /// # Errors
    /// Where it is no number, two are named, or a cluster is to have another one than 0.
    pub fn database(&self) -> Result<i64, String> {
        let in_path = (self.topology != Topology::Sentinel
            && self.transport != Transport::Unix
            && !self.path.is_empty())
        .then_some(self.path);
        let number = |text: &str| {
            let number = text.parse::<i32>().ok().filter(|number| 0 <= *number);
            number
                .map(i64::from)
                .ok_or_else(|| format!("a database must be a whole number from 0, got {text:?}"))
        };
        let named = [in_path, self.parameter("db")]
            .into_iter()
            .flatten()
            .map(number)
            .collect::<Result<Vec<i64>, String>>()?;
        match named[..] {
            [one, other] if one != other => {
                Err(format!("it names two databases, {one} and {other}"))
            }
            [number, ..] if number != 0 && self.topology == Topology::Cluster => {
                Err("a cluster has database 0 only".into())
            }
            [number, ..] => Ok(number),
            [] => Ok(0),
        }
    }

    /// A parameter.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(String::as_str)
    }

    /// Checks what no single part can.
    fn check(&self) -> Result<(), String> {
        let known: &[&str] = if self.transport == Transport::Unix {
            &["db", "protocol", "user", "pass"]
        } else {
            &["db", "protocol"]
        };
        if let Some(name) = self.parameters.keys().find(|name| !known.contains(&name.as_str())) {
            return Err(format!("there is no parameter {name:?}; there are {}", known.join(", ")));
        }
        if self.transport == Transport::Unix {
            let is_path = self.login.is_empty() && self.hosts == [""] && self.path.len() > 1;
            return if is_path {
                Ok(())
            } else {
                Err("a socket is named by its whole path: unix:///run/redis.sock".into())
            };
        }
        match self.topology {
            _ if self.hosts.iter().any(|host| host.is_empty() || host.starts_with(':')) => {
                Err("a host is missing".into())
            }
            Topology::Single if self.hosts.len() > 1 => Err("several hosts need redis+cluster:// \
                 or redis+sentinel://"
                .into()),
            Topology::Sentinel if self.path.is_empty() || self.path.contains('/') => {
                Err("it must end in / and the name that the sentinels know, as \
                     redis+sentinel://HOST:26379/mymaster"
                    .into())
            }
            _ => self.database().map(drop),
        }
    }
}

fn scheme(text: &str) -> Option<(Topology, Transport, &str)> {
    let (scheme, rest) = text.split_once("://")?;
    let (_, topology, transport) =
        SCHEMES.iter().find(|(name, ..)| name.eq_ignore_ascii_case(scheme))?;
    Some((*topology, *transport, rest))
}

fn parameters(query: &str) -> Result<BTreeMap<String, String>, String> {
    let mut parameters = BTreeMap::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        if parameters.insert(name.to_string(), value.into_owned()).is_some() {
            return Err(format!("the parameter {name:?} is given twice"));
        }
    }
    Ok(parameters)
}

fn first_of<'a>(text: &'a str, ends: &[char]) -> &'a str {
    text.split(ends).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_is_named_in_the_path_or_as_a_parameter() {
        for (text, expected) in [
            ("redis://h", 0),
            ("redis://h/", 0),
            ("redis://h:1/3", 3),
            ("redis://h?db=1", 1),
            ("REDIS://h/?db=1", 1),
            ("redis://h/2?db=2", 2),
            ("valkeys://u:p@h/5", 5),
            ("unix:///run/redis.sock?db=4", 4),
            ("redis+sentinel://h/name?db=7", 7),
            ("redis+cluster://h,i/0", 0),
        ] {
            assert_eq!(
                RedisUrl::parse(text).and_then(|url| url.database()),
                Ok(expected),
                "{text}"
            );
        }
    }

    #[test]
    fn what_cannot_be_meant_is_refused_and_said() {
        for (text, expected) in [
            ("redis://h/1?db=2", "two databases"),
            ("redis://h?db=x", "whole number"),
            ("redis://h/x", "whole number"),
            ("redis://h/1/2", "whole number"),
            ("redis://h?db=-1", "whole number"),
            ("redis://h?db=99999999999", "whole number"),
            ("redis://h?db=1&db=1", "twice"),
            ("redis://h?database=1", "no parameter \"database\"; there are db, protocol"),
            ("redis://h?timeout=5s", "no parameter \"timeout\""),
            ("unix:///s?password=x", "user, pass"),
            ("redis+cluster://h/1", "database 0 only"),
            ("redis+cluster://h?db=1", "database 0 only"),
            ("redis+sentinel://h", "name that the sentinels know"),
            ("redis+sentinel://h/a/1", "name that the sentinels know"),
            ("redis://a,b", "several hosts"),
            ("redis://", "host is missing"),
            ("redis://:6379", "host is missing"),
            ("redis+cluster://a,", "host is missing"),
            ("unix://run/redis.sock", "whole path"),
            ("unix://", "whole path"),
            ("redis://:a/secret@h", "%2F"),
            ("redis://:a?secret@h", "%3F"),
            ("redis://:a#secret@h", "%23"),
            ("rediss://h#insecure", "no #"),
            ("http://h", "redis+sentinel://"),
        ] {
            let said = RedisUrl::parse(text).unwrap_err();
            assert!(said.contains(expected) && !said.contains("secret"), "{text}: {said}");
        }
    }

    #[test]
    fn no_password_is_shown() {
        for (text, expected) in [
            ("redis://h:1/0", "redis://h:1/0"),
            ("redis://user:p@ss@h:1", "redis://user@h:1"),
            ("redis+cluster://:secret@a:1,b:2", "redis+cluster://@a:1,b:2"),
            ("redis://:se/cret@h", "redis://@h"),
            ("redis://:se?cret@h/1", "redis://…"),
            ("redis://:se#cret@h/1", "redis://…"),
            ("unix:///s?user=u&pass=secret", "unix:///s"),
            ("unix:///s?pass=se@cret", "unix://…"),
            ("user:secret@h:1", "user@h:1"),
        ] {
            assert_eq!(redacted(text), expected, "{text}");
        }
    }
}
