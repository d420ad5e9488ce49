//! What stays of where an incident was: the journal never says it, and places do for 57
//! days.

use super::{VILLAGE, both, cells, public, speak, start};
use crate::support::stored::wait;
use crate::support::{CATALOGUE, catalogue};
use groundswell::domain::grid::Cell;
use groundswell::domain::time::{DAY_MS, DEFAULT_LATENESS_MS};
use groundswell::store::journal::{JournalName, Position, Tail};
use groundswell::store::places::PLACES_KEPT_DAYS;
use groundswell::store::{Store, Terms, embedded::Options};
use std::path::Path;

/// All that a journal says, as text; and all places.
fn at_rest(directory: &Path) -> (String, String) {
    let key = groundswell::domain::reporter::ReporterKey::new(b"secret of tests");
    let terms = Terms { reporter_key_check: key.check_value(), lateness_ms: DEFAULT_LATENESS_MS };
    let store = Store::open_embedded(directory, &catalogue(), terms, Options::default()).unwrap();
    let Tail::Since(piece) = wait(store.journal(JournalName::Incidents, Position::START)).unwrap()
    else {
        panic!("nothing was lost")
    };
    assert!(!piece.more && !piece.entries.is_empty());
    let keys = wait(store.places_since(0)).unwrap();
    let places = wait(store.places(&keys)).unwrap();
    (text(piece.entries), text(places.into_iter().flatten().collect()))
}

fn text(entries: Vec<Vec<u8>>) -> String {
    let plain = entries.into_iter().map(|bytes| match bytes.first() {
        Some(b'{') => bytes,
        _ => zstd::bulk::decompress(&bytes, 1 << 20).unwrap(),
    });
    plain.map(|bytes| String::from_utf8(bytes).unwrap() + "\n").collect()
}

/// Which of these cells a text names.
fn named_in<'a>(text: &str, cells: &'a [Cell]) -> Vec<&'a Cell> {
    cells.iter().filter(|cell| text.contains(&cell.to_string())).collect()
}

#[test]
fn the_journal_holds_no_exact_cell_and_places_do_for_57_days() {
    let server = start();
    speak(&server, VILLAGE, 0..5);
    let (told, exact) = both(&server);
    let named = cells(&told);
    let hidden: Vec<Cell> =
        cells(&exact).into_iter().filter(|cell| !named.contains(cell)).collect();
    assert!(!hidden.is_empty(), "{exact}");
    let directory = server.into_directory();
    let (journal, places) = at_rest(directory.path());
    assert_eq!(named_in(&journal, &hidden), Vec::<&Cell>::new(), "{journal}");
    assert_eq!(named_in(&places, &hidden).len(), hidden.len(), "{places}");
    assert!(journal.contains(r#""public":"#) && !places.contains(r#""public":"#));
}

#[test]
fn a_server_that_starts_again_tells_the_same_until_places_are_forgotten() {
    let server = start();
    speak(&server, VILLAGE, 0..14);
    server.watch_minutes(200);
    // Late reports are counted a last time.
    server.advance_ms(3 * DAY_MS);
    server.catch_up();
    let before = both(&server);
    assert_eq!(before.0["state"], "resolved", "{before:?}");
    let of_map = |server: &crate::support::server::TestServer| {
        let drawn = public(server, "/v1/incidents.geojson");
        drawn["features"][0]["geometry"].clone()
    };
    let drawn = of_map(&server);
    let server = server.restarted_with(CATALOGUE);
    server.step_detection();
    assert_eq!((both(&server), of_map(&server)), (before.clone(), drawn));
    server.advance_ms((PLACES_KEPT_DAYS + 2) * DAY_MS);
    server.catch_up();
    // A server that runs and one that starts know the same.
    let running = both(&server);
    let server = server.restarted_with(CATALOGUE);
    server.catch_up();
    assert_eq!(both(&server), running);
    let (told, exact) = running;
    assert_eq!((&told["cells"], &exact["cells"]), (&before.0["cells"], &before.0["cells"]));
    let (journal, places) = at_rest(server.into_directory().path());
    assert_eq!(places, "");
    assert_eq!(named_in(&journal, &cells(&told)).len(), cells(&told).len());
}
