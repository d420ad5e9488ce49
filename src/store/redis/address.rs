//! Where a Redis is: addresses, credentials and certificates, as the operator gave them.

use crate::store::{OpenError, SCHEMA};
use redis::cluster::{ClusterClient, ClusterClientBuilder};
use redis::io::tcp::TcpSettings;
use redis::{Client, ConnectionInfo, IntoConnectionInfo, TlsCertificates};
use std::ops::RangeInclusive;
use std::time::Duration;

/// How to reach a Redis, and how sure it must be.
#[derive(Debug, Clone)]
pub struct Options {
    /// Every key begins with it: a tenant.
    pub prefix: String,
    /// Password, where the address has none.
    pub password: Option<String>,
    /// Certificates (PEM) of who signed the server's; those of the system where none are given.
    pub authorities: Option<Vec<u8>>,
    /// Replicas that must have a report before it is answered.
    pub min_replicas: u32,
    /// Schemas that may be read and written: those of this version, unless an upgrade is tried out.
    pub schemas: RangeInclusive<u32>,
}

impl Default for Options {
    fn default() -> Self {
        Self { prefix: "groundswell".into(), password: None, authorities: None, min_replicas: 0, schemas: SCHEMA..=SCHEMA }
    }
}

/// Who to talk to.
#[derive(Clone)]
pub enum Target {
    /// One server.
    Single(Box<Client>),
    /// Whoever has the slot.
    Cluster(Box<ClusterClient>),
}

/// A target, and how it is called where people read it: without its password.
#[derive(Debug, Clone)]
pub struct Address {
    /// Who to talk to.
    pub target: Target,
    /// Without its password.
    pub shown: String,
}

/// How long a connection may take to be made, TLS and login included.
pub const CONNECTED_WITHIN: Duration = Duration::from_secs(2);
/// How long a command may take.
pub const REPLIED_WITHIN: Duration = Duration::from_secs(3);
/// Further tries of the cluster client itself, where a slot has moved.
const REDIRECTIONS: u32 = 4;
const SCHEMES: [(&str, &str, bool); 4] = [
    ("redis+cluster://", "redis://", true),
    ("rediss+cluster://", "rediss://", true),
    ("redis://", "redis://", false),
    ("rediss://", "rediss://", false),
];

/// Whether this is an address of a Redis, rather than a directory.
#[must_use]
pub fn is_address(text: &str) -> bool {
    SCHEMES.iter().any(|(scheme, ..)| text.starts_with(scheme))
}

impl Address {
    /// The Redis at this address: `redis://`, `rediss://`, or either with `+cluster` and several hosts separated by commas.
    ///
    /// # Errors
    /// Where it is no such address.
    pub fn parse(text: &str, options: &Options) -> Result<Self, OpenError> {
        let refused = |reason: String| OpenError::Address { place: without_password(text), reason };
        let Some((scheme, plain, is_cluster)) = SCHEMES.iter().find(|(scheme, ..)| text.starts_with(scheme)) else {
            return Err(refused("it must begin with redis://, rediss://, redis+cluster:// or rediss+cluster://".into()));
        };
        let (login, hosts) = text[scheme.len()..].rsplit_once('@').map_or(("", &text[scheme.len()..]), |(login, hosts)| (login, hosts));
        let login = if login.is_empty() { String::new() } else { format!("{login}@") };
        let hosts: Vec<&str> = if *is_cluster { hosts.trim_end_matches('/').split(',').collect() } else { vec![hosts] };
        let nodes = hosts.into_iter().map(|host| node(&format!("{plain}{login}{host}"), options)).collect::<Result<Vec<_>, _>>();
        let nodes = nodes.map_err(|error| refused(error.to_string()))?;
        let certificates = options.authorities.clone().map(|pem| TlsCertificates { client_tls: None, root_cert: Some(pem) });
        let target = if *is_cluster { cluster(nodes, certificates) } else { single(nodes, certificates) };
        Ok(Self { target: target.map_err(|error| refused(error.to_string()))?, shown: without_password(text) })
    }
}

fn node(url: &str, options: &Options) -> redis::RedisResult<ConnectionInfo> {
    let info = url.into_connection_info()?.set_tcp_settings(TcpSettings::default().set_nodelay(true));
    Ok(match &options.password {
        Some(password) if info.redis_settings().password().is_none() => {
            let settings = info.redis_settings().clone().set_password(password);
            info.set_redis_settings(settings)
        }
        _ => info,
    })
}

fn single(nodes: Vec<ConnectionInfo>, certificates: Option<TlsCertificates>) -> redis::RedisResult<Target> {
    let node = nodes.into_iter().next().expect("an address has a host");
    let client = match certificates {
        Some(certificates) => Client::build_with_tls(node, certificates),
        None => Client::open(node),
    };
    client.map(|client| Target::Single(Box::new(client)))
}

fn cluster(nodes: Vec<ConnectionInfo>, certificates: Option<TlsCertificates>) -> redis::RedisResult<Target> {
    // The client's own limits are none (for a response) or sixteen tries; ours are stated, and the caller repeats.
    let builder = ClusterClientBuilder::new(nodes)
        .connection_timeout(CONNECTED_WITHIN)
        .response_timeout(REPLIED_WITHIN)
        .overall_response_timeout(Some(REPLIED_WITHIN))
        .retries(REDIRECTIONS)
        .min_retry_wait(20)
        .max_retry_wait(200)
        .tcp_settings(TcpSettings::default().set_nodelay(true));
    let builder = match certificates {
        Some(certificates) => builder.certs(certificates),
        None => builder,
    };
    builder.build().map(|client| Target::Cluster(Box::new(client)))
}

/// The address as it may be shown and logged.
fn without_password(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    match rest.rsplit_once('@') {
        Some((login, hosts)) => format!("{scheme}://{}@{hosts}", login.split_once(':').map_or("", |(user, _)| user)),
        None => text.to_owned(),
    }
}

impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Single(_) => "Single",
            Self::Cluster(_) => "Cluster",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_from_directories() {
        for (text, expected) in [
            ("redis://h", true),
            ("rediss://h:1", true),
            ("redis+cluster://a:1,b:2", true),
            ("./redis", false),
            ("redis", false),
            ("/redis://h", false),
        ] {
            assert_eq!(is_address(text), expected, "{text}");
        }
    }

    #[test]
    fn a_password_is_never_shown() {
        for (text, expected) in [
            ("redis://h:1/0", "redis://h:1/0"),
            ("redis://user:p@ss@h:1", "redis://user@h:1"),
            ("redis+cluster://:secret@a:1,b:2", "redis+cluster://@a:1,b:2"),
        ] {
            let address = Address::parse(text, &Options::default()).unwrap();
            assert_eq!(address.shown, expected);
        }
        let error = Address::parse("redis://:secret@h:port", &Options::default()).unwrap_err().to_string();
        assert!(!error.contains("secret"), "{error}");
    }
}
