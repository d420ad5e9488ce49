//! How many people a shown number is about at least, and how fine a shown cell may be.

use crate::domain::grid::Resolution;
use crate::domain::time::Timestamp;

/// The most that `k` may be.
pub const MOST_K: u8 = 50;

/// By which rule reports are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rule {
    /// Each number is about at least so many people: 1 to [`MOST_K`]. One of 1 hides
    /// nothing.
    pub k: u8,
    /// No cell is shown that is finer.
    pub finest: Resolution,
}

/// What is left out of the rule, so that a test can show that it would notice. Nothing is,
/// outside of tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LeftOut {
    /// That what is left of a cell, without the groups in it, holds enough people.
    pub rests: bool,
    /// The coin.
    pub coin: bool,
    /// That some reports stand in a coarser cell than the one they came from.
    pub coarsening: bool,
}

/// The rules of a store, each from some moment on.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Rules {
    /// By when they came into force.
    since: Vec<(Timestamp, Rule)>,
}

impl Default for Rule {
    /// Three people, and cells of some 5 km².
    fn default() -> Self {
        Self { k: 3, finest: Resolution::DEFAULT }
    }
}

impl Rule {
    /// So many people must have been heard of in a group. One person is the first of their
    /// day at most twice within 24 hours, so half as many, rounded up, are different ones.
    #[must_use]
    pub const fn least(self) -> u32 {
        2 * self.k as u32 - 1
    }

    /// Whether nothing is hidden.
    #[must_use]
    pub const fn is_off(self) -> bool {
        self.k <= 1
    }

    /// The rule that hides what either does.
    #[must_use]
    pub fn stricter(self, other: Self) -> Self {
        Self { k: self.k.max(other.k), finest: self.finest.min(other.finest) }
    }
}

impl std::fmt::Display for Rule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "k = {} and finest = {}", self.k, self.finest.number())
    }
}

impl Rules {
    /// A rule comes into force.
    pub fn add(&mut self, since: Timestamp, rule: Rule) {
        let at = self.since.partition_point(|(before, _)| *before <= since);
        self.since.insert(at, (since, rule));
    }

    /// The rule in force now; the default where none was ever set.
    #[must_use]
    pub fn latest(&self) -> Rule {
        self.since.last().map(|(_, rule)| *rule).unwrap_or_default()
    }

    /// The rule for what is shown of that moment. One that hides more holds for all that
    /// was before it; one that hides less holds from its own time on.
    #[must_use]
    pub fn at(&self, moment: Timestamp) -> Rule {
        let in_force = self.since.partition_point(|(since, _)| *since <= moment).saturating_sub(1);
        let later = self.since[in_force.min(self.since.len())..].iter().map(|(_, rule)| *rule);
        later.reduce(Rule::stricter).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(k: u8, finest: usize) -> Rule {
        Rule { k, finest: Resolution::ALL[finest] }
    }

    #[test]
    fn a_stricter_rule_holds_for_all_that_was_and_a_looser_one_for_what_comes() {
        let mut rules = Rules::default();
        assert_eq!((rules.at(Timestamp(5)), rules.latest()), (Rule::default(), Rule::default()));
        rules.add(Timestamp(10), rule(3, 7));
        rules.add(Timestamp(20), rule(5, 7));
        rules.add(Timestamp(30), rule(2, 8));
        rules.add(Timestamp(40), rule(2, 6));
        let rows = [
            (0, rule(5, 6)),
            (10, rule(5, 6)),
            (19, rule(5, 6)),
            (20, rule(5, 6)),
            (30, rule(2, 6)),
            (40, rule(2, 6)),
            (99, rule(2, 6)),
        ];
        for (at, expected) in rows {
            assert_eq!(rules.at(Timestamp(at)), expected, "{at}");
        }
        assert_eq!(rules.latest(), rule(2, 6));
    }

    #[test]
    fn so_many_firsts_are_at_least_k_people() {
        for k in 1..=MOST_K {
            assert_eq!(rule(k, 7).least().div_ceil(2), u32::from(k));
        }
        assert!(rule(1, 7).is_off() && !rule(2, 7).is_off());
    }
}
