//! Nodes that share a store tell the same, whoever recorded it.

use super::{VILLAGE, both, speak};
use crate::support::past::quiet_past;
use crate::support::redis::own_prefix;
use crate::support::server::TestServer;
use crate::support::stored::wait;

/// Brings a node to the time of another, and lets its detectors look.
fn follow(node: &TestServer, other: &TestServer) {
    node.advance_ms(other.now().ms_since(node.now()));
    node.catch_up();
}

#[test]
fn every_node_tells_both_forms_as_they_were_recorded_and_so_does_who_takes_over() {
    let prefix = own_prefix();
    let first = TestServer::start_on_redis_under(&prefix, quiet_past);
    first.catch_up();
    let second = TestServer::start_on_redis_under(&prefix, |_| ());
    speak(&first, VILLAGE, 0..14);
    follow(&second, &first);
    let told = both(&first);
    assert_ne!(told.0["evidence"], told.1["evidence"], "{told:?}");
    assert_eq!(both(&second), told);
    // Another takes over, from what was exact.
    wait(first.engine.release_lease());
    second.watch_minutes(11);
    let later = both(&second);
    assert!(told.1["revision"].as_u64() < later.1["revision"].as_u64(), "{later:?}");
    assert_eq!(later.1["cells"], told.1["cells"]);
    follow(&first, &second);
    assert_eq!(both(&first), later);
    let third = TestServer::start_on_redis_under(&prefix, |_| ());
    follow(&third, &second);
    assert_eq!(both(&third), later);
}
