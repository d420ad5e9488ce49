//! Exact figures: by a key with the scope for them, and only where they are asked for.

use super::{READS, asking, rule, rule_of};
use crate::keys::{Keyed, by_keys, get, refused, with_key};
use crate::support::server::TestServer;
use groundswell::domain::time::DAY_MS;
use groundswell::http::policy::Anonymous;
use serde_json::json;

fn started(anonymous: Anonymous) -> (Keyed, [String; 2]) {
    let server = TestServer::start_by_asking(by_keys(anonymous), asking(3, 7));
    let server = Keyed::of(server);
    server.catch_up();
    let keys = [&["read"][..], &["exact"]]
        .map(|scopes| server.key(&json!({"name": "a", "scopes": scopes})).1);
    (server, keys)
}

#[test]
fn exact_figures_take_a_key_with_the_scope_for_them() {
    // Nobody is given them without a key, whatever else everybody may do.
    for anonymous in [Anonymous::Read, Anonymous::All] {
        let (server, [read, exact]) = started(anonymous);
        for (path, has_rule) in READS {
            let asked = format!("{path}&exact=true");
            let detail = refused(&server.get(&asked), 401, "unauthenticated");
            assert!(detail.contains("scope exact"), "{asked}: {detail}");
            let without = get(&server, &read, &asked);
            refused(&without, 403, "forbidden");
            assert_eq!(without.json()["required_scope"], json!("exact"), "{asked}");
            let answer = get(&server, &exact, &asked);
            if answer.status == 404 {
                continue;
            }
            assert_eq!(answer.status, 200, "{asked}: {answer}");
            assert_eq!(answer.header("cache-control"), Some("private, no-store"), "{asked}");
            assert!(!has_rule || rule_of(&answer.json()).is_null(), "{asked}: {answer}");
        }
    }
}

#[test]
fn exact_is_true_or_false_and_nothing_else() {
    let (server, [_, exact]) = started(Anonymous::Read);
    for (path, _) in READS {
        for value in ["yes", "1", "", "TRUE", "false,true"] {
            let asked = format!("{path}&exact={value}");
            let detail = refused(&get(&server, &exact, &asked), 400, "invalid_value");
            assert!(detail.contains("exact must be true or false"), "{asked}: {detail}");
        }
    }
    let path = "/v1/voids?exact=true";
    refused(&get(&server, &exact, path), 400, "unknown_parameter");
}

#[test]
fn a_key_for_exact_figures_that_does_not_ask_for_them_reads_what_everybody_does() {
    let (server, [read, exact]) = started(Anonymous::Read);
    for (path, has_rule) in READS {
        let public = server.get(path);
        for key in [&read, &exact, &server.admin] {
            for more in ["", "&exact=false"] {
                let answer = get(&server, key, &format!("{path}{more}"));
                assert_eq!(answer.body, public.body, "{path}");
                for header in ["etag", "cache-control", "vary"] {
                    assert_eq!(answer.header(header), public.header(header), "{path}");
                }
            }
        }
        if has_rule {
            assert_eq!(rule_of(&public.json()), rule(3, 7), "{path}");
            let kept = public.header("cache-control").unwrap();
            assert!(kept.starts_with("public, max-age"), "{path}: {kept}");
            assert_eq!(public.header("vary"), Some("Accept-Encoding"), "{path}");
        }
    }
}

#[test]
fn what_was_read_exactly_comes_out_of_no_cache_to_anybody_else() {
    let (server, [_, exact]) = started(Anonymous::Read);
    for (path, _) in READS.iter().filter(|(_, has_rule)| *has_rule) {
        let asked = format!("{path}&exact=true");
        let (first, public) = (get(&server, &exact, &asked), server.get(path));
        assert!(rule_of(&first.json()).is_null(), "{path}");
        assert_eq!(rule_of(&public.json()), rule(3, 7), "{path}");
        let tag = first.header("etag").unwrap();
        assert_ne!(Some(tag), public.header("etag"), "{path}");
        let known = server.send("GET", path, &[("If-None-Match", tag)], b"");
        assert_eq!((known.status, &known.body), (200, &public.body), "{path}");
        refused(
            &server.send("GET", &asked, &[("If-None-Match", tag)], b""),
            401,
            "unauthenticated",
        );
        let headers = [("If-None-Match", public.header("etag").unwrap())];
        let again = with_key(&server, &exact, "GET", &asked, &headers, b"");
        assert_eq!((again.status, rule_of(&again.json())), (200, json!(null)), "{path}");
    }
}

#[test]
fn a_rule_that_was_raised_is_told_at_once() {
    let (server, _) = started(Anonymous::Read);
    let path = "/v1/heatmap?provider=alpha&to=2022-07-08T08:00:00Z";
    assert_eq!(rule_of(&server.read(path)), rule(3, 7));
    server.must("PUT", "/v1/privacy", &json!({"k": 9, "finest": 6}));
    assert_eq!(rule_of(&server.read(path)), rule(9, 6), "also of what was before");
    server.advance_minutes(1);
    server.must("PUT", "/v1/privacy", &json!({"k": 2, "finest": 8}));
    assert_eq!(rule_of(&server.read(path)), rule(9, 6), "which stays");
    assert_eq!(rule_of(&server.read("/v1/heatmap?provider=alpha")), rule(2, 8));
}

/// Who read exactly, by the ledger: the ids of their keys, the newest first.
fn exact_reads(server: &Keyed) -> Vec<String> {
    let audit = server.must("GET", "/v1/audit", &json!({}));
    let items = audit["items"].as_array().unwrap();
    let reads = items.iter().filter(|entry| entry["change"] == "exact_read");
    reads.map(|entry| entry["by_key"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn each_key_that_read_exactly_is_on_record_once_a_day() {
    let (server, [read, exact]) = started(Anonymous::Read);
    let (one, other) = (&exact[4..12], &server.admin[4..12]);
    for (path, _) in READS {
        get(&server, &exact, &format!("{path}&exact=true"));
        get(&server, &exact, path);
        get(&server, &read, &format!("{path}&exact=true"));
    }
    server.step_access();
    assert_eq!(exact_reads(&server), [one], "who was refused did not read");
    let path = "/v1/series?provider=alpha&exact=true";
    for _ in 0..3 {
        get(&server, &exact, path);
        server.step_access();
    }
    assert_eq!(exact_reads(&server), [one]);
    get(&server, &server.admin, path);
    server.step_access();
    assert_eq!(exact_reads(&server), [other, one]);
    server.advance_ms(DAY_MS);
    get(&server, &exact, path);
    server.step_access();
    assert_eq!(exact_reads(&server), [one, other, one]);
}
