//! Entries of the ledger there and back, of this version and others.

use super::*;
use crate::wire::key_text::{KeyText, RANDOM_BYTES};

fn text() -> KeyText {
    KeyText::from_random(&std::array::from_fn::<u8, RANDOM_BYTES, _>(|n| n as u8 * 3)).unwrap()
}

fn record() -> KeyRecord {
    let text = text();
    KeyRecord {
        id: text.id(),
        hash: text.hash(),
        source: LAST_SOURCE,
        name: "Émile's \"app\"\u{2028}".into(),
        scopes: [Scope::Report, Scope::Exact].into_iter().collect(),
        providers: Some(["rogers".to_owned(), "fido".to_owned()].into()),
        origins: ["capacitor://localhost".to_owned()].into(),
        expires_at: Some(Timestamp(9)),
        limits: KeyLimits {
            reads_per_minute: Some(0),
            reports_per_second: Some(u32::MAX),
            reports_per_day: Some(u64::MAX),
        },
        is_test: true,
        created_at: Timestamp(-1),
    }
}

fn entries() -> Vec<Entry> {
    let bare = KeyRecord {
        providers: None,
        origins: [].into(),
        expires_at: None,
        limits: KeyLimits::default(),
        is_test: false,
        source: Source(0),
        ..record()
    };
    let source = SourceRecord {
        number: Source(1),
        name: "Apps".into(),
        contact: Some("ops@example.org".into()),
        may_open: false,
        created_at: Timestamp(3),
    };
    let changes = [
        Change::Source(SourceRecord { contact: None, may_open: true, ..source.clone() }),
        Change::Source(source),
        Change::KeyCreated(bare.clone()),
        Change::KeyRotated { old: bare.id, old_expires_at: Timestamp(7), new: record() },
        Change::KeyRevoked(bare.id),
        Change::ReportsVoided {
            source: LAST_SOURCE,
            from: Timestamp(60_000),
            to: Timestamp(120_000),
            provider: Some("rogers".into()),
        },
        Change::NoteAdded { incident: "3f9a2c41d07be658".into() },
        Change::PrivacySet(PrivacySetting {
            rule: Rule { k: MOST_K, finest: Resolution::FINEST },
            is_chosen: true,
            coin: Coin::new(std::array::from_fn(|n| n as u8 * 17)),
        }),
        Change::ExactRead,
    ];
    let actors = [Actor::CommandLine, Actor::ThisMachine, Actor::Key(bare.id), Actor::Other];
    let entry = |(n, change): (usize, Change)| Entry {
        at: Timestamp(n as i64),
        by: actors[n % actors.len()],
        change,
    };
    changes.into_iter().enumerate().map(entry).collect()
}

#[test]
fn what_is_written_is_read_as_it_was() {
    for entry in entries() {
        assert_eq!(from_bytes(&to_bytes(&entry)).unwrap(), Some(entry));
    }
}

#[test]
fn no_entry_holds_a_secret() {
    let text = text();
    let secret = &text.reveal()[13..];
    for entry in entries() {
        let bytes = String::from_utf8(to_bytes(&entry)).unwrap();
        assert!(!bytes.contains(secret) && !bytes.contains(&secret[..32]), "{bytes}");
    }
}

/// As this version writes it. The names are what later versions must read.
const OF_NOW: [&str; 6] = [
    r#"{"kind":"source","at":1,"by":"command_line","number":1,"name":"Apps","contact":null,"may_open":true,"created_at":1}"#,
    r#"{"kind":"key","at":2,"by":"this_machine","key":{"id":"AbCdEf12","hash":"00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff","source":1,"name":"release 7","scopes":["report","read"],"providers":["rogers"],"origins":[],"expires_at":9,"reads_per_minute":1,"reports_per_second":2,"reports_per_day":3,"is_test":false,"created_at":2}}"#,
    r#"{"kind":"key_rotated","at":3,"by":"key:AbCdEf12","old":"AbCdEf12","old_expires_at":8,"new":{"id":"AbCdEf13","hash":"00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff","source":1,"name":"release 7","scopes":["report"],"providers":null,"origins":["https://example.org"],"expires_at":null,"reads_per_minute":null,"reports_per_second":null,"reports_per_day":null,"is_test":true,"created_at":3}}"#,
    r#"{"kind":"key_revoked","at":4,"by":"other","id":"AbCdEf12"}"#,
    r#"{"kind":"privacy","at":5,"by":"command_line","k":3,"finest":7,"is_chosen":false,"coin":"000102030405060708090a0b0c0d0eff"}"#,
    r#"{"kind":"exact_read","at":6,"by":"key:AbCdEf12"}"#,
];

#[test]
fn entries_are_written_as_they_are_read_by_other_versions() {
    for line in OF_NOW {
        let entry = from_bytes(line.as_bytes()).unwrap().unwrap();
        assert_eq!(String::from_utf8(to_bytes(&entry)).unwrap(), line);
    }
}

#[test]
fn what_a_newer_version_added_is_passed_over() {
    assert_eq!(from_bytes(br#"{"kind":"subscription","at":1,"by":"x"}"#).unwrap(), None);
    let newer = OF_NOW[1]
        .replace(r#""is_test""#, r#""mood":[1],"is_test""#)
        .replace(r#"["report","read"]"#, r#"["report","fly"]"#)
        .replace("this_machine", "person:7");
    let Some(Entry { by, change: Change::KeyCreated(record), .. }) =
        from_bytes(newer.as_bytes()).unwrap()
    else {
        panic!("{newer}")
    };
    assert_eq!(by, Actor::Other);
    assert_eq!(record.scopes, [Scope::Report].into_iter().collect(), "what it knows, and no more");
}

#[test]
fn what_is_no_entry_is_refused() {
    let rows = [
        (String::new(), "not an entry"),
        ("{".into(), "not an entry"),
        (OF_NOW[0].replace(r#""number":1"#, r#""number":0"#), "number of an entry"),
        (OF_NOW[0].replace(r#""number":1"#, r#""number":16384"#), "number of an entry"),
        (OF_NOW[1].replace("00ff00", "00fg00"), "hash of an entry"),
        (OF_NOW[1].replace("00ff00", "00ff"), "hash of an entry"),
        (OF_NOW[1].replace("AbCdEf12", "AbCdEf1"), "id of an entry"),
        (OF_NOW[1].replace(r#""source":1"#, r#""source":16384"#), "source of an entry"),
        (OF_NOW[3].replace("AbCdEf12", "AbCdEf1_"), "id of an entry"),
        (OF_NOW[4].replace(r#""k":3"#, r#""k":0"#), "k of an entry"),
        (OF_NOW[4].replace(r#""k":3"#, r#""k":51"#), "k of an entry"),
        (OF_NOW[4].replace(r#""finest":7"#, r#""finest":9"#), "finest of an entry"),
        (OF_NOW[4].replace("0eff", "0e"), "coin of an entry"),
    ];
    for (bytes, expected) in rows {
        let error = from_bytes(bytes.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(expected), "{bytes}: {error}");
    }
}
