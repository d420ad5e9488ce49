use super::*;
use crate::domain::time::DAY_MS;
use serde_json::json;

const NOW: Timestamp = Timestamp(1_657_269_850_000);

fn key() -> Value {
    json!({"name": "android 2", "source": 3, "scopes": ["report"]})
}

fn but(mut object: Value, fields: &Value) -> Vec<u8> {
    for (name, value) in fields.as_object().unwrap() {
        object[name] = value.clone();
    }
    object.to_string().into_bytes()
}

fn catalogue() -> Catalogue {
    crate::catalogue::builtin()
}

fn first_fault<T>(outcome: Result<T, Vec<Fault>>, body: &str) -> (FaultKind, &'static str) {
    match outcome {
        Ok(_) => panic!("it should be refused: {body}"),
        Err(faults) => (faults[0].kind, faults[0].field),
    }
}

#[test]
fn a_key_is_read_with_all_that_it_may_say() {
    let body = but(
        key(),
        &json!({
            "scopes": ["read", "report"], "providers": ["rogers", "fido", "rogers"],
            "origins": ["https://b.example", "capacitor://localhost"],
            "expires_at": "2022-07-08T08:44:11Z",
            "limits": {"reads_per_minute": 60, "reports_per_second": 5, "reports_per_day": 1},
            "test": true,
        }),
    );
    let key = new_key(&body, NOW, Some(&catalogue())).unwrap();
    assert_eq!((key.source, &*key.name, key.is_test), (Source(3), "android 2", true));
    assert_eq!(key.scopes, [Scope::Report, Scope::Read].into_iter().collect());
    assert_eq!(key.providers.unwrap()[..], ["rogers".to_owned(), "fido".to_owned()]);
    assert_eq!(key.origins[..], ["capacitor://localhost", "https://b.example"].map(str::to_owned));
    assert_eq!(key.expires_at, Some(Timestamp(NOW.0 + 1_000)));
    let limits = KeyLimits {
        reads_per_minute: Some(60),
        reports_per_second: Some(5),
        reports_per_day: Some(1),
    };
    assert_eq!(key.limits, limits);
}

#[test]
fn what_is_left_out_or_null_is_as_if_it_were_not_there() {
    let nothing = json!({"providers": null, "origins": null, "expires_at": null, "limits": null,
        "test": null});
    for body in [key().to_string().into_bytes(), but(key(), &nothing)] {
        let key = new_key(&body, NOW, None).unwrap();
        assert_eq!((key.providers, key.origins.len(), key.expires_at), (None, 0, None));
        assert_eq!((key.limits, key.is_test), (KeyLimits::default(), false));
    }
    let admin = json!({"name": "admin", "scopes": ["admin"]}).to_string();
    assert_eq!(new_key(admin.as_bytes(), NOW, None).unwrap().source, Source(0));
}

#[test]
fn a_key_that_cannot_be_is_refused_by_field() {
    use FaultKind::{InvalidValue, MalformedBody, MissingField, UnknownProvider};
    let rows = [
        (json!({"name": null}), MissingField, "name"),
        (json!({"name": " "}), InvalidValue, "name"),
        (json!({"name": "a\nb"}), InvalidValue, "name"),
        (json!({"name": "x".repeat(101)}), InvalidValue, "name"),
        (json!({"name": 5}), InvalidValue, "name"),
        (json!({"source": null}), MissingField, "source"),
        (json!({"source": 0}), InvalidValue, "source"),
        (json!({"source": 16_384}), InvalidValue, "source"),
        (json!({"source": 1.5}), InvalidValue, "source"),
        (json!({"source": "1"}), InvalidValue, "source"),
        (json!({"scopes": null}), MissingField, "scopes"),
        (json!({"scopes": []}), InvalidValue, "scopes"),
        (json!({"scopes": "report"}), InvalidValue, "scopes"),
        (json!({"scopes": ["report", "write"]}), InvalidValue, "scopes"),
        (json!({"scopes": [1]}), InvalidValue, "scopes"),
        (json!({"scopes": vec!["report"; 5]}), InvalidValue, "scopes"),
        (json!({"providers": []}), InvalidValue, "providers"),
        (json!({"providers": ["nobody"]}), UnknownProvider, "providers"),
        (json!({"providers": "rogers"}), InvalidValue, "providers"),
        (json!({"providers": vec!["rogers"; 101]}), InvalidValue, "providers"),
        (json!({"origins": ["https://*.example"]}), InvalidValue, "origins"),
        (json!({"origins": ["https://a.example/"]}), InvalidValue, "origins"),
        (json!({"origins": "null"}), InvalidValue, "origins"),
        (json!({"origins": vec!["null"; 21]}), InvalidValue, "origins"),
        (json!({"origins": ["null"], "scopes": ["admin"]}), InvalidValue, "scopes"),
        (json!({"origins": ["null"], "scopes": ["exact"]}), InvalidValue, "scopes"),
        (json!({"expires_at": "2022-07-08T08:44:10Z"}), InvalidValue, "expires_at"),
        (json!({"expires_at": "tomorrow"}), InvalidValue, "expires_at"),
        (json!({"expires_at": 1_700_000_000}), InvalidValue, "expires_at"),
        (json!({"limits": {"reports_per_day": 0}}), InvalidValue, "reports_per_day"),
        (json!({"limits": {"reads_per_minute": -1}}), InvalidValue, "reads_per_minute"),
        (json!({"limits": {"reports_per_second": 1e7}}), InvalidValue, "reports_per_second"),
        (json!({"limits": {"reports_per_hour": 5}}), InvalidValue, "limits"),
        (json!({"limits": [1]}), InvalidValue, "limits"),
        (json!({"test": "yes"}), InvalidValue, "test"),
        (json!({"scope": ["admin"]}), MalformedBody, "body"),
    ];
    let catalogue = catalogue();
    for (fields, kind, field) in rows {
        let body = but(key(), &fields);
        let outcome = new_key(&body, NOW, Some(&catalogue));
        assert_eq!(first_fault(outcome, &fields.to_string()), (kind, field), "{fields}");
    }
    for (body, kind) in
        [("[]", MalformedBody), ("5", MalformedBody), ("{", FaultKind::MalformedJson)]
    {
        assert_eq!(first_fault(new_key(body.as_bytes(), NOW, None), body), (kind, "body"));
    }
    let all = new_key(b"{}", NOW, None).unwrap_err();
    assert_eq!(all.iter().map(|fault| fault.field).collect::<Vec<_>>(), ["name", "scopes"]);
}

#[test]
fn origins_are_as_browsers_send_them() {
    let good = [
        "null",
        "https://app.example",
        "http://localhost:3000",
        "https://app.example:8443",
        "capacitor://localhost",
        "ionic://localhost",
        "http://[::1]:8080",
        "https://xn--bcher-kva.example",
        "chrome-extension://abcdefghijklmnopabcdefghijklmnop",
    ];
    for origin in good {
        assert!(is_origin(origin), "{origin}");
    }
    let long = format!("https://{}.example", "a".repeat(250));
    let wrong = [
        "",
        "*",
        "https://*",
        "https://*.example",
        "https://a.example/",
        "https://a.example/x",
        "https://a.example?x",
        "https://a.example#x",
        "https://u@a.example",
        "https://A.example",
        "HTTPS://a.example",
        "a.example",
        "//a.example",
        "https://",
        "https:a.example",
        "https://a.example:443",
        "http://a.example:80",
        "https://a.example:0",
        "https://a.example:65536",
        "https://a.example:",
        "https://a..example",
        "https://bücher.example",
        "https://a.example,https://b.example",
        " https://a.example",
        "file://",
        "Null",
        "https://[::1",
        &long,
    ];
    for origin in wrong {
        assert!(!is_origin(origin), "{origin}");
    }
}

#[test]
fn a_source_is_read_and_changed_field_by_field() {
    let source = new_source(br#"{"name": " My app ", "contact": "ops@example.org"}"#).unwrap();
    assert_eq!((&*source.name, source.may_open), ("My app", true));
    assert_eq!(source.contact.as_deref(), Some("ops@example.org"));
    for (body, field) in [
        ("{}", "name"),
        (r#"{"name": "a", "may_open": 1}"#, "may_open"),
        (r#"{"name": "a", "contact": ""}"#, "contact"),
        (r#"{"name": "a", "number": 5}"#, "body"),
    ] {
        assert_eq!(first_fault(new_source(body.as_bytes()), body).1, field, "{body}");
    }
    let change = source_change(br#"{"contact": null, "may_open": false}"#).unwrap();
    assert_eq!((change.name, change.contact, change.may_open), (None, Some(None), Some(false)));
    let change = source_change(br#"{"name": "b"}"#).unwrap();
    assert_eq!((change.name.as_deref(), change.contact, change.may_open), (Some("b"), None, None));
    for (body, field) in [("{}", "body"), (r#"{"name": null}"#, "name"), (r#"{"a": 1}"#, "body")] {
        assert_eq!(first_fault(source_change(body.as_bytes()), body).1, field, "{body}");
    }
}

#[test]
fn a_key_that_is_rotated_works_for_another_day_unless_somebody_says_how_long() {
    let rows = [
        ("", DAY_MS),
        (" \n", DAY_MS),
        ("{}", DAY_MS),
        (r#"{"grace_seconds": 0}"#, 0),
        (r#"{"grace_seconds": 60.0}"#, 60_000),
        (r#"{"grace_seconds": 31536000}"#, 365 * DAY_MS),
    ];
    for (body, expected) in rows {
        assert_eq!(grace_ms(body.as_bytes()), Ok(expected), "{body:?}");
    }
    for body in
        [r#"{"grace_seconds": -1}"#, r#"{"grace_seconds": 31536001}"#, r#"{"grace_seconds": "1d"}"#]
    {
        assert_eq!(first_fault(grace_ms(body.as_bytes()), body).1, "grace_seconds", "{body}");
    }
    assert_eq!(first_fault(grace_ms(br#"{"grace": "24h"}"#), "").1, "body");
}
