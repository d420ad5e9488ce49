//! What everybody was told stays told, to the byte; what was exact, for 57 days.

use super::{KEPT, now, revisions};
use crate::support::client::Client;
use crate::support::older::{OlderStore, On, append, entry};
use crate::support::server::TestServer;
use groundswell::domain::time::DAY_MS;
use groundswell::store::Store;
use groundswell::store::upgrade::Older;
use serde_json::Value;
use std::collections::BTreeMap;

const PASSED_ON: (&str, &str) = ("X-Forwarded-For", "203.0.113.7");

/// Answers by path, as everybody gets them; or as the machine itself does.
fn answers(server: &Client, is_public: bool) -> BTreeMap<String, String> {
    let ask = |path: &str| {
        let headers = if is_public { &[PASSED_ON][..] } else { &[] };
        let answer = server.send("GET", path, headers, b"");
        assert_eq!(answer.status, 200, "{path}: {answer}");
        answer.text().to_owned()
    };
    let list = "/v1/incidents?limit=100";
    let ids: Vec<String> = {
        let list: Value = serde_json::from_str(&ask(list)).unwrap();
        let items = list["items"].as_array().unwrap().iter();
        items.map(|item| item["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(ids.len(), 16);
    let paths = ids.iter().map(|id| format!("/v1/incidents/{id}"));
    let paths = paths.chain([list.to_owned(), "/v1/incidents.geojson".to_owned()]);
    paths.map(|path| (path.clone(), ask(&path))).collect()
}

fn serve(older: &mut OlderStore) -> TestServer {
    let server = match older.on {
        On::Directory => {
            let directory = std::mem::replace(&mut older.directory, tempfile::tempdir().unwrap());
            TestServer::start_on_directory(directory)
        }
        _ => TestServer::start_on_redis_under(&older.prefix, |_: &Store| ()),
    };
    server.catch_up();
    server
}

fn end(server: TestServer, older: &mut OlderStore) {
    match older.on {
        On::Directory => older.directory = server.into_directory(),
        _ => drop(server),
    }
}

#[test]
fn everybody_is_told_the_same_bytes_and_exact_answers_stay_for_57_days() {
    for on in [On::Directory, On::Redis] {
        let mut older = OlderStore::holding(on, &[]);
        let store = older.open_at(now(), true).unwrap();
        let entries: Vec<Vec<u8>> = revisions(now()).iter().map(entry).collect();
        append(&store, &entries);
        drop(store);
        // As this version tells revisions of before that it has not carried over.
        let server = serve(&mut older);
        let [told, exact] = [true, false].map(|is_public| answers(&server, is_public));
        end(server, &mut older);
        older.make_older();
        assert!(older.open(Older::Refused).is_err());
        drop(older.open_at(now(), true).unwrap());
        let server = serve(&mut older);
        let [told_after, exact_after] = [true, false].map(|public| answers(&server, public));
        for (path, before) in &told {
            assert_eq!(before, &told_after[path], "{on:?} {path}");
        }
        let kept_since = groundswell::render::time::rfc3339(now().plus_ms(-(KEPT[0]) * DAY_MS));
        let (mut kept, mut forgotten) = (0, 0);
        for (path, before) in exact.iter().filter(|(path, _)| path.contains("incidents/")) {
            let of: Value = serde_json::from_str(before).unwrap();
            let known_at = of["known_at"].as_str().or(of["updated_at"].as_str());
            if kept_since.as_str() <= known_at.unwrap_or_else(|| panic!("{of}")) {
                assert_eq!(before, &exact_after[path], "{on:?} {path}");
                kept += 1;
            } else {
                let after: Value = serde_json::from_str(&exact_after[path]).unwrap();
                let public: Value = serde_json::from_str(&told[path]).unwrap();
                assert_eq!(after["cells"], public["cells"], "{on:?} {path}");
                forgotten += 1;
            }
        }
        assert_eq!((kept, forgotten), (8, 8));
        end(server, &mut older);
    }
}
