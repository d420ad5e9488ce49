//! Where a Redis is: addresses, credentials and certificates, as the operator gave them.

use super::url::{self, RedisUrl, Topology, Transport};
use crate::store::timing::Timing;
use crate::store::upgrade::Older;
use crate::store::{OpenError, SCHEMA};
use redis::cluster::{ClusterClient, ClusterClientBuilder};
use redis::io::tcp::TcpSettings;
use redis::sentinel::{SentinelClient, SentinelClientBuilder, SentinelServerType};
use redis::{
    Client, ConnectionInfo, IntoConnectionInfo, ProtocolVersion, RedisResult, TlsCertificates,
    TlsMode,
};
use socket2::TcpKeepalive;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

/// How to reach a Redis, and how sure it must be.
#[derive(Debug, Clone)]
pub struct Options {
    /// Every key begins with it: a tenant.
    pub prefix: String,
    /// Password, where the address has none.
    pub password: Option<String>,
    /// User that sentinels know this node as.
    pub sentinel_user: Option<String>,
    /// Password that sentinels ask for. It is another one than that of the servers they
    /// watch.
    pub sentinel_password: Option<String>,
    /// Certificates (PEM) of who signed the server's; those of the system where none are
    /// given.
    pub authorities: Option<Vec<u8>>,
    /// Replicas that must have a report before it is answered.
    pub min_replicas: u32,
    /// Formats that may be read and written: that of this version, unless a later one is
    /// tried out.
    pub schemas: RangeInclusive<u32>,
    /// What becomes of a store of an older format.
    pub older: Older,
    /// Whether a store must be there already: none is begun.
    pub must_exist: bool,
    /// How long it is waited for.
    pub timing: Timing,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            prefix: "groundswell".into(),
            password: None,
            sentinel_user: None,
            sentinel_password: None,
            authorities: None,
            min_replicas: 0,
            schemas: SCHEMA..=SCHEMA,
            older: Older::Refused,
            must_exist: false,
            timing: Timing::default(),
        }
    }
}

/// Who to talk to.
#[derive(Clone)]
pub enum Target {
    /// One server.
    Single(Box<Client>),
    /// Whoever has the slot.
    Cluster(Box<ClusterClient>),
    /// Whoever the sentinels name; they are asked again for each connection. Held by who
    /// connects.
    Sentinel(Arc<tokio::sync::Mutex<SentinelClient>>),
}

/// A target, and how it is called where people read it: without its password.
#[derive(Debug, Clone)]
pub struct Address {
    /// Who to talk to.
    pub target: Target,
    /// Without its password.
    pub shown: String,
}

/// Further tries of the cluster client itself, where a slot has moved.
const REDIRECTIONS: u32 = 4;
/// A line on which what was sent is not acknowledged for so long is cut: of many, the
/// cluster client notices no single silent one itself.
const ACKNOWLEDGED_WITHIN: Duration = Duration::from_secs(5);
/// A silent line is tried out, so that firewalls and balancers, which forget idle ones
/// after minutes, do not; and is found out where they did.
const TRIED_OUT_AFTER: Duration = Duration::from_secs(30);
const TRIED_OUT_EVERY: Duration = Duration::from_secs(5);
/// Where sentinels listen when no port is said.
const SENTINEL_PORT: u16 = 26_379;

impl Address {
    /// The Redis at this address.
    ///
    /// # Errors
    /// Where it is no address that is taken, or says what cannot be.
    pub fn parse(text: &str, options: &Options) -> Result<Self, OpenError> {
        let refused = |reason: String| OpenError::Address { place: url::redacted(text), reason };
        let url = RedisUrl::parse(text).map_err(refused)?;
        let database = url.database().map_err(refused)?;
        let target = target(&url, database, options).map_err(|error| refused(error.to_string()))?;
        let shown = match url.parameter("db") {
            Some(_) => format!("{}?db={database}", url::redacted(text)),
            None => url::redacted(text),
        };
        Ok(Self { target, shown })
    }

    /// Whether it leads to a cluster.
    #[must_use]
    pub const fn is_cluster(&self) -> bool {
        matches!(self.target, Target::Cluster(_))
    }
}

fn target(url: &RedisUrl<'_>, database: i64, options: &Options) -> RedisResult<Target> {
    let nodes = url
        .hosts
        .iter()
        .map(|host| node(url, host, database, options))
        .collect::<RedisResult<Vec<_>>>()?;
    let certificates = options.authorities.clone().filter(|_| url.transport == Transport::Tls);
    let certificates =
        certificates.map(|pem| TlsCertificates { client_tls: None, root_cert: Some(pem) });
    match url.topology {
        Topology::Single => single(nodes, certificates),
        Topology::Cluster => cluster(nodes, certificates, &options.timing),
        Topology::Sentinel => sentinel(url, nodes, certificates, options),
    }
}

/// A host, and all that is said to it, as the client library reads it.
fn node(
    url: &RedisUrl<'_>,
    host: &str,
    database: i64,
    options: &Options,
) -> RedisResult<ConnectionInfo> {
    let text = match url.transport {
        Transport::Unix => format!("unix://{}", url.path),
        Transport::Tcp => format!("redis://{}{host}", url.login),
        Transport::Tls => format!("rediss://{}{host}", url.login),
    };
    // The library reads the protocol, and says what is wrong with it.
    let text = url
        .parameter("protocol")
        .map_or_else(|| text.clone(), |protocol| format!("{text}?protocol={protocol}"));
    let info = text.into_connection_info()?.set_tcp_settings(line());
    let mut settings = info.redis_settings().clone().set_db(database);
    if let Some(user) = url.parameter("user") {
        settings = settings.set_username(user);
    }
    if let Some(password) = url
        .parameter("pass")
        .or(options.password.as_deref())
        .filter(|_| settings.password().is_none())
    {
        settings = settings.set_password(password);
    }
    Ok(info.set_redis_settings(settings))
}

fn line() -> TcpSettings {
    let keepalive = TcpKeepalive::new()
        .with_time(TRIED_OUT_AFTER)
        .with_interval(TRIED_OUT_EVERY)
        .with_retries(3);
    let settings = TcpSettings::default().set_nodelay(true).set_keepalive(keepalive);
    #[cfg(target_os = "linux")]
    let settings = settings.set_user_timeout(ACKNOWLEDGED_WITHIN);
    settings
}

fn single(
    nodes: Vec<ConnectionInfo>,
    certificates: Option<TlsCertificates>,
) -> RedisResult<Target> {
    let node = nodes.into_iter().next().expect("an address has a host");
    let client = match certificates {
        Some(certificates) => Client::build_with_tls(node, certificates),
        None => Client::open(node),
    };
    client.map(|client| Target::Single(Box::new(client)))
}

fn cluster(
    nodes: Vec<ConnectionInfo>,
    certificates: Option<TlsCertificates>,
    timing: &Timing,
) -> RedisResult<Target> {
    // The client's own limits are none (for a response) or sixteen tries; ours are
    // stated, and the caller repeats.
    let builder = ClusterClientBuilder::new(nodes)
        .connection_timeout(timing.connect)
        .response_timeout(timing.reply)
        .overall_response_timeout(Some(timing.reply))
        .retries(REDIRECTIONS)
        .min_retry_wait(20)
        .max_retry_wait(200)
        .tcp_settings(line());
    let builder = match certificates {
        Some(certificates) => builder.certs(certificates),
        None => builder,
    };
    builder.build().map(|client| Target::Cluster(Box::new(client)))
}

/// The login of the address is that of the servers; sentinels have one of their own.
fn sentinel(
    url: &RedisUrl<'_>,
    nodes: Vec<ConnectionInfo>,
    certificates: Option<TlsCertificates>,
    options: &Options,
) -> RedisResult<Target> {
    let settings = nodes.first().expect("an address has a host").redis_settings().clone();
    let with_port = |(info, host): (ConnectionInfo, &&str)| match info.addr().clone() {
        redis::ConnectionAddr::Tcp(name, _) if !has_port(host) => {
            redis::ConnectionAddr::Tcp(name, SENTINEL_PORT)
        }
        redis::ConnectionAddr::TcpTls { host: name, insecure, tls_params, .. }
            if !has_port(host) =>
        {
            redis::ConnectionAddr::TcpTls { host: name, port: SENTINEL_PORT, insecure, tls_params }
        }
        other => other,
    };
    let sentinels = nodes.into_iter().zip(&url.hosts).map(with_port);
    let mut builder = SentinelClientBuilder::new(sentinels, url.path, SentinelServerType::Master)?
        .set_client_to_redis_db(settings.db())
        .set_client_to_redis_protocol(settings.protocol())
        .set_client_to_sentinel_protocol(ProtocolVersion::RESP2)
        .set_client_to_redis_tcp_settings(line())
        .set_client_to_sentinel_tcp_settings(line());
    if let Some(user) = settings.username() {
        builder = builder.set_client_to_redis_username(user);
    }
    if let Some(password) = settings.password() {
        builder = builder.set_client_to_redis_password(password);
    }
    if let Some(user) = &options.sentinel_user {
        builder = builder.set_client_to_sentinel_username(user);
    }
    if let Some(password) = &options.sentinel_password {
        builder = builder.set_client_to_sentinel_password(password);
    }
    if url.transport == Transport::Tls {
        builder = builder.set_client_to_redis_tls_mode(TlsMode::Secure);
    }
    if let Some(certificates) = certificates {
        builder = builder
            .set_client_to_redis_certificates(certificates.clone())
            .set_client_to_sentinel_certificates(certificates);
    }
    builder.build().map(|client| Target::Sentinel(Arc::new(tokio::sync::Mutex::new(client))))
}

/// Whether a host, perhaps of IPv6 in brackets, is followed by a port.
fn has_port(host: &str) -> bool {
    host.rsplit_once(':').is_some_and(|(name, _)| !name.contains(':') || name.ends_with(']'))
}

impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Single(_) => "Single",
            Self::Cluster(_) => "Cluster",
            Self::Sentinel(_) => "Sentinel",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use redis::ConnectionAddr;

    fn of(text: &str) -> ConnectionInfo {
        let options = Options { password: Some("other".into()), ..Options::default() };
        match Address::parse(text, &options).unwrap().target {
            Target::Single(client) => client.get_connection_info().clone(),
            other => panic!("{text} is {other:?}"),
        }
    }

    #[test]
    fn what_an_address_says_is_what_is_connected_to() {
        for (text, host, port, database) in [
            ("redis://h?db=1", "h", 6379, 1),
            ("VALKEY://h:1/2", "h", 1, 2),
            ("redis://[::1]:7/?db=3&protocol=3", "::1", 7, 3),
            ("redis://[2001:db8::1]", "2001:db8::1", 6379, 0),
        ] {
            let info = of(text);
            let ConnectionAddr::Tcp(found, found_port) = info.addr() else { panic!("{text}") };
            assert_eq!(
                (found.as_str(), *found_port, info.redis_settings().db()),
                (host, port, database),
                "{text}"
            );
        }
        assert!(matches!(
            of("valkeys://h:5").addr(),
            ConnectionAddr::TcpTls { port: 5, insecure: false, .. }
        ));
        let socket = of("redis+unix:///run/a%20b.sock?db=2&user=u&pass=p&protocol=resp3");
        assert!(
            matches!(
                socket.addr(),
                ConnectionAddr::Unix(path) if path.to_str() == Some("/run/a b.sock")
            ),
            "{:?}",
            socket.addr()
        );
        // The client library tells nobody how long, but that a silent line is tried out,
        // and cut where nothing comes back.
        let line = of("redis://h").tcp_settings().clone();
        assert_eq!(
            (line.nodelay(), line.keepalive().is_some(), line.user_timeout()),
            (true, true, Some(ACKNOWLEDGED_WITHIN))
        );
        let settings = socket.redis_settings();
        assert_eq!(
            (settings.db(), settings.username(), settings.password()),
            (2, Some("u"), Some("p"))
        );
        assert!(matches!(settings.protocol(), ProtocolVersion::RESP3));
    }

    #[test]
    fn logins_are_read_and_a_password_beside_the_address_is_taken_where_it_has_none() {
        for (text, user, password) in [
            ("redis://h", None, "other"),
            ("redis://user@h", Some("user"), "other"),
            ("redis://us%40er:p%2Fa%3As%40s@h", Some("us@er"), "p/a:s@s"),
            ("redis://user:p@ss@h:1", Some("user"), "p@ss"),
            ("unix:///s?user=u", Some("u"), "other"),
        ] {
            let info = of(text);
            assert_eq!(
                (info.redis_settings().username(), info.redis_settings().password()),
                (user, Some(password)),
                "{text}"
            );
        }
        for text in [
            "redis+cluster://u:p%2Fw@[::1]:7000,[::1]:7001",
            "redis+sentinel://u:p%2Fw@a,[::1],b:7/name?db=1",
        ] {
            assert!(Address::parse(text, &Options::default()).is_ok(), "{text}");
        }
    }

    #[test]
    fn what_is_shown_says_which_database_and_no_password() {
        for (text, expected) in [
            ("redis://user:p@ss@h:1/0", "redis://user@h:1/0"),
            ("redis://h?db=1&protocol=3", "redis://h?db=1"),
            ("redis+sentinel://:secret@a:1,b:2/name?db=4", "redis+sentinel://@a:1,b:2/name?db=4"),
        ] {
            assert_eq!(Address::parse(text, &Options::default()).unwrap().shown, expected);
        }
        for (text, expected) in [
            ("redis://:secret@h:port", "cannot be the store"),
            ("redis://:secret@h?protocol=4", "rotocol version"),
            ("redis://0.0.0.0", "wildcard"),
        ] {
            let said = Address::parse(text, &Options::default()).unwrap_err().to_string();
            assert!(said.contains(expected) && !said.contains("secret"), "{said}");
        }
    }

    #[test]
    fn sentinels_listen_on_their_own_port_unless_told_otherwise() {
        for (host, expected) in [("a", false), ("a:1", true), ("[::1]", false), ("[::1]:1", true)] {
            assert_eq!(has_port(host), expected, "{host}");
        }
    }
}
