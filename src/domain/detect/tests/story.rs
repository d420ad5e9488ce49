//! What a detector told of a world, as the detector pool would have had it.

use super::world::{HOUR, START, World};
use crate::domain::counts::Counts;
use crate::domain::detect::episode::{Episode, State};
use crate::domain::detect::{Detector, REREAD_MINUTES};
use crate::domain::time::{Hour, MINUTE_MS, Minute, Timestamp};
use std::ops::Range;
use std::sync::Arc;

/// Minutes with their counts, in order.
type Minutes = [(Minute, Arc<Counts>)];

/// A detector, and everything it told, each revision of it.
pub struct Story {
    pub detector: Detector,
    pub told: Vec<Episode>,
}

impl Story {
    /// The detector learns every hour before that span, then sees each minute of it, and
    /// learns the hours that end meanwhile.
    pub fn new(world: &World, detector: Detector, span: Range<i64>) -> Self {
        Self::with_looks(world, detector, span, |_, _, _, _| Vec::new())
    }

    /// The same, with a look after every report: the detector is given the minute that
    /// runs, when it is, and the facts so far.
    pub fn with_looks(
        world: &World,
        detector: Detector,
        span: Range<i64>,
        look: impl FnMut(&mut Detector, Minute, Timestamp, &Minutes) -> Vec<Episode>,
    ) -> Self {
        Self::played(world, detector, span, Detector::step, look)
    }

    /// The same, with a step of the test's own at the start of each minute.
    pub fn played(
        world: &World,
        detector: Detector,
        span: Range<i64>,
        mut step: impl FnMut(&mut Detector, Minute, &Minutes, bool) -> Vec<Episode>,
        mut look: impl FnMut(&mut Detector, Minute, Timestamp, &Minutes) -> Vec<Episode>,
    ) -> Self {
        let mut story = Self { detector, told: Vec::new() };
        let mut minutes: Vec<(Minute, Arc<Counts>)> = Vec::new();
        let mut hour = 0;
        for minute in span.start - REREAD_MINUTES..span.start {
            minutes
                .extend(world.minute(minute).map(|counts| (START.plus(minute), Arc::new(counts))));
        }
        for minute in span.clone() {
            while (hour + 1) * HOUR + REREAD_MINUTES <= minute {
                let live = (hour * HOUR..(hour + 1) * HOUR)
                    .filter(|minute| world.is_live(*minute))
                    .count();
                story.detector.learn(
                    Hour(START.hour().0 + hour),
                    world.hour(hour).as_ref(),
                    live as u32,
                    None,
                );
                hour += 1;
            }
            let now = START.plus(minute);
            let from = minutes.partition_point(|(of, _)| *of < now.plus(-REREAD_MINUTES));
            story.told.extend(step(
                &mut story.detector,
                now,
                &minutes[from..],
                world.is_live(minute - 1),
            ));
            if let Some(history) = story.detector.wants_history() {
                let from = minutes.partition_point(|(of, _)| *of < history.start);
                story.told.extend(story.detector.date(&minutes[from..]));
            }
            story.assert_all_is_told();
            let whole = world.minute(minute);
            let rows: Vec<_> = whole.iter().flat_map(Counts::rows).collect();
            for n in (1..=rows.len()).filter(|_| minute + 1 < span.end) {
                let mut so_far = Counts::default();
                rows[..n].iter().for_each(|(key, tally)| so_far.add(*key, *tally));
                let from = minutes.partition_point(|(of, _)| *of < now.plus(1 - REREAD_MINUTES));
                let facts: Vec<_> =
                    minutes[from..].iter().cloned().chain([(now, Arc::new(so_far))]).collect();
                let at = now.start().plus_ms(n as i64 * MINUTE_MS / (rows.len() as i64 + 1));
                story.told.extend(look(&mut story.detector, now, at, &facts));
            }
            minutes.extend(whole.map(|counts| (now, Arc::new(counts))));
        }
        story
    }

    /// What the detector follows is what it has told.
    fn assert_all_is_told(&self) {
        for followed in self.detector.episodes() {
            let told = self.told.iter().rev().find(|told| told.id == followed.id);
            assert_eq!(told, Some(followed), "{self}");
        }
    }

    /// Every episode as it was told last, in the order they began.
    pub fn episodes(&self) -> Vec<&Episode> {
        let mut episodes: Vec<&Episode> = Vec::new();
        for told in &self.told {
            match episodes.iter_mut().find(|known| known.id == told.id) {
                Some(known) => *known = told,
                None => episodes.push(told),
            }
        }
        episodes
    }

    /// Those of them that are not over.
    pub fn open(&self) -> Vec<&Episode> {
        self.episodes().into_iter().filter(|episode| episode.state != State::Resolved).collect()
    }

    /// The only episode.
    pub fn only(&self) -> &Episode {
        let episodes = self.episodes();
        assert_eq!(episodes.len(), 1, "one episode was expected, told was\n{self}");
        episodes[0]
    }

    /// Says that nothing was told.
    pub fn is_silent(&self) {
        assert!(self.told.is_empty(), "silence was expected, told was\n{self}");
    }
}

/// Minutes since everything began.
pub fn minute_of(at: crate::domain::time::Timestamp) -> i64 {
    at.minute().0 - START.0
}

impl std::fmt::Display for Story {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for i in self.episodes() {
            let (detected, onset, e) = (minute_of(i.detected_at), minute_of(i.onset), &i.evidence);
            let (over, cells) = (i.resolved_at.map(minute_of), i.cells.len());
            writeln!(
                f,
                "{:x}: {:?} detected {detected}, since {onset}, until {over:?}, {cells} cells, \
                 {e:?}",
                i.id, i.state
            )?;
        }
        Ok(())
    }
}
