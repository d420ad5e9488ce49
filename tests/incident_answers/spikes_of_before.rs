//! Spikes as they were listed before, and incidents of which something new was told.

use super::{ids, items, outage_in, start, two_incidents};
use crate::support::client::Client;
use crate::support::{TORONTO, VANCOUVER, text};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What tells the spikes of a list apart, and the score of each.
fn by_place(items: &[Value]) -> BTreeMap<(String, String), f64> {
    let one = |item: &Value| {
        let centre = item["evidence"]["zone"]["centre"].as_str().unwrap_or("global");
        let centre = if item["evidence"]["zone"].is_null() {
            item["cells"][0].as_str().unwrap_or_default()
        } else {
            centre
        };
        let key = (item["provider"].as_str().unwrap().to_owned(), centre.to_owned());
        (key, item["evidence"]["score"].as_f64().unwrap_or_default())
    };
    items.iter().map(one).collect()
}

fn spikes(server: &Client, query: &str) -> Vec<Value> {
    items(server, &format!("/v1/spikes?limit=1000{query}"))
}

#[test]
fn spikes_can_be_read_as_they_were_listed_at_every_minute() {
    let server = start();
    let began = text(server.now());
    let mut listed = Vec::new();
    for people in [60, 30] {
        outage_in(&server, "alpha", TORONTO, people);
        listed.push((text(server.now()), spikes(&server, "")));
        server.watch_minutes(7);
        listed.push((text(server.now()), spikes(&server, "")));
    }
    server.watch_minutes(60);
    assert!(listed[0].1.len() > 1, "{listed:?}");
    for (at, then) in &listed {
        assert_eq!(spikes(&server, &format!("&known_at={at}")), *then, "{at}");
    }
    assert_eq!(spikes(&server, &format!("&known_at={began}")), Vec::<Value>::new());

    // Each place once, as it scored most.
    let all = spikes(&server, &format!("&from={began}"));
    let strongest = by_place(&all);
    assert_eq!(strongest.len(), all.len(), "{all:?}");
    for (at, then) in &listed {
        for (place, score) in by_place(then) {
            assert!(strongest[&place] >= score, "{place:?} at {at}");
        }
    }
    assert_eq!(spikes(&server, &format!("&to={}", text(server.now()))), all);
    let first = &listed[0].0;
    let until = spikes(&server, &format!("&from={began}&to={first}"));
    let known = spikes(&server, &format!("&from={began}&known_at={first}"));
    assert!(until.len() <= known.len() && known.len() <= all.len());
}

#[test]
fn a_spike_of_before_names_the_incident_that_was_open_then() {
    let (server, toronto, _) = two_incidents();
    let at = text(server.now());
    let of = |items: Vec<Value>| items.into_iter().any(|item| item["incident"] == json!(toronto));
    assert!(of(spikes(&server, "&provider=alpha")));
    server.watch_minutes(180);
    assert!(!of(spikes(&server, "&provider=alpha")));
    assert!(of(spikes(&server, &format!("&provider=alpha&known_at={at}"))));
    let map = server.read(&format!("/v1/spikes.geojson?provider=alpha&known_at={at}"));
    assert_eq!(map["features"].as_array().unwrap().len(), {
        spikes(&server, &format!("&provider=alpha&known_at={at}")).len()
    });
}

#[test]
fn pages_of_an_interval_are_together_the_whole_list() {
    let (server, ..) = two_incidents();
    let to = text(server.now());
    server.watch_minutes(30);
    let whole = spikes(&server, &format!("&to={to}"));
    let mut page = server.read(&format!("/v1/spikes?to={to}&limit=2"));
    let mut found = page["items"].as_array().unwrap().clone();
    while let Some(cursor) = page["next_cursor"].as_str() {
        page = server.read(&format!("/v1/spikes?to={to}&limit=2&cursor={cursor}"));
        found.extend(page["items"].as_array().unwrap().clone());
    }
    assert!(found.len() > 2);
    assert_eq!(found, whole);
}

#[test]
fn incidents_of_which_nothing_new_was_told_are_left_out_and_withdrawn_ones_are_not() {
    let server = start();
    outage_in(&server, "alpha", TORONTO, 60);
    server.watch_minutes(240);
    let between = text(server.now());
    let old = ids(&server, "/v1/incidents");
    outage_in(&server, "charlie", VANCOUVER, 60);
    let new = || ids(&server, &format!("/v1/incidents?updated_since={between}"));
    let found = new();
    assert_eq!((old.len(), found.len()), (1, 1));
    assert_ne!(found, old);
    // A note is news of an incident.
    let note = json!({"source": "a", "text": "b", "official": true}).to_string();
    let path = format!("/v1/incidents/{}/notes", old[0]);
    let json_type = [("Content-Type", "application/json")];
    assert_eq!(server.send("POST", &path, &json_type, note.as_bytes()).status, 201);
    assert_eq!(new(), [found[0].clone(), old[0].clone()]);
    let map = server.read(&format!("/v1/incidents.geojson?updated_since={between}"));
    assert_eq!(map["features"].as_array().unwrap().len(), 2);

    let quiet = text(server.now());
    server.watch_minutes(1);
    let void = json!({
        "source": 0, "from": between, "to": text(server.now()), "reason": "invented",
    });
    let taken = server.send("POST", "/v1/voids", &json_type, void.to_string().as_bytes());
    assert_eq!(taken.status, 202, "{taken}");
    server.catch_up();
    server.watch_minutes(1);
    let since = items(&server, &format!("/v1/incidents?updated_since={quiet}"));
    let withdrawn = since.iter().find(|incident| incident["id"] == json!(found[0]));
    assert_eq!(withdrawn.unwrap()["state"], json!("withdrawn"), "{since:?}");
}
