//! Whose address counts: that of the peer, or the one that proxies name which are trusted.

use super::{Keyed, by_keys, refused};
use crate::support;
use groundswell::http::client_address::Proxies;
use groundswell::http::limits::AddressLimits;
use groundswell::http::policy::{Anonymous, Policy};
use std::num::NonZeroU32;

/// One report a minute for each address, as these proxies tell it.
fn started(trusted: &[&str], header: &'static str) -> Keyed {
    let limits =
        AddressLimits { reports_per_minute: NonZeroU32::new(1), ..AddressLimits::default() };
    let proxies = Proxies {
        trusted: trusted.iter().map(|network| network.parse().unwrap()).collect(),
        header: header.parse().unwrap(),
    };
    Keyed::start(Policy { limits, proxies, ..by_keys(Anonymous::Report) })
}

fn status(server: &Keyed, headers: &[(&str, &str)]) -> u16 {
    let headers = [&[super::JSON], headers].concat();
    let answer =
        server.send("POST", "/v1/reports", &headers, support::report("r").to_string().as_bytes());
    if answer.status == 429 {
        refused(&answer, 429, "rate_limited");
    }
    answer.status
}

const FOR: &str = "X-Forwarded-For";

#[test]
fn each_address_behind_trusted_proxies_has_its_own_minute() {
    let server = started(&["127.0.0.1", "10.0.0.0/8"], "x-forwarded-for");
    let rows: [(&[&str], u16); 12] = [
        (&["203.0.113.9"], 202),
        (&["203.0.113.9"], 429),
        // Two proxies, in one line or in two; and what the caller says of itself.
        (&["203.0.113.9, 10.1.2.3"], 429),
        (&["6.6.6.6", "203.0.113.9", "10.1.2.3"], 429),
        (&["6.6.6.6, 203.0.113.10, 10.1.2.3"], 202),
        (&["7.7.7.7, 203.0.113.10", "10.1.2.3"], 429),
        // A household of IPv6, with a port and without, and its neighbour.
        (&["2001:db8:0:a00::1"], 202),
        (&["[2001:db8:0:aff::7]:4711"], 429),
        (&["2001:db8:0:b00::1"], 202),
        // Nobody is named: the proxy itself asks.
        (&[], 202),
        (&["unknown"], 429),
        (&["203.0.113.77, unknown"], 429),
    ];
    for (lines, expected) in rows {
        let headers: Vec<_> = lines.iter().map(|line| (FOR, *line)).collect();
        assert_eq!(status(&server, &headers), expected, "{lines:?}");
    }
    assert_eq!(server.read("/readyz")["warnings"], serde_json::json!([]));
}

#[test]
fn a_header_of_somebody_who_is_not_trusted_changes_nothing_and_is_told_of() {
    let server = started(&["10.0.0.0/8"], "x-forwarded-for");
    assert_eq!(server.read("/readyz")["warnings"], serde_json::json!([]));
    assert_eq!(status(&server, &[(FOR, "203.0.113.9")]), 202);
    for n in 0..300 {
        assert_eq!(status(&server, &[(FOR, &format!("203.0.113.{}", n % 256))]), 429);
    }
    let warnings = server.read("/readyz")["warnings"].clone();
    let text = warnings[0].as_str().unwrap();
    assert!(text.contains("x-forwarded-for") && text.contains("--trust-proxy 127.0.0.1"), "{text}");
    assert!(!text.contains("203.0.113"), "{text}");
}

#[test]
fn another_header_may_be_chosen_and_no_other_is_read() {
    let server = started(&["127.0.0.1"], "x-real-ip");
    assert_eq!(status(&server, &[("X-Real-IP", "203.0.113.9"), (FOR, "6.6.6.6")]), 202);
    assert_eq!(status(&server, &[("X-Real-IP", "203.0.113.9"), (FOR, "7.7.7.7")]), 429);
    assert_eq!(status(&server, &[("X-Real-IP", "203.0.113.10")]), 202);
    let by_rfc = started(&["127.0.0.1"], "forwarded");
    let named = [("Forwarded", "for=\"[2001:db8::17]:4711\";proto=https")];
    assert_eq!([status(&by_rfc, &named), status(&by_rfc, &named)], [202, 429]);
}
