use super::*;
use crate::domain::access::entry::Actor;
use crate::domain::access::key::{KeyHash, KeyRecord};
use crate::domain::access::scope::Scope;
use crate::domain::access::table::KnownKey;
use crate::domain::fact::Source;
use crate::domain::time::Timestamp;
use crate::engine::access::usage::KeyUsage;
use std::net::Ipv6Addr;
use std::sync::Arc;

const NOW: u64 = 1_000 * SECOND_NS;

fn limits(reports: u32, reads: u32) -> Limits {
    Limits::new(AddressLimits {
        reports_per_minute: NonZeroU32::new(reports),
        reads_per_minute: NonZeroU32::new(reads),
    })
}

fn key(id: &str, limits: KeyLimits) -> Admitted {
    let record = KeyRecord {
        id: KeyId::parse(id).unwrap(),
        hash: KeyHash([0; 32]),
        source: Source(1),
        name: id.to_owned(),
        scopes: [Scope::Report].into_iter().collect(),
        providers: None,
        origins: Arc::new([]),
        expires_at: None,
        limits,
        is_test: false,
        created_at: Timestamp(0),
    };
    let key = Arc::new(KnownKey {
        record,
        created_by: Actor::CommandLine,
        revoked_at: None,
        replaced_by: None,
    });
    Admitted { key, usage: Arc::new(KeyUsage::default()) }
}

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// How many units of one are granted, of so many that are asked for.
fn granted(limits: &Limits, budget: &Budget, now: u64, asked: usize) -> usize {
    (0..asked).filter(|_| limits.take(budget, now, 1).is_ok()).count()
}

#[test]
fn an_address_has_its_minute_and_then_waits() {
    let limits = limits(60, 0);
    let budget = limits.budget(Calls::Reports, Some(address("203.0.113.9")), None, 1);
    assert_eq!(granted(&limits, &budget, NOW, 100), 60);
    let refused = limits.take(&budget, NOW, 1).unwrap_err();
    assert_eq!(
        refused,
        Exceeded { policy: "address", quota: 60, window_s: 60, left: 0, wait_s: 1 }
    );
    assert_eq!(granted(&limits, &budget, NOW + 30 * SECOND_NS, 100), 30);
    let reads = limits.budget(Calls::Reads, Some(address("203.0.113.9")), None, 1);
    assert_eq!(granted(&limits, &reads, NOW, 10_000), 10_000, "no limit was set");
}

#[test]
fn a_household_of_ipv6_is_one_caller_and_its_neighbour_another() {
    let limits = limits(10, 10);
    let of = |text| limits.budget(Calls::Reports, Some(address(text)), None, 1);
    assert_eq!(granted(&limits, &of("2001:db8:0:a00::1"), NOW, 10), 10);
    assert_eq!(granted(&limits, &of("2001:db8:0:aff:9:8:7:6"), NOW, 10), 0);
    assert_eq!(granted(&limits, &of("2001:db8:0:b00::1"), NOW, 10), 10);
    assert_eq!(granted(&limits, &of("198.51.100.1"), NOW, 10), 10);
    assert_eq!(granted(&limits, &of("::ffff:198.51.100.1"), NOW, 10), 0);
}

#[test]
fn a_read_costs_twenty_times_as_much_where_it_had_to_be_made() {
    let limits = limits(0, 5);
    let budget = limits.budget(Calls::Reads, Some(address("203.0.113.9")), None, 1);
    assert_eq!(granted(&limits, &budget, NOW, 1_000), 100, "what was there");
    let later = NOW + MINUTE_NS;
    let made = (0..100).filter(|_| limits.take(&budget, later, READ_UNITS).is_ok());
    assert_eq!(made.count(), 5);
    limits.give_back(&budget, 3 * READ_UNITS);
    assert_eq!(granted(&limits, &budget, later, 1_000), 60);
}

#[test]
fn a_million_addresses_take_no_more_memory_and_free_nobody() {
    let limits = limits(6_000, 0);
    let flood = limits.budget(Calls::Reports, Some(address("203.0.113.9")), None, 1);
    assert_eq!(granted(&limits, &flood, NOW, 6_001), 6_000);
    let before = limits.meters().as_ptr();
    let spoofed = (0..1_000_000_u32).filter(|n| {
        let one = IpAddr::V6(Ipv6Addr::from_bits(u128::from(*n) << 72));
        let spoofed = limits.budget(Calls::Reports, Some(one), None, 1);
        limits.take(&spoofed, NOW, 1).is_ok()
    });
    // Those that share the place of the one that was limited are refused with it.
    assert!(999_980 < spoofed.count());
    assert_eq!(limits.meters().as_ptr(), before);
    assert_eq!(size_of_val(limits.meters()), 8 << 20);
    assert!(limits.take(&flood, NOW, 1).is_err(), "who was limited still is");
    let other = limits.budget(Calls::Reports, Some(address("198.51.100.1")), None, 1);
    assert!(5_900 < granted(&limits, &other, NOW, 6_000), "and nobody else is");
}

#[test]
fn a_key_with_a_limit_has_it_on_all_nodes_together() {
    let limits = limits(60, 60);
    let ten = KeyLimits { reports_per_second: Some(10), ..KeyLimits::default() };
    let one = key("AAAAAAAA", ten);
    let budget = limits.budget(Calls::Reports, None, Some(&one), 1);
    assert_eq!(granted(&limits, &budget, NOW, 100), 10);
    let refused = limits.take(&budget, NOW, 1).unwrap_err();
    assert_eq!((refused.policy, refused.quota, refused.window_s), ("key", 10, 1));
    let other = key("BBBBBBBB", ten);
    let shared = limits.budget(Calls::Reports, None, Some(&other), 2);
    assert_eq!(granted(&limits, &shared, NOW, 100), 5);
    let reads = limits.budget(Calls::Reads, Some(address("203.0.113.9")), Some(&one), 1);
    assert_eq!(granted(&limits, &reads, NOW, 60 * 20 + 1), 60 * 20, "as an address");
}

#[test]
fn a_key_without_a_limit_has_that_of_each_address_that_uses_it() {
    let limits = limits(60, 0);
    let key = key("AAAAAAAA", KeyLimits::default());
    for from in ["203.0.113.9", "198.51.100.1"] {
        let with = limits.budget(Calls::Reports, Some(address(from)), Some(&key), 1);
        let without = limits.budget(Calls::Reports, Some(address(from)), None, 1);
        assert_eq!(granted(&limits, &with, NOW, 100), 60, "{from}");
        assert_eq!(granted(&limits, &without, NOW, 100), 60, "{from}");
    }
}

#[test]
fn one_abuser_of_an_apps_key_leaves_half_of_it_to_the_others() {
    let limits = limits(6_000, 0);
    let app =
        key("AAAAAAAA", KeyLimits { reports_per_second: Some(20_000), ..KeyLimits::default() });
    let abuser = limits.budget(Calls::Reports, Some(address("203.0.113.9")), Some(&app), 1);
    let phone = limits.budget(Calls::Reports, Some(address("198.51.100.1")), Some(&app), 1);
    assert_eq!(granted(&limits, &abuser, NOW, 50_000), 10_000);
    assert_eq!(limits.take(&abuser, NOW, 1).unwrap_err().policy, "address");
    assert_eq!(granted(&limits, &phone, NOW, 6_000), 6_000, "an address may always send as much");
    // Alone, the abuser may use what the key may: so may a backend that speaks for all.
    let second = NOW + 10 * SECOND_NS;
    assert_eq!(granted(&limits, &abuser, second, 50_000), 10_000);
}

#[test]
fn a_small_key_keeps_half_for_others_on_each_of_its_nodes() {
    for nodes in [1, 4] {
        let limits = limits(6_000, 0);
        let app =
            key("AAAAAAAA", KeyLimits { reports_per_second: Some(100), ..KeyLimits::default() });
        let of = |from: &str| limits.budget(Calls::Reports, Some(address(from)), Some(&app), nodes);
        let (abuser, phone) = (of("203.0.113.9"), of("198.51.100.1"));
        let half = 50 / nodes as usize;
        for second in 0..10 {
            let now = NOW + second * SECOND_NS;
            let taken = granted(&limits, &abuser, now, 1_000);
            assert!((half - 1..=half + 1).contains(&taken), "{nodes} {second} {taken}");
            assert_eq!(limits.take(&abuser, now, 1).unwrap_err().policy, "address");
            assert!(half / 2 <= granted(&limits, &phone, now, half), "{nodes} {second}");
        }
        let alone = NOW + 60 * SECOND_NS;
        assert!(limits.take(&abuser, alone, half as u64).is_ok());
        let refused = limits.take(&abuser, alone, 10).unwrap_err();
        assert_eq!(refused.policy, "address", "a batch beyond its share, and half is used");
    }
}

#[test]
fn what_a_key_refuses_costs_the_address_nothing() {
    let limits = limits(6_000, 0);
    let app = key("AAAAAAAA", KeyLimits { reports_per_second: Some(100), ..KeyLimits::default() });
    let of = |from: &str| limits.budget(Calls::Reports, Some(address(from)), Some(&app), 1);
    let phone = of("198.51.100.1");
    for n in 0..4 {
        let other = format!("203.0.113.{n}");
        limits.take(&of(&other), NOW, 25).unwrap();
    }
    assert_eq!(limits.take(&phone, NOW, 40).unwrap_err().policy, "key");
    assert!(limits.take(&phone, NOW + SECOND_NS, 50).is_ok());
}

#[test]
fn what_is_owed_is_waited_for() {
    let limits = limits(60, 0);
    let budget = limits.budget(Calls::Reports, Some(address("203.0.113.9")), None, 1);
    limits.take(&budget, NOW, 1).unwrap();
    limits.owe(&budget, NOW, 179);
    assert_eq!(limits.take(&budget, NOW, 1).unwrap_err().wait_s, 121);
    assert!(limits.take(&budget, NOW + 121 * SECOND_NS, 1).is_ok());
}

#[test]
fn a_server_without_limits_keeps_no_meters() {
    let limits = limits(0, 0);
    assert!(!limits.look_at_addresses());
    let budget = limits.budget(Calls::Reports, Some(address("203.0.113.9")), None, 1);
    assert_eq!(granted(&limits, &budget, NOW, 100_000), 100_000);
    assert!(limits.meters.get().is_none());
}
