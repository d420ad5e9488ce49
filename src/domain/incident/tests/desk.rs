use super::world::*;
use crate::domain::detect::episode::{Episode, State as EpisodeState};
use crate::domain::fact::Source;
use crate::domain::incident::attribution::Verdict;
use crate::domain::incident::desk::withdrawn;
use crate::domain::incident::entry::{Entry, Void};
use crate::domain::incident::{Ending, IncidentId, State};
use crate::domain::provider::Category;
use crate::domain::time::Window;
use std::sync::Arc;

const CANADA: [(&str, &str); 4] =
    [("rogers", "rogers"), ("fido", "rogers"), ("chatr", "rogers"), ("bell", "bell")];

#[test]
fn an_episode_begins_an_incident_that_any_node_would_name_the_same() {
    let mut world = World::of(&CANADA);
    world.begins("rogers", episode(7, TORONTO, 0, 30.0));
    let told = world.after(0);
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].id, IncidentId::of("rogers", "rogers", 7, None));
    assert_eq!(
        (told[0].state, told[0].detected_at, told[0].onset),
        (State::Confirmed, at(0), at(-8))
    );
    assert_eq!(IncidentId::parse(&told[0].id.to_string()), Some(told[0].id));
    assert!(world.after(1).is_empty(), "what has not changed is not told again");
}

#[test]
fn brands_of_a_network_that_fail_at_one_place_are_one_incident() {
    let mut world = World::of(&CANADA);
    world.begins("rogers", episode(1, TORONTO, 0, 30.0));
    world.after(0);
    world.begins("fido", episode(2, TORONTO, 3, 12.0));
    let told = world.after(3);
    let brands: Vec<&str> = told[0].brands.iter().map(|brand| &*brand.provider).collect();
    assert_eq!((told.len(), brands), (1, vec!["rogers", "fido"]));
    assert_eq!(told[0].revision, 1);
}

#[test]
fn a_brand_too_small_to_be_flagged_by_itself_joins_the_network_that_fails() {
    let mut world = World::of(&CANADA);
    world.carrier("chatr").hourly = (18.0, 0.6);
    world.begins("rogers", episode(1, TORONTO, 0, 30.0));
    let told = world.after(0);
    assert!(told[0].brand("chatr").is_some_and(|brand| brand.episodes.is_empty()));
    assert!(told[0].brand("fido").is_none(), "its reports are as on any day");
}

#[test]
fn a_stray_report_of_a_small_brand_that_joins_later_does_not_move_the_onset() {
    let mut world = World::of(&CANADA);
    world.begins("rogers", episode(1, TORONTO, 0, 30.0));
    world.after(0);
    world.begins("chatr", Episode { onset: at(-35), ..episode(2, TORONTO, 5, 8.0) });
    let told = &world.after(5)[0];
    assert_eq!(told.onset, at(-8));
    assert_eq!(
        told.brand("chatr").map(|brand| brand.onset),
        Some(at(-35)),
        "what it says of itself is told with it"
    );
}

#[test]
fn a_brand_that_joins_with_stronger_evidence_moves_the_onset_back() {
    let mut world = World::of(&CANADA);
    world.begins("chatr", episode(1, TORONTO, 0, 8.0));
    world.after(0);
    world.begins("rogers", Episode { onset: at(-20), ..episode(2, TORONTO, 5, 90.0) });
    assert_eq!(world.after(5)[0].onset, at(-20));
    world.begins("fido", Episode { onset: at(1), ..episode(3, TORONTO, 6, 120.0) });
    assert_eq!(
        world.after(1)[0].onset,
        at(-8),
        "the brand that was told first began before it was told"
    );
}

#[test]
fn a_network_that_fails_at_two_far_places_has_two_incidents() {
    let mut world = World::of(&CANADA);
    world.begins("rogers", episode(1, TORONTO, 0, 30.0));
    world.begins("rogers", episode(2, VANCOUVER, 0, 20.0));
    assert_eq!(world.after(0).len(), 2);
}

#[test]
fn a_carrier_that_is_blamed_for_its_neighbour_is_not_flagged() {
    let mut world = World::of(&CANADA);
    world.carrier("rogers").hourly = (6_000.0, 60.0);
    world.carrier("bell").hourly = (360.0, 60.0);
    world.begins("rogers", episode(1, TORONTO, 0, 900.0));
    world.begins("bell", episode(2, TORONTO, 0, 60.0));
    let told = world.after(0);
    assert_eq!(told.len(), 1);
    let bell = &told[0].attributions[0];
    assert_eq!((&*bell.provider, bell.verdict), ("bell", Verdict::Collateral));
    assert!((0.04..0.06).contains(&bell.share.unwrap()), "{bell:?}");
}

#[test]
fn three_who_blame_it_where_its_neighbour_has_none_by_chance_flag_no_carrier_but_twenty_do() {
    for (an_hour, flagged) in [(18.0, false), (120.0, true)] {
        let mut world = World::of(&CANADA);
        (world.carrier("rogers").hourly, world.carrier("rogers").hourly_in) =
            ((6_000.0, 60.0), Some((OTTAWA, (0.06, 0.06))));
        (world.carrier("bell").hourly, world.carrier("bell").hourly_in) =
            ((360.0, 60.0), Some((OTTAWA, (an_hour, 0.06))));
        let mut everywhere = episode(1, TORONTO, 0, 900.0);
        everywhere.evidence.centre = None;
        world.begins("rogers", everywhere);
        world.begins("bell", episode(2, OTTAWA, 0, an_hour / 6.0));
        let networks: Vec<String> =
            world.after(0).into_iter().map(|incident| incident.network).collect();
        assert_eq!(networks.contains(&"bell".to_owned()), flagged, "{networks:?}");
    }
}

#[test]
fn two_carriers_that_fail_together_are_both_flagged() {
    let mut world = World::of(&CANADA);
    world.carrier("rogers").hourly = (6_000.0, 60.0);
    world.carrier("bell").hourly = (4_000.0, 60.0);
    world.begins("rogers", episode(1, TORONTO, 0, 900.0));
    world.begins("bell", episode(2, TORONTO, 0, 600.0));
    let networks: Vec<String> =
        world.after(0).into_iter().map(|incident| incident.network).collect();
    assert_eq!(networks.len(), 2);
    assert!(networks.contains(&"bell".to_owned()));
}

#[test]
fn a_small_carrier_that_fails_beside_a_large_one_is_flagged() {
    let mut world = World::of(&CANADA);
    world.carrier("rogers").hourly = (6_000.0, 60.0);
    // A twentieth of the other's size, and as many times its usual reports.
    world.carrier("bell").hourly = (300.0, 3.0);
    world.begins("rogers", episode(1, TORONTO, 0, 900.0));
    world.begins("bell", episode(2, TORONTO, 0, 45.0));
    assert_eq!(world.after(0).len(), 2);
}

#[test]
fn an_incident_of_a_service_points_at_what_took_it_along() {
    let mut world = World::of(&[("rogers", "rogers"), ("interac", "interac")]);
    let interac = &mut world.carrier("interac").provider;
    (interac.depends_on, interac.category) = (vec!["rogers".into()], Category::Service);
    world.carrier("rogers").hourly = (6_000.0, 60.0);
    world.carrier("interac").hourly = (120.0, 60.0);
    world.begins("rogers", episode(1, TORONTO, 0, 900.0));
    world.begins("interac", episode(2, TORONTO, 0, 50.0));
    let told = world.after(0);
    let interac = told
        .iter()
        .find(|incident| incident.network == "interac")
        .expect("a service that fails is flagged");
    let cause = interac.cause.as_ref().expect("with its cause");
    assert_eq!(
        (&*cause.provider, cause.incident),
        ("rogers", IncidentId::of("rogers", "rogers", 1, None))
    );
}

#[test]
fn an_incident_whose_reports_ebb_away_recovers_before_it_is_over() {
    let mut world = World::of(&CANADA);
    world.begins("rogers", episode(1, TORONTO, 0, 30.0));
    world.after(0);
    world.after(60);
    world.ends("rogers");
    assert_eq!(world.after(0)[0].state, State::Recovering);
    assert!(world.after(20).iter().all(|told| told.state == State::Recovering));
    let told = world.after(15);
    assert_eq!(
        (told[0].state, told[0].resolved_at, told[0].ending.clone()),
        (State::Resolved, Some(at(60)), Some(Ending::Ebbed))
    );
}

#[test]
fn an_outage_that_flaps_is_one_incident_without_an_end_in_between() {
    let mut world = World::of(&CANADA);
    world.begins("rogers", episode(1, TORONTO, 0, 30.0));
    world.after(0);
    let mut states = Vec::new();
    for _ in 0..4 {
        world.now += 180;
        world.ends("rogers");
        states.extend(world.after(0));
        // A recovery of 50 minutes, looked at every ten.
        (0..5).for_each(|_| states.extend(world.after(10)));
        let again = world.carrier("rogers").episodes.iter_mut().last().unwrap();
        (again.state, again.resolved_at) = (EpisodeState::Confirmed, None);
        states.extend(world.after(0));
    }
    assert!(states.iter().all(|told| told.id == states[0].id && told.state.is_open()));
    assert!(states.iter().any(|told| told.state == State::Recovering));
}

#[test]
fn an_outage_that_comes_back_under_another_number_is_the_same_incident() {
    let mut world = World::of(&CANADA);
    world.begins("rogers", episode(1, TORONTO, 0, 30.0));
    let first = world.after(0)[0].id;
    world.ends("rogers");
    world.after(60);
    assert!(world.open().is_empty());
    world.begins("rogers", episode(9, TORONTO, world.now, 30.0));
    let told = world.after(0);
    assert_eq!((told[0].id, told[0].state, told[0].resolved_at), (first, State::Confirmed, None));
}

#[test]
fn two_incidents_of_a_network_that_grow_together_go_on_as_the_first() {
    let mut world = World::of(&CANADA);
    world.begins("rogers", episode(1, TORONTO, 0, 30.0));
    let first = world.after(0)[0].id;
    world.begins("fido", episode(2, OTTAWA, 5, 20.0));
    let second = world.after(5)[0].id;
    world.carrier("fido").episodes[0].cells.extend(cells(TORONTO, 1));
    world.carrier("fido").episodes[0].cells.sort_unstable();
    let told = world.after(2);
    let (kept, gone) = (
        told.iter().find(|told| told.id == first).unwrap(),
        told.iter().find(|told| told.id == second).unwrap(),
    );
    assert_eq!((gone.state, gone.ending.clone()), (State::Resolved, Some(Ending::Merged(first))));
    assert!(
        kept.brand("fido").is_some()
            && cells(OTTAWA, 1).iter().all(|cell| kept.cells.contains(cell))
    );
    // From now on its episode belongs to the first.
    assert!(world.after(1).is_empty());
    world.ends("fido");
    assert!(world.after(1).iter().all(|told| told.id == first));
}

#[test]
fn a_node_that_takes_over_with_other_numbers_goes_on_with_the_same_incident() {
    let mut world = World::of(&CANADA);
    world.begins("rogers", episode(1, TORONTO, 0, 30.0));
    let id = world.after(0)[0].id;
    // Its own detector opened the episode a minute later.
    world.carrier("rogers").episodes = vec![episode(2, TORONTO, 1, 33.0)];
    let told = world.after(2);
    assert!(
        told.iter().all(|told| told.id == id
            && told.state == State::Confirmed
            && told.detected_at == at(0)),
        "{told:?}"
    );
    // And to a node whose detector knows nothing of it, it is recovering, then over.
    world.carrier("rogers").episodes.clear();
    assert_eq!(world.after(2)[0].state, State::Recovering);
    assert_eq!(world.after(60)[0].state, State::Resolved);
}

#[test]
fn what_began_and_ended_while_nobody_looked_is_told_once() {
    let mut world = World::of(&CANADA);
    world.begins("rogers", episode(1, TORONTO, 0, 30.0));
    world.now = 30;
    world.ends("rogers");
    let told = world.after(300);
    assert_eq!(
        (told.len(), told[0].state, told[0].resolved_at),
        (1, State::Resolved, Some(at(30)))
    );
    // Another node found the same under another number.
    world.carrier("rogers").episodes[0].id = 2;
    assert!(world.after(1).is_empty());
}

#[test]
fn an_incident_of_a_provider_that_is_retired_ends_with_that_reason() {
    let mut world = World::of(&CANADA);
    world.begins("rogers", episode(1, TORONTO, 0, 30.0));
    world.after(0);
    world.carrier("rogers").provider.retired = true;
    assert_eq!(world.after(1)[0].ending, Some(Ending::Retired));
    assert!(world.after(1).is_empty());
    let mut world = World::of(&CANADA);
    world.begins("rogers", episode(1, TORONTO, 0, 30.0));
    world.after(0);
    world.carriers.remove(0);
    let told = world.after(1);
    assert_eq!((told[0].state, told[0].ending.clone()), (State::Resolved, Some(Ending::Retired)));
}

#[test]
fn an_incident_of_a_provider_nobody_knows_yet_is_told_with_reserve() {
    let mut world = World::of(&CANADA);
    world.carrier("rogers").is_cold = true;
    world.begins("rogers", episode(1, TORONTO, 0, 8.0));
    assert_eq!(world.after(0)[0].state, State::Possible);
}

#[test]
fn an_incident_that_goes_on_is_told_anew_as_its_figures_grow() {
    let mut world = World::of(&CANADA);
    world.begins("rogers", episode(1, TORONTO, 0, 30.0));
    world.after(0);
    let told: usize = (0..60).map(|_| world.after(1).len()).sum();
    assert_eq!(told, 6);
}

#[test]
fn an_incident_that_was_withdrawn_stays_so_and_says_why() {
    let mut world = World::of(&CANADA);
    world.begins("rogers", episode(1, TORONTO, 0, 30.0));
    let incident = world.after(0).remove(0);
    let window = Window { from: START.plus(-60), to: START.plus(60) };
    let void = Void {
        source: Source(3),
        window,
        provider: None,
        reason: "a broken app".into(),
        known_at: at(5),
        withdrew: None,
    };
    world.now = 5;
    let gone = withdrawn(&incident, &void, at(5));
    assert_eq!(
        (gone.state, gone.ending.clone()),
        (State::Withdrawn, Some(Ending::Withdrawn("a broken app".into())))
    );
    world.register.take(Some(Entry::Revision(Arc::new(gone))));
    assert!(world.after(1).is_empty() && world.open().is_empty());
}

#[test]
fn everywhere_takes_in_what_was_told_of_regions() {
    let mut world = World::of(&CANADA);
    world.begins("rogers", episode(1, TORONTO, 0, 30.0));
    world.begins("rogers", episode(2, VANCOUVER, 0, 20.0));
    world.after(0);
    world.ends("rogers");
    let mut everywhere = episode(3, TORONTO, 4, 500.0);
    everywhere.evidence.centre = None;
    world.begins("rogers", everywhere);
    world.after(4);
    let open = world.open();
    assert_eq!((open.len(), open[0].everywhere), (1, true));
}

#[test]
fn an_incident_that_is_over_is_not_told_again_for_what_a_neighbour_explains() {
    let mut world = World::of(&CANADA);
    world.begins("bell", episode(5, TORONTO, 0, 12.0));
    world.after(0);
    world.ends("bell");
    world.after(60);
    assert!(world.open().is_empty());
    world.carrier("rogers").hourly = (6_000.0, 60.0);
    world.carrier("bell").hourly = (360.0, 60.0);
    world.begins("rogers", episode(1, TORONTO, world.now, 900.0));
    let again = world.carrier("bell").episodes.iter_mut().last().unwrap();
    (again.state, again.resolved_at) = (EpisodeState::Confirmed, None);
    let networks: Vec<String> = world.after(0).into_iter().map(|told| told.network).collect();
    assert_eq!(networks, ["rogers"]);
}
