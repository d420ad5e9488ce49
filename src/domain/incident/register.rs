//! The register: all incidents with their revisions and notes, folded from the journal;
//! what was known at any moment can be asked of it.

use super::entry::{Entry, Lesson, Note, Void};
use super::region::Region;
use super::{Form, Incident, IncidentId, State};
use crate::domain::detect::QUIET_DAYS;
use crate::domain::time::Timestamp;
use rpds::{RedBlackTreeMapSync, RedBlackTreeSetSync};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;

/// Notes of one incident at most.
pub const MOST_NOTES: usize = 1_000;

/// All that the journal says. A copy shares with it all that neither has changed since:
/// readers hold one, and each append makes the next.
#[derive(Debug, Clone, Default)]
pub struct Register {
    cases: RedBlackTreeMapSync<IncidentId, Arc<Case>>,
    /// Incidents by when they were first told: lists are asked for newest first.
    by_time: RedBlackTreeSetSync<(Timestamp, IncidentId)>,
    /// Those that still go on: every reader asks for them, and the others only grow in
    /// number.
    open: BTreeSet<IncidentId>,
    /// Which incident an episode of a provider went to last.
    episodes: RedBlackTreeMapSync<(Arc<str>, u64), IncidentId>,
    voids: Arc<Vec<Void>>,
    /// The latest of each provider, by day.
    lessons: RedBlackTreeMapSync<Arc<str>, Arc<BTreeMap<i64, Lesson>>>,
    length: u64,
    /// When the newest revision was told.
    told_last: Option<Timestamp>,
}

/// An incident with all its revisions, oldest first, at least one.
#[derive(Debug, Clone, Default)]
pub struct Case {
    /// Exact where that is kept.
    revisions: Vec<Arc<Incident>>,
    /// The same as everybody is told of them.
    public: Vec<Arc<Incident>>,
    notes: Vec<Note>,
}

impl Register {
    /// How many entries of the journal it has taken.
    #[must_use]
    pub const fn length(&self) -> u64 {
        self.length
    }

    /// When the newest revision of any incident was told; none before the first.
    #[must_use]
    pub const fn told_last(&self) -> Option<Timestamp> {
        self.told_last
    }

    /// Takes the next entry of the journal; None where a newer version wrote what this
    /// one does not know.
    pub fn take(&mut self, entry: Option<Entry>) {
        self.take_with(entry, None);
    }

    /// The same, of a revision with its exact form, where that is kept.
    pub fn take_with(&mut self, entry: Option<Entry>, exact: Option<Arc<Incident>>) {
        self.length += 1;
        match entry {
            Some(Entry::Revision(incident)) => self.revise(incident, exact),
            Some(Entry::Note(note)) => {
                if let Some(case) = self.cases.get_mut(&note.incident).map(Arc::make_mut)
                    && case.notes.len() < MOST_NOTES
                {
                    case.notes.push(note);
                }
            }
            Some(Entry::Void(void)) => Arc::make_mut(&mut self.voids).push(void),
            Some(Entry::Lesson(lesson)) => self.learn(lesson),
            None => {}
        }
    }

    fn learn(&mut self, lesson: Lesson) {
        let provider: Arc<str> = Arc::from(&*lesson.provider);
        let lessons = Arc::make_mut(value_of(&mut self.lessons, &provider, Arc::default));
        lessons.insert(lesson.quiet_day.day, lesson);
        if QUIET_DAYS < lessons.len() {
            lessons.pop_first();
        }
    }

    /// Forgets the exact forms of revisions that were made known before an instant.
    pub fn forget_exact(&mut self, before: Timestamp) {
        let has_old = |case: &Case| {
            let old = case.revisions.iter().take_while(|revision| revision.known_at < before);
            old.into_iter().any(|revision| revision.naming.is_none())
        };
        let old: Vec<IncidentId> =
            self.cases.iter().filter(|(_, case)| has_old(case)).map(|(id, _)| *id).collect();
        for id in old {
            let case = Arc::make_mut(self.cases.get_mut(&id).expect("it was found just now"));
            for (revision, public) in case.revisions.iter_mut().zip(&case.public) {
                if revision.known_at < before {
                    *revision = Arc::clone(public);
                }
            }
        }
    }

    fn revise(&mut self, told: Arc<Incident>, exact: Option<Arc<Incident>>) {
        let (incident, public) = match (told.naming, exact) {
            (Some(_), Some(exact)) => (exact, told),
            (Some(_), None) => (Arc::clone(&told), told),
            // Recorded before there were public forms, or where nobody else reads.
            (None, _) => {
                let public = Arc::new(told.public_of_before());
                (told, public)
            }
        };
        // Episodes of the public form go by other names.
        for brand in incident.brands.iter().filter(|_| incident.naming.is_none()) {
            let provider: Arc<str> = Arc::from(&*brand.provider);
            for episode in &brand.episodes {
                self.episodes.insert_mut((Arc::clone(&provider), *episode), incident.id);
            }
        }
        self.by_time.insert_mut((incident.detected_at, incident.id));
        self.told_last = self.told_last.max(Some(incident.known_at));
        if incident.state.is_open() {
            self.open.insert(incident.id);
        } else {
            self.open.remove(&incident.id);
        }
        let nothing = || Arc::new(Case::default());
        let case = Arc::make_mut(value_of(&mut self.cases, &incident.id, nothing));
        // Two revisions of one number: the later one was written by who held the lease.
        for revisions in [&mut case.revisions, &mut case.public] {
            revisions.retain(|known| known.revision < incident.revision);
        }
        case.revisions.push(incident);
        case.public.push(public);
    }

    /// The incident of that name.
    #[must_use]
    pub fn get(&self, id: IncidentId) -> Option<&Case> {
        self.cases.get(&id).map(|case| &**case)
    }

    /// The incident that an episode belongs to.
    #[must_use]
    pub fn of_episode(&self, provider: &str, episode: u64) -> Option<&Arc<Incident>> {
        let id = self.episodes.get(&(Arc::from(provider), episode))?;
        self.get(*id).map(Case::latest)
    }

    /// All incidents, those that were told last first; or those told before a place in
    /// that order.
    pub fn newest_first(
        &self,
        before: Option<(Timestamp, IncidentId)>,
    ) -> impl Iterator<Item = &Case> {
        let before = before.map_or(Bound::Unbounded, Bound::Excluded);
        self.by_time.range((Bound::Unbounded, before)).rev().map(|(_, id)| self.case(*id))
    }

    /// Incidents that still go on, by name.
    pub fn open(&self) -> impl Iterator<Item = &Arc<Incident>> {
        self.open.iter().map(|id| self.case(*id).latest())
    }

    /// The same in one of their forms.
    pub fn open_in(&self, form: Form) -> impl Iterator<Item = &Arc<Incident>> {
        self.open.iter().map(move |id| self.case(*id).latest_in(form))
    }

    fn case(&self, id: IncidentId) -> &Case {
        self.get(id).expect("whatever names an incident came with its first revision")
    }

    /// Reports that are withdrawn.
    #[must_use]
    pub const fn voids(&self) -> &Arc<Vec<Void>> {
        &self.voids
    }

    /// What the last quiet days of a provider taught, oldest first.
    #[must_use]
    pub fn lessons(&self, provider: &str) -> impl DoubleEndedIterator<Item = &Lesson> + use<'_> {
        self.lessons.get(&Arc::from(provider)).into_iter().flat_map(|lessons| lessons.values())
    }

    /// How many incidents there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.cases.size()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.cases.is_empty()
    }
}

impl Case {
    /// What is known now, exactly where that is kept.
    #[must_use]
    pub fn latest(&self) -> &Arc<Incident> {
        self.latest_in(Form::Exact)
    }

    /// What was known at an instant, in one of its forms; none where nothing was.
    #[must_use]
    pub fn known_in(&self, form: Form, at: Timestamp) -> Option<&Arc<Incident>> {
        let revisions = self.revisions_in(form);
        revisions[..revisions.partition_point(|revision| revision.known_at <= at)].last()
    }

    /// What is known now, in one of its forms.
    #[must_use]
    pub fn latest_in(&self, form: Form) -> &Arc<Incident> {
        self.revisions_in(form).last().expect("a case begins with a revision")
    }

    /// Whether it was ever told without reserve.
    #[must_use]
    pub fn was_confirmed(&self) -> bool {
        self.revisions.iter().any(|revision| revision.state == State::Confirmed)
    }

    /// What was known at an instant; None where nothing was.
    #[must_use]
    pub fn known_at(&self, at: Timestamp) -> Option<&Arc<Incident>> {
        self.known_in(Form::Exact, at)
    }

    /// All revisions, oldest first, exact where that is kept.
    #[must_use]
    pub fn revisions(&self) -> &[Arc<Incident>] {
        &self.revisions
    }

    /// All revisions in one of their forms, oldest first.
    #[must_use]
    pub fn revisions_in(&self, form: Form) -> &[Arc<Incident>] {
        match form {
            Form::Exact => &self.revisions,
            Form::Public => &self.public,
        }
    }

    /// What was said of it, in the order it was noted.
    #[must_use]
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }

    /// How much earlier the crowd was than the first official word, in milliseconds;
    /// negative where the word came first. None without a word.
    #[must_use]
    pub fn lead_ms(&self) -> Option<i64> {
        let first =
            self.notes.iter().filter(|note| note.official).map(|note| note.said_at).min()?;
        Some(first.ms_since(self.latest().detected_at))
    }
}

/// Which incidents are asked for. What is none is not asked.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// With a brand of that provider.
    pub provider: Option<String>,
    /// Of that network.
    pub network: Option<String>,
    /// In one of these states; all where there is none.
    pub states: Vec<State>,
    /// That went on at this instant or after it.
    pub from: Option<Timestamp>,
    /// That began before this instant.
    pub to: Option<Timestamp>,
    /// Whose strongest evidence scores as much.
    pub min_score: Option<f64>,
}

impl Filter {
    /// Whether an incident, as it was known at some moment, is asked for.
    #[must_use]
    pub fn takes(&self, incident: &Incident) -> bool {
        self.provider.as_deref().is_none_or(|provider| incident.brand(provider).is_some())
            && self.network.as_deref().is_none_or(|network| incident.network == network)
            && (self.states.is_empty() || self.states.contains(&incident.state))
            && self.from.is_none_or(|from| incident.resolved_at.is_none_or(|end| from <= end))
            && self.to.is_none_or(|to| incident.onset < to)
            && self.min_score.is_none_or(|least| {
                let scores = incident.brands.iter().filter_map(|brand| brand.evidence.score);
                scores.into_iter().any(|score| least <= score)
            })
    }
}

impl Incident {
    /// Its place.
    #[must_use]
    pub fn region(&self) -> Region {
        Region::new(&self.cells, self.everywhere)
    }
}

/// The value of a key, to be changed; made where there is none.
fn value_of<'a, K: Ord + Clone, V: Clone>(
    map: &'a mut RedBlackTreeMapSync<K, V>,
    key: &K,
    nothing: impl FnOnce() -> V,
) -> &'a mut V {
    if !map.contains_key(key) {
        map.insert_mut(key.clone(), nothing());
    }
    map.get_mut(key).expect("it was there, or was put there")
}
