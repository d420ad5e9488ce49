use super::world::*;
use crate::domain::grid::{Cell, Resolution};
use crate::domain::incident::entry::{Entry, Note};
use crate::domain::incident::public::Naming;
use crate::domain::incident::register::Register;
use crate::domain::incident::register::{Filter, MOST_NOTES};
use crate::domain::incident::{Form, Incident, IncidentId, State};
use crate::domain::privacy::rule::Rule;
use std::sync::Arc;

fn world() -> World {
    let mut world = World::of(&[("rogers", "rogers"), ("bell", "bell")]);
    world.begins("rogers", episode(1, TORONTO, 0, 30.0));
    world.after(0);
    world.begins("bell", episode(2, VANCOUVER, 30, 20.0));
    world.after(30);
    world.ends("rogers");
    world.after(5);
    world.after(30);
    world
}

#[test]
fn what_was_known_at_an_instant_can_be_asked() {
    let world = world();
    let case = world.register.get(IncidentId::of("rogers", "rogers", 1, None)).unwrap();
    assert!(case.known_at(at(-1)).is_none());
    assert_eq!(case.known_at(at(0)).map(|known| known.state), Some(State::Confirmed));
    assert_eq!(case.known_at(at(36)).map(|known| known.state), Some(State::Recovering));
    assert_eq!(case.latest().state, State::Resolved);
    assert!(case.revisions().windows(2).all(|pair| pair[0].revision + 1 == pair[1].revision));
}

#[test]
fn incidents_are_listed_newest_first_from_any_place() {
    let world = world();
    let all: Vec<_> =
        world.register.newest_first(None).map(|case| case.latest().network.clone()).collect();
    assert_eq!(all, ["bell", "rogers"]);
    let bell = world.register.newest_first(None).next().unwrap().latest();
    let rest: Vec<_> = world
        .register
        .newest_first(Some((bell.detected_at, bell.id)))
        .map(|case| case.latest().network.clone())
        .collect();
    assert_eq!(rest, ["rogers"]);
}

#[test]
fn incidents_that_go_on_are_those_that_have_not_ended_or_have_begun_again() {
    let mut world = world();
    let open = |world: &World| {
        world.register.open().map(|incident| incident.network.clone()).collect::<Vec<_>>()
    };
    assert_eq!(open(&world), ["bell"]);
    let rogers =
        world.register.get(IncidentId::of("rogers", "rogers", 1, None)).unwrap().latest().clone();
    let again =
        Incident { revision: rogers.revision + 1, state: State::Confirmed, ..(*rogers).clone() };
    world.register.take(Some(Entry::Revision(Arc::new(again))));
    assert_eq!(open(&world).len(), 2);
}

#[test]
fn a_filter_takes_what_went_on_in_its_interval() {
    let world = world();
    let taken = |filter: Filter| {
        world
            .register
            .newest_first(None)
            .filter(|case| filter.takes(case.latest()))
            .map(|case| case.latest().network.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(taken(Filter { from: Some(at(50)), ..Filter::default() }), ["bell"]);
    assert_eq!(taken(Filter { to: Some(at(10)), ..Filter::default() }), ["rogers"]);
    assert_eq!(taken(Filter { states: vec![State::Resolved], ..Filter::default() }), ["rogers"]);
    assert_eq!(taken(Filter { provider: Some("bell".into()), ..Filter::default() }), ["bell"]);
    assert_eq!(taken(Filter { min_score: Some(25.0), ..Filter::default() }), ["rogers"]);
    assert_eq!(taken(Filter::default()).len(), 2);
}

#[test]
fn the_crowd_leads_the_first_official_word_by_what_lies_between() {
    let mut world = world();
    let id = IncidentId::of("rogers", "rogers", 1, None);
    let note = |official, said: i64| Note {
        incident: id,
        official,
        said_at: at(said),
        known_at: at(300),
        source: "a newspaper".into(),
        text: "<b>it is down</b>".into(),
    };
    for (official, said) in [(false, 10), (true, 250), (true, 240)] {
        world.register.take(Some(Entry::Note(note(official, said))));
    }
    let case = world.register.get(id).unwrap();
    assert_eq!((case.lead_ms(), case.notes().len()), (Some(minutes(240)), 3));
    (0..MOST_NOTES).for_each(|_| world.register.take(Some(Entry::Note(note(false, 0)))));
    assert_eq!(world.register.get(id).unwrap().notes().len(), MOST_NOTES);
}

#[test]
fn entries_of_a_kind_that_is_not_known_are_counted_and_change_nothing() {
    let mut world = world();
    let (length, incidents) = (world.register.length(), world.register.len());
    world.register.take(None);
    assert_eq!((world.register.length(), world.register.len()), (length + 1, incidents));
}

/// The public form of a revision, named in these cells.
fn named(exact: &Incident, cells: &[Cell]) -> Incident {
    let before = exact.public_of_before();
    Incident {
        cells: cells.into(),
        naming: Some(Naming { is_named: true, rule: Rule::default() }),
        ..before
    }
}

#[test]
fn everybody_is_told_the_public_form_and_the_desk_goes_by_the_exact_one_until_it_is_forgotten() {
    let mut world = World::of(&[("rogers", "rogers")]);
    world.begins("rogers", episode(1, TORONTO, 0, 30.0));
    let exact = Arc::new(world.after(1)[0].clone());
    let named = Arc::new(named(&exact, &cells(OTTAWA, 0)));
    let id = exact.id;
    let told = |register: &Register| {
        let case = register.get(id).unwrap();
        let forms = [Form::Exact, Form::Public].map(|form| case.latest_in(form).cells.to_vec());
        let open = register.open_in(Form::Public).next().unwrap();
        assert!(Arc::ptr_eq(open, case.latest_in(Form::Public)));
        assert_eq!(register.of_episode("rogers", 1).is_some(), forms[0][..] == exact.cells[..]);
        forms
    };
    let mut register = Register::default();
    register.take_with(Some(Entry::Revision(Arc::clone(&named))), Some(Arc::clone(&exact)));
    assert_eq!(told(&register), [exact.cells.to_vec(), named.cells.to_vec()]);
    register.forget_exact(exact.known_at);
    assert_eq!(told(&register)[0], exact.cells.to_vec(), "not yet");
    register.forget_exact(exact.known_at.plus_ms(1));
    assert_eq!(register.get(id).unwrap().latest_in(Form::Exact).cells, named.cells);
    // One that starts after it was forgotten knows the same.
    let mut register = Register::default();
    register.take(Some(Entry::Revision(Arc::clone(&named))));
    assert_eq!(told(&register), [named.cells.to_vec(), named.cells.to_vec()]);
}

#[test]
fn what_was_recorded_before_there_were_public_forms_is_told_coarsely() {
    let mut world = World::of(&[("rogers", "rogers")]);
    world.begins("rogers", episode(1, TORONTO, 0, 37.0));
    let exact = world.after(1)[0].clone();
    let public = world.register.get(exact.id).unwrap().latest_in(Form::Public);
    assert!(public.cells.iter().all(|cell| cell.resolution() == Resolution::ALL[5]));
    assert!(exact.cells.iter().all(|cell| public.region().contains(*cell)));
    let (of_public, of_exact) = (public.brands[0].evidence, exact.brands[0].evidence);
    assert_eq!((of_public.zone, of_public.score, of_public.observed), (None, None, 20.0));
    assert_eq!((of_exact.score, of_public.window), (Some(37.0), of_exact.window));
    assert_eq!((&*public.brands[0].episodes, public.id), (&[][..], exact.id));
}

#[test]
fn what_was_named_by_a_rule_that_hid_less_is_told_coarsely() {
    let mut world = World::of(&[("rogers", "rogers")]);
    world.begins("rogers", episode(1, TORONTO, 0, 37.0));
    let public = named(&world.after(1)[0], &cells(OTTAWA, 0));
    let rule = |k, finest: usize| Rule { k, finest: Resolution::ALL[finest] };
    for same in [rule(1, 8), rule(2, 7), rule(3, 7)] {
        assert_eq!(public.hidden_by(same), None, "{same:?} hides no more");
    }
    for (stricter, resolution) in [(rule(4, 7), 5), (rule(3, 6), 5), (rule(1, 4), 4)] {
        let told = public.hidden_by(stricter).unwrap();
        assert_eq!(told.cells[..], [public.cells[0].rolled_up_to(Resolution::ALL[resolution])]);
        assert_eq!(told.hidden_by(stricter), None, "told once");
    }
}
