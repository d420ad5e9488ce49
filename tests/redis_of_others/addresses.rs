//! Addresses of every kind, and what only looks like one.

use super::{append, faults, open, options};
use crate::support::binary::groundswell;
use crate::support::redis::{RedisServer, shared_cluster, shared_single};
use crate::support::stored::{record, total, wait};
use crate::support::{NOW, instant};
use groundswell::domain::time::HOUR_MS;

#[test]
fn every_address_leads_where_it_says() {
    let socket = tempfile::tempdir().unwrap();
    let path = socket.path().join("redis.sock").display().to_string();
    let server = RedisServer::start(&["--unixsocket", &path]);
    let host = server.url().replace("redis://", "");
    for (n, (url, database)) in [
        (format!("redis://{host}?db=1"), 1),
        (format!("REDIS://{host}/2"), 2),
        (format!("valkey://{host}/?db=3&protocol=resp3"), 3),
        (format!("unix://{path}?db=4"), 4),
        (format!("redis+unix://{path}?db=5&protocol=3"), 5),
        (format!("Valkey+Unix://{path}?db=6"), 6),
    ]
    .into_iter()
    .enumerate()
    {
        let store = open(&url, &options()).unwrap();
        assert_eq!((record(&store, 0..30), total(&store)), (Ok(30), 30), "{url}");
        append(&store, "entry");
        wait(store.tidy(instant(NOW).plus_ms(72 * HOUR_MS))).unwrap();
        assert_eq!(faults(&store), "", "{url}");
        assert_ne!(server.cli(&["-n", &database.to_string(), "DBSIZE"]).trim(), "0", "{url}");
        let keyspace = server.cli(&["INFO", "keyspace"]);
        assert_eq!(
            keyspace.lines().filter(|line| line.starts_with("db")).count(),
            n + 1,
            "{url}: {keyspace}"
        );
    }
    let said = open(&format!("redis://{host}?db=99"), &options()).unwrap_err().to_string();
    assert!(said.contains("out of range"), "{said}");
    let said = open(&format!("unix://{path}.not"), &options()).unwrap_err().to_string();
    assert!(said.contains("does not answer"), "{said}");
    let on_cluster =
        format!("{}?protocol=resp3", shared_cluster().replace("redis+cluster", "valkey+cluster"));
    let store = open(&on_cluster, &options()).unwrap();
    assert_eq!((record(&store, 0..30), total(&store), faults(&store)), (Ok(30), 30, String::new()));
}

#[test]
fn what_only_looks_like_an_address_is_refused_by_every_command_and_makes_no_directory() {
    let empty = tempfile::tempdir().unwrap();
    let stream = tempfile::NamedTempFile::new().unwrap();
    let stream = stream.path().display().to_string();
    let outside = tempfile::tempdir().unwrap();
    let out = outside.path().join("out.ndjson").display().to_string();
    for place in [
        "valky://h:1",
        "host:6379",
        "http://h",
        "redis:host",
        "redis:/h",
        "redis-sentinel://h/m",
        "//h:6379",
    ] {
        for arguments in [
            &["serve", "--listen", "127.0.0.1:0", "--store", place][..],
            &["replay", &stream, "--out", &out, "--store", place],
            &["copy", "--from", place, "--to", "redis://127.0.0.1:1"],
        ] {
            let said = groundswell(arguments).current_dir(empty.path()).output().unwrap();
            let text = String::from_utf8_lossy(&said.stderr);
            assert!(
                !said.status.success()
                    && text.contains("redis+sentinel://HOST")
                    && text.contains("./NAME"),
                "{arguments:?}: {text}"
            );
        }
        assert_eq!(std::fs::read_dir(empty.path()).unwrap().count(), 0, "{place}");
    }
    for (from, to, expected) in [
        ("redis://127.0.0.1:1", "redis://h", "--from must be a directory"),
        ("data", "data", "--to must be an address"),
    ] {
        let said = groundswell(&["copy", "--from", from, "--to", to])
            .current_dir(empty.path())
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&said.stderr);
        assert!(!said.status.success() && text.contains(expected), "{text}");
    }
    assert_eq!(std::fs::read_dir(empty.path()).unwrap().count(), 0);
    let said =
        open(&format!("{}?timeout=5s", shared_single()), &options()).unwrap_err().to_string();
    assert!(said.contains("no parameter \"timeout\""), "{said}");
}
