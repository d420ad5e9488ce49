//! What is explained of a cell is enough to compute its score again.

use super::outage::DOWN;
use super::story::{Story, minute_of};
use super::world::{DAY, HOUR, TORONTO, VANCOUVER, World, cell, country, town};
use crate::domain::detect::explain::{Explanation, Origin};
use crate::domain::detect::others::Others;
use statrs::function::gamma::ln_gamma;

/// Observed, expected, dispersion and score, by docs/detection.md, from nothing but the
/// explanation.
fn computed_again(of: &Explanation) -> [f64; 4] {
    let usual = &of.usual;
    let mut exposure = [0.0; 6];
    for hour in &usual.hours {
        exposure[hour.hour.0.rem_euclid(24) as usize / 4] += hour.level * hour.usual;
    }
    let heard = |part: usize| usual.cells.iter().map(|(_, shares)| shares[part]).sum::<f64>();
    let share = |part| {
        if of.evidence.centre.is_none() {
            1.0
        } else {
            heard(part) + usual.unheard.0 as f64 * usual.unheard.1
        }
    };
    let raw: f64 = (0..6).map(|part| share(part) * exposure[part]).sum();
    let (mut ratio, mut unsure) = (1.0, 0.0);
    if let Some(rest) = usual.rest {
        let weight = rest.rest.1 + usual.usual_weight;
        ratio = ((rest.rest.0 + usual.usual_weight) / weight)
            .max(usual.rest_range.0)
            .min(usual.rest_range.1);
        unsure = 1.0 / weight;
    }
    let scatter = (of.scatter.excess + of.scatter.weight * of.scatter.prior)
        / (of.scatter.square + of.scatter.weight);
    let scatter = scatter.max(of.scatter.range.0).min(of.scatter.range.1);
    if let Some(others) = usual.others {
        let weight = usual.others_held.0;
        ratio *= ((others.counted + weight) / (others.expected + weight))
            .max(1.0)
            .min(usual.others_held.1);
    }
    let mut expected = ratio * raw + usual.least;
    let bursts = of.bursts.believed
        * (of.bursts.excess / (of.bursts.mean + of.bursts.prior) - of.bursts.usual).max(0.0);
    let mut dispersion =
        scatter + 1.0 / (of.scatter.learnt + of.scatter.mean_prior) + unsure + bursts / expected;
    if let Some(late) = usual.late {
        (expected, dispersion) =
            (expected * late.share + late.least, dispersion.max(late.dispersion));
    }
    let elsewhere = (of.flood.counted - of.flood.corner - expected).max(0.0);
    let most = of.flood_bound.0 + of.flood_bound.1 * elsewhere;
    let observed = of.flood.counted - (of.flood.corner - most).max(0.0);
    [observed, expected, dispersion, tail(observed, expected, dispersion)]
}

/// -log10 of the upper tail of a negative binomial, term by term.
fn tail(count: f64, mean: f64, dispersion: f64) -> f64 {
    let size = 1.0 / dispersion;
    let term = |k: f64| {
        let ways = ln_gamma(k + size) - ln_gamma(size) - ln_gamma(k + 1.0);
        (ways + k * (dispersion * mean / (1.0 + dispersion * mean)).ln()
            - size * (1.0 + dispersion * mean).ln())
        .exp()
    };
    if count <= mean {
        0.0
    } else {
        -(0..20_000).map(|n| term(count + f64::from(n))).sum::<f64>().log10()
    }
}

#[track_caller]
fn can_be_computed_again(of: &Explanation) {
    let said =
        [of.evidence.observed, of.evidence.expected, of.evidence.dispersion, of.evidence.score];
    for (said, again) in said.into_iter().zip(computed_again(of)) {
        assert!(
            (said - again).abs() <= 1e-6 * again.abs().max(1.0),
            "{again} was computed: {of:?}"
        );
    }
    if let Origin::Chosen(choice) = of.threshold.origin {
        assert_eq!(of.threshold.opens_at.to_bits(), choice.score().to_bits());
    }
}

fn plain() -> World {
    World::new(1).reports(&town(TORONTO, 5), 12.0, 0..9 * DAY).reports(
        &town(TORONTO, 2),
        90.0,
        DOWN..DOWN + HOUR,
    )
}

/// As it was told at first, at the moment it was told.
fn at_first(world: &World, before: i64) -> Story {
    let detected = minute_of(world.watched(before..before + 3 * HOUR).told[0].detected_at);
    world.watched(before..detected + 1)
}

#[test]
fn what_opened_an_episode_is_what_is_explained_of_its_middle() {
    let late = World::new(5).reports(&town(TORONTO, 5), 12.0, 0..9 * DAY);
    let late =
        late.late_ids(&town(TORONTO, 2), 12, DOWN..DOWN + HOUR, DOWN + HOUR..DOWN + HOUR + 20);
    let cold = World::new(2).reports(&town(TORONTO, 5), 10.0, 0..2 * DAY);
    let cold = cold.reports(&town(TORONTO, 2), 60.0, DAY + 2 * HOUR..DAY + 3 * HOUR);
    for (world, before, late_only, is_cold) in [
        (plain(), DOWN - 30, false, false),
        (late, DOWN + HOUR - 10, true, false),
        (cold, DAY + HOUR, false, true),
    ] {
        let story = at_first(&world, before);
        let episode = story.only();
        let explained =
            story.detector.explain(episode.evidence.centre.unwrap(), &Others::default()).unwrap();
        assert_eq!(explained.evidence, episode.evidence, "{story}");
        assert_eq!(
            (explained.evidence.late_only, explained.is_cold),
            (late_only, is_cold),
            "{story}"
        );
        assert!(explained.threshold.opens_at <= explained.evidence.score, "{explained:?}");
        assert_eq!(
            story.detector.explain(episode.cells[0], &Others::default()).unwrap().episode,
            Some(episode.id)
        );
        can_be_computed_again(&explained);
    }
}

#[test]
fn everywhere_is_explained_where_nothing_else_is() {
    let country = country(6, 10);
    let world = World::new(2).reports(&country, 60.0, 0..9 * DAY).reports(
        &country,
        1_200.0,
        DOWN..DOWN + 90,
    );
    let story = world.watched(DOWN - 9 * HOUR..DOWN + 30);
    let far_away = story.detector.explain(cell((-40.0, 175.0)), &Others::default()).unwrap();
    assert_eq!(far_away.evidence.centre, None);
    assert!(far_away.evidence.score > far_away.threshold.opens_at);
    can_be_computed_again(&far_away);
}

#[test]
fn what_is_quiet_flooded_or_over_is_explained_too() {
    let corner = [(cell(TORONTO), crate::domain::grid::Spot::Middle)];
    let world = plain().ids(&corner, 200, DOWN - 9 * HOUR..DOWN - 8 * HOUR);
    let seen = world.watched(DOWN - 12 * HOUR..DOWN + 3 * HOUR).detector;
    let over = seen.explain(cell(TORONTO), &Others::default()).unwrap();
    assert!(over.explained_until.is_some() && over.episode.is_none());
    let flooded = world
        .watched(DOWN - 12 * HOUR..DOWN - 8 * HOUR - 10)
        .detector
        .explain(cell(TORONTO), &Others::default())
        .unwrap();
    assert!(
        flooded.flood.counted > 100.0 && flooded.evidence.observed < 0.2 * flooded.flood.counted,
        "{flooded:?}"
    );
    let nobody = seen.explain(cell(VANCOUVER), &Others::default()).unwrap();
    for explained in [over, flooded, nobody] {
        can_be_computed_again(&explained);
    }
}

#[test]
fn before_the_first_step_nothing_is_explained() {
    let detector = crate::domain::detect::Detector::new(
        crate::domain::detect::parameters::Parameters::default(),
    );
    assert_eq!(detector.explain(cell(TORONTO), &Others::default()), None);
}
