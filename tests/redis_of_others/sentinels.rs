//! Primaries that sentinels name, also over TLS.

use super::{SOON, faults, lines_after, open, options};
use crate::support::binary::{Binary, within};
use crate::support::redis::{RedisServer, add_least_user, free_port, own_prefix};
use crate::support::report;
use crate::support::stored::{record, total};
use groundswell::store::redis::address::Options;
use std::path::Path;
use std::time::Instant;

#[test]
fn sentinels_are_asked_who_is_to_be_written_to_and_no_report_is_lost_or_doubled_when_it_dies() {
    let mut servers: Vec<RedisServer> =
        (0..3).map(|_| RedisServer::start(&["--repl-diskless-sync-delay", "0"])).collect();
    let sentinel_user = Some("watcher".to_owned());
    let options = Options {
        min_replicas: 1,
        sentinel_user,
        sentinel_password: Some("of a watcher".into()),
        ..options()
    };
    for server in &servers {
        add_least_user(server.port(), &options.prefix, &["+role", "+select"]);
    }
    for replica in &servers[1..] {
        replica.follow(&servers[0]);
    }
    let lines = [
        format!("sentinel monitor mymaster 127.0.0.1 {} 2", servers[0].port()),
        "sentinel down-after-milliseconds mymaster 1000".into(),
        "sentinel failover-timeout mymaster 5000".into(),
        "requirepass \"of sentinels\"".into(),
        "sentinel sentinel-pass \"of sentinels\"".into(),
        "user watcher on \">of a watcher\" resetchannels -@all +role +sentinel|masters".into(),
    ];
    let sentinels: Vec<RedisServer> = (0..3).map(|_| RedisServer::start_sentinel(&lines)).collect();
    let of = |sentinel: &RedisServer| {
        sentinel.cli(&["-a", "of sentinels", "--no-auth-warning", "SENTINEL", "MASTER", "mymaster"])
    };
    let is_whole = |sentinel: &RedisServer| {
        let said = of(sentinel);
        lines_after(&said, "num-slaves") == ["2"]
            && lines_after(&said, "num-other-sentinels") == ["2"]
    };
    assert!(within(SOON, || sentinels.iter().all(is_whole)), "{}", of(&sentinels[0]));
    let hosts: Vec<String> =
        sentinels.iter().map(|sentinel| format!("127.0.0.1:{}", sentinel.port())).collect();
    let url = format!("redis+sentinel://{}:pass@{}/mymaster?db=3", options.prefix, hosts.join(","));
    let store = open(&url, &options).unwrap();
    assert_eq!(record(&store, 0..100), Ok(100));
    assert_eq!(
        servers[0].cli(&["-n", "0", "DBSIZE"]).trim(),
        "0",
        "the database is that of the address"
    );
    servers[0].kill();
    let killed = Instant::now();
    // As clients do: the same again until it is answered.
    let mut counted = 100;
    for start in (100..1_000).step_by(50) {
        let mut taken = Err(String::new());
        let ok = within(SOON, || {
            taken = record(&store, start..start + 50);
            taken.is_ok()
        });
        assert!(ok, "{taken:?} after {:?}", killed.elapsed());
        counted += taken.unwrap();
    }
    assert_eq!(
        (total(&store), record(&store, 0..1_000)),
        (1_000, Ok(0)),
        "each counts, and counts once"
    );
    // A try whose answer was lost may have counted: the next one then says duplicate.
    assert!(counted <= 1_000, "{counted}");
    assert_eq!(faults(&store), "");
    serves_by_flags(&url, &options, &servers[1..]);
    let wrong = open(&url.replace("mymaster", "another"), &options).unwrap_err().to_string();
    assert!(wrong.contains("not found in sentinel") && !wrong.contains("pass"), "{wrong}");
    let unknown = Options { sentinel_password: None, ..options };
    assert!(open(&url, &unknown).is_err(), "sentinels have a password of their own");
}

#[test]
fn a_primary_that_does_not_know_that_it_was_replaced_is_left() {
    let [old, new] = [(); 2].map(|()| RedisServer::start(&[]));
    let monitor = |server: &RedisServer| {
        ["SENTINEL", "MONITOR", "mymaster", "127.0.0.1", &server.port().to_string(), "1"]
            .map(str::to_owned)
    };
    let sentinel = RedisServer::start_sentinel(&[]);
    let tell =
        |words: &[String]| sentinel.cli(&words.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(tell(&monitor(&old)).trim(), "OK");
    let url = format!("{}/mymaster", sentinel.url().replace("redis://", "redis+sentinel://"));
    let store = open(&url, &options()).unwrap();
    assert_eq!((record(&store, 0..20), faults(&store)), (Ok(20), String::new()));
    // As where a partition keeps it from them: it still calls itself a primary.
    assert_eq!(tell(&["SENTINEL", "REMOVE", "mymaster"].map(str::to_owned)).trim(), "OK");
    assert_eq!(faults(&store), "", "sentinels that do not know it say nothing against it");
    assert_eq!(tell(&monitor(&new)).trim(), "OK");
    let said = faults(&store);
    assert!(said.contains("the sentinels name another"), "{said}");
    assert_eq!(record(&store, 100..110), Ok(10));
    assert_ne!(new.cli(&["DBSIZE"]).trim(), "0", "it went to the one that they name");
    assert_eq!(faults(&store), "");
}

#[test]
fn sentinels_and_servers_with_tls_are_reached_by_a_certificate_for_what_they_announce() {
    let directory = tempfile::tempdir().unwrap();
    let (key, cert) = self_signed(directory.path());
    let (port, sentinel_port) = (free_port(), free_port());
    let arguments = [
        "--tls-port",
        &port.to_string(),
        "--tls-cert-file",
        &cert,
        "--tls-key-file",
        &key,
        "--tls-auth-clients",
        "no",
    ];
    let _server = RedisServer::start(&arguments);
    // It also listens in plain, for who looks whether it is there.
    let tls = format!(
        "tls-port {sentinel_port}\ntls-cert-file {cert}\ntls-key-file {key}\ntls-ca-cert-file \
         {cert}\ntls-auth-clients no"
    );
    let lines = [
        tls,
        "tls-replication yes".into(),
        format!("sentinel monitor mymaster 127.0.0.1 {port} 1"),
    ];
    let _sentinel = RedisServer::start_sentinel(&lines);
    let options = Options { authorities: Some(std::fs::read(&cert).unwrap()), ..options() };
    let url = format!("valkeys+sentinel://127.0.0.1:{sentinel_port}/mymaster");
    let mut store = open(&url, &options);
    assert!(within(SOON, || {
        store = open(&url, &options);
        store.is_ok()
    }));
    let store = store.unwrap();
    assert_eq!((record(&store, 0..30), total(&store)), (Ok(30), 30));
    assert!(
        open(&url, &Options { authorities: None, ..options }).is_err(),
        "a certificate that nobody vouches for is not trusted"
    );
}

/// Starts a server that finds its Redis by sentinels, as flags say.
fn serves_by_flags(url: &str, options: &Options, servers: &[RedisServer]) {
    let prefix = own_prefix();
    for server in servers {
        add_least_user(server.port(), &prefix, &["+role", "+select"]);
    }
    let password = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(password.path(), format!("{}\n", options.sentinel_password.as_ref().unwrap()))
        .unwrap();
    let password = password.path().display().to_string();
    let user = options.sentinel_user.as_ref().unwrap();
    let of_sentinels = ["--redis-sentinel-user", user, "--redis-sentinel-password-file", &password];
    let arguments =
        [&["--reporter-key", "of this test", "--redis-prefix", &prefix], &of_sentinels[..]]
            .concat();
    let node = Binary::start(Path::new(&url.replace(&options.prefix, &prefix)), &arguments);
    assert!(node.report(&report("a reporter")).status < 300);
}

/// A key and a certificate for this machine, that nobody vouches for.
fn self_signed(directory: &Path) -> (String, String) {
    let path = |name: &str| directory.join(name).display().to_string();
    let request =
        ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"];
    let extensions = [
        "-addext",
        "subjectAltName=DNS:localhost,IP:127.0.0.1",
        "-addext",
        "basicConstraints=critical,CA:FALSE",
    ];
    let (key, cert) = (path("key"), path("cert"));
    let made = std::process::Command::new("openssl")
        .args(request)
        .args(extensions)
        .args(["-keyout", &key, "-out", &cert])
        .output();
    assert!(made.expect("this test needs openssl").status.success());
    (key, cert)
}
