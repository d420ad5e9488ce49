//! The map as a picture: all that it means is on it, and nothing that could run.

use crate::keys::by_keys;
use crate::support::client::Answer;
use crate::support::past::outage;
use crate::support::server::TestServer;
use crate::support::{TORONTO, VANCOUVER, but, ndjson, report, text};
use groundswell::domain::time::MINUTE_MS;
use groundswell::http::policy::{Anonymous, Policy};
use groundswell::http::publisher::Publisher;
use serde_json::{Value, json};

fn picture(server: &TestServer, query: &str) -> String {
    let answer = server.get(&format!("/v1/map.svg{query}"));
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("image/svg+xml")));
    String::from_utf8(answer.body).unwrap()
}

/// How often an element or attribute stands in it.
fn count(svg: &str, part: &str) -> usize {
    svg.matches(part).count()
}

/// Charlie fails in Toronto, where emergency calls fail, too, and a little in Vancouver.
fn failing() -> (TestServer, String) {
    let server = TestServer::start_after_quiet_past();
    server.catch_up();
    (0..5).for_each(|_| server.step_detection());
    assert_eq!(server.batch(&ndjson(&outage("charlie", TORONTO, 300, 3))).status, 200);
    assert_eq!(server.batch(&ndjson(&outage("charlie", VANCOUVER, 3, 4))).status, 200);
    let calls = (0..4).map(|n| {
        but(
            report(&format!("caller {n}")),
            json!({"provider": "charlie", "symptom": "no_emergency_calls"}),
        )
    });
    assert_eq!(server.batch(&ndjson(&calls.collect::<Vec<Value>>())).status, 200);
    server.watch_minutes(2);
    let list = server.read("/v1/incidents?limit=5");
    let items = list["items"].as_array().unwrap();
    let of = |item: &&Value| item["network"] == "charlie";
    let id = items.iter().find(of).unwrap()["id"].as_str().unwrap().to_owned();
    (server, id)
}

#[test]
fn a_picture_says_what_it_shows_of_when_and_whom_to_name() {
    let (server, id) = failing();
    for (name, query) in [
        ("incident", format!("?incident={id}")),
        ("phone", format!("?incident={id}&width=360&height=640")),
        ("tile", "?provider=charlie&region=4/4/5&window=1h".to_owned()),
        ("world", "?provider=charlie".to_owned()),
        ("narrow", "?provider=charlie&region=6/17/23&width=320&height=320".to_owned()),
    ] {
        let svg = picture(&server, &query);
        // To be looked at by whoever changes how they are drawn.
        let file = format!("{}/map-{name}.svg", env!("CARGO_TARGET_TMPDIR"));
        std::fs::write(file, &svg).unwrap();
        for part in [
            ">Lost service: ",
            " up to 2022-07-08 08:",
            "reports, not customers</text>",
            "Cities: GeoNames, CC BY 4.0</text>",
            ">as expected</text>",
            ">emergency calls fail</text>",
            ">nobody listens here</text>",
        ] {
            let texts = svg.replace("<title>Lost", "");
            assert_eq!(count(&texts, part), 1, "{part} in {name}");
        }
        assert!(count(&svg, "url(#nobody)") >= 1, "an ordinary day is known: {name}");
        for never in ["<script", "href", "http-equiv", "<image", "javascript:", "NaN", "inf"] {
            assert_eq!(count(&svg, never), 0, "{never} in {name}");
        }
        assert!(count(&svg, "stroke=\"#111\" stroke-width=\"2\" d=\"M") >= 1, "incident: {name}");
        // The emergency is drawn, and after all else on the map.
        let calls = svg.rfind("stroke=\"#6a1b9a\" stroke-width=\"3\" d=").unwrap();
        assert!(svg.find("stroke=\"#111\" stroke-width=\"2\" d=").unwrap() < calls, "{name}");
    }
    let svg = picture(&server, &format!("?incident={id}"));
    assert!(svg.contains("width=\"1200\" height=\"630\" viewBox=\"0 0 1200 630\""));
    assert!(
        svg.contains(">Lost service: network charlie<") && svg.contains(">Toronto</text>"),
        "{svg}"
    );
    let phone = picture(&server, &format!("?incident={id}&width=360&height=640"));
    assert!(phone.contains("width=\"360\" height=\"640\""));
    let of_symptom = picture(&server, "?provider=charlie&symptom=no_tv");
    assert!(of_symptom.contains("reports of no_tv, not customers"));
}

#[test]
fn a_picture_is_kept_as_its_window_is() {
    let server = TestServer::start_after_quiet_past();
    server.catch_up();
    let live = server.get("/v1/map.svg?provider=alpha");
    let kept = "private, max-age=10, stale-while-revalidate=60, stale-if-error=3600";
    assert_eq!(live.header("cache-control"), Some(kept));
    let tag = [("If-None-Match", live.header("etag").unwrap())];
    assert_eq!(server.send("GET", "/v1/map.svg?provider=alpha", &tag, b"").status, 304);
    let to = text(server.now().plus_ms(-3 * 24 * 60 * MINUTE_MS));
    let closed = server.get(&format!("/v1/map.svg?provider=alpha&to={to}"));
    assert_eq!(closed.header("cache-control"), Some("private, max-age=86400"));
}

#[test]
fn what_an_operator_says_is_text_and_no_markup() {
    let publisher = Publisher {
        public_url: None,
        attribution: Some("A & B <script>alert(1)</script>".into()),
        licence: Some("CC BY 4.0 \"or later\"".into()),
    };
    let policy = Policy { publisher, ..by_keys(Anonymous::All) };
    let server = TestServer::start_by(policy);
    let svg = picture(&server, "?provider=alpha");
    let credit = "A &amp; B &lt;script&gt;alert(1)&lt;/script&gt; · Groundswell · \
         CC BY 4.0 &quot;or later&quot; · Cities";
    assert!(svg.contains(credit) && !svg.contains("<script"), "{svg}");
    // No ordinary day is known yet: nothing is hatched.
    assert_eq!(count(&svg, "<rect width=\"1200\" height=\"478\" fill=\"url(#nobody)\"/>"), 0);
}

#[test]
fn what_is_no_picture_is_refused_by_field() {
    let server = TestServer::start();
    let field = |answer: &Answer| {
        let error = answer.json()["errors"][0].clone();
        (answer.status, error["field"].as_str().unwrap().to_owned())
    };
    for (query, status, name) in [
        ("width=319", 400, "width"),
        ("width=wide", 400, "width"),
        ("height=1601", 400, "height"),
        ("height=-5", 400, "height"),
        ("region=11/0/0", 400, "region"),
        ("region=3/8/0", 400, "region"),
        ("region=toronto", 400, "region"),
        ("incident=1", 400, "incident"),
        ("incident=00000000000000ab", 404, "incident"),
        ("window=25h", 400, "window"),
        ("symptom=cough", 400, "symptom"),
        ("exact=yes", 400, "exact"),
        ("provider=alpha&network=north", 400, "network"),
    ] {
        let answer = server.get(&format!("/v1/map.svg?{query}"));
        assert_eq!(field(&answer), (status, name.to_owned()), "{query}");
    }
    assert_eq!(server.get("/v1/map.svg?bbox=1,2,3,4").json()["code"], "unknown_parameter");
    assert_eq!(server.get("/v1/map.gif").status, 404);
    let (server, id) = failing();
    let both = server.get(&format!("/v1/map.svg?incident={id}&region=0/0/0"));
    assert_eq!(field(&both), (400, "incident".to_owned()));
}
