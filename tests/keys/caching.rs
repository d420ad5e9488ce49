//! Who may keep an answer: one that not everybody may read comes out of no shared cache.

use super::{Keyed, by_keys, get};
use crate::support;
use groundswell::http::policy::Anonymous;
use serde_json::json;

const READS: [&str; 8] = [
    "/v1/heatmap?provider=alpha",
    "/v1/heatmap.geojson?provider=alpha",
    "/v1/series?provider=alpha",
    "/v1/incidents",
    "/v1/spikes",
    "/v1/providers",
    "/v1/providers/alpha",
    "/v1/voids",
];

fn started(anonymous: Anonymous) -> (Keyed, [String; 2]) {
    let server = Keyed::start(by_keys(anonymous));
    server.catch_up();
    let keys = [&["read"][..], &["exact"]]
        .map(|scopes| server.key(&json!({"name": "a", "scopes": scopes})).1);
    (server, keys)
}

#[test]
fn what_everybody_may_read_is_public_whoever_asks() {
    let (server, [read, exact]) = started(Anonymous::Read);
    for path in READS {
        let public = server.get(path);
        assert_eq!(public.status, 200, "{path}: {public}");
        assert!(public.header("cache-control").unwrap().starts_with("public, max-age"), "{path}");
        assert_eq!(public.header("vary"), Some("Accept-Encoding"), "{path}");
        for key in [&read, &exact] {
            let by_key = get(&server, key, path);
            assert_eq!(by_key.header("cache-control"), public.header("cache-control"), "{path}");
        }
    }
    let document = get(&server, &exact, "/openapi.json");
    assert_eq!(document.header("cache-control"), Some("public, max-age=300"));
}

#[test]
fn what_takes_a_key_is_private() {
    let (server, [read, exact]) = started(Anonymous::Nothing);
    assert_eq!(server.report(&support::report("r")).status, 401);
    for path in READS {
        let refused = server.get(path);
        assert_eq!((refused.status, refused.header("cache-control")), (401, Some("no-store")));
        let answer = get(&server, &read, path);
        let kept = answer.header("cache-control").unwrap();
        assert!(kept.starts_with("private, max-age"), "{path}: {kept}");
        assert_eq!(answer.header("vary"), Some("Accept-Encoding, Authorization"), "{path}");
        let tag = answer.header("etag").unwrap().to_owned();
        let bearer = format!("Bearer {read}");
        let headers = [("Authorization", bearer.as_str()), ("If-None-Match", &tag)];
        let known = server.send("GET", path, &headers, b"");
        assert_eq!((known.status, known.header("cache-control")), (304, Some(kept)), "{path}");
        let unknown = server.send("GET", path, &[("If-None-Match", &tag)], b"");
        assert_eq!(unknown.status, 401, "a tag is no key: {path}");
        let answer = get(&server, &exact, path);
        assert_eq!(answer.header("cache-control"), Some(kept), "{path}");
    }
}

#[test]
fn what_is_for_operators_is_kept_by_nobody() {
    let (server, _) = started(Anonymous::All);
    let of_operators = get(&server, &server.admin, "/v1/keys");
    assert_eq!(of_operators.header("cache-control"), Some("private, no-store"));
}
