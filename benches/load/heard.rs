//! Who is heard of of a provider: of one that is in so many cells within a day, and of any
//! before each epoch.

use super::cities::Cities;
use super::crowd::accuracy_m;
use fastrand::Rng;
use groundswell::domain::counts::Counts;
use groundswell::domain::fact::{FactKey, Lane, Source, Tally};
use groundswell::domain::grid::{Cell, Resolution};
use groundswell::domain::privacy::coin::{Chance, Coin};
use groundswell::domain::privacy::epoch::Epoch;
use groundswell::domain::privacy::mass::{Heard, Mass, heard};
use groundswell::domain::symptom::Symptom;
use groundswell::domain::time::Minute;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

const DAY_MINUTES: i64 = 24 * 60;

/// The facts of three days from that minute on, by minute, and how many people report on
/// each: as many as it takes to be heard of in so many cells on the first, without those
/// whose coin shows tails. They report evenly over the day, each for the first time.
pub fn three_days(
    people: &Cities,
    cells: usize,
    (begin, provider): (Minute, &str),
    coin: &Coin,
) -> (Vec<(Minute, Arc<Counts>)>, usize) {
    let mut random = Rng::with_seed(cells as u64);
    let mut minutes = BTreeMap::<Minute, Counts>::new();
    let mut report = |day: i64| {
        let position = people.somebody_around(&mut random);
        let accuracy_m = accuracy_m(&mut random).into();
        let cell = Cell::at(position, Resolution::supported_by(Some(accuracy_m)));
        let minute = begin.plus(day * DAY_MINUTES + random.i64(0..DAY_MINUTES));
        let key = FactKey::new(cell, Symptom::NoService, Lane::OnTime, Source::OPEN);
        minutes.entry(minute).or_default().add(key, Tally { count: 1, first: 1 });
        (cell, minute)
    };
    let (mut heard_of, mut a_day) = (HashSet::new(), 0);
    while heard_of.len() < cells {
        let (cell, minute) = report(0);
        if !coin.counted(provider, cell, minute, 1).is_none() {
            heard_of.insert(cell);
        }
        a_day += 1;
    }
    for day in 1..=2 {
        (0..a_day).for_each(|_| {
            report(day);
        });
    }
    let settled = minutes.into_iter().map(|(minute, mut counts)| {
        counts.settle();
        (minute, Arc::new(counts))
    });
    (settled.collect(), a_day)
}

/// Where reports are counted and shown, one after the other: those of one fact draw by
/// their number in it.
pub struct Draws<'a> {
    coarsening: Option<&'a Coin>,
    drawn: HashMap<(u16, Minute, FactKey), u32>,
}

impl<'a> Draws<'a> {
    /// None was counted yet.
    #[must_use]
    pub fn new(chance: Chance<'a>) -> Self {
        Self { coarsening: chance.coarsening, drawn: HashMap::new() }
    }

    /// Where the next report of a fact is.
    pub fn next(&mut self, (provider, id): (u16, &str), minute: Minute, key: FactKey) -> Cell {
        let Some(coin) = self.coarsening else { return key.cell() };
        let before = self.drawn.entry((provider, minute, key)).or_default();
        let (mut coarser, coarsening) = (key.cell(), coin.coarsening(id, minute));
        let stayed = coarsening.split(key, *before, |_| ());
        *before += 1;
        let stay = coarsening.split(key, *before, |cell| coarser = cell);
        if stayed < stay { key.cell() } else { coarser }
    }
}

/// Who was heard of before an epoch, moving on.
pub struct Day<'a> {
    provider: &'a str,
    chance: Chance<'a>,
    minutes: &'a [(Minute, Arc<Counts>)],
    entered: usize,
    left: usize,
    /// Who was.
    pub mass: Mass,
}

impl<'a> Day<'a> {
    /// Nobody was, of a provider with these minutes.
    #[must_use]
    pub fn new(
        provider: &'a str,
        chance: Chance<'a>,
        minutes: &'a [(Minute, Arc<Counts>)],
    ) -> Self {
        Self { provider, chance, minutes, entered: 0, left: 0, mass: Mass::default() }
    }

    /// On to an epoch, which is no earlier than the last one.
    pub fn move_to(&mut self, epoch: Epoch) {
        let Range { start, end } = epoch.heard();
        while let Some((minute, counts)) =
            self.minutes.get(self.entered).filter(|(minute, _)| *minute < end)
        {
            self.mass
                .enter(heard(counts.rows(), self.chance, self.provider, *minute).map(Heard::row));
            self.entered += 1;
        }
        while let Some((minute, counts)) =
            self.minutes.get(self.left).filter(|(minute, _)| *minute < start)
        {
            self.mass
                .leave(heard(counts.rows(), self.chance, self.provider, *minute).map(Heard::row));
            self.left += 1;
        }
    }
}
