//! Lessons: what quiet days teach is recorded in the journal, so that a node that starts need not wait for a week of them.

use super::Watching;
use crate::domain::detect::{METHOD, QuietDay};
use crate::domain::incident::entry::{Entry, Lesson};
use crate::domain::incident::register::Register;
use crate::engine::Engine;
use crate::engine::watch::Watch;

impl Engine {
    /// Lets a watch that has not begun know what quiet days taught before.
    pub(super) fn recall_lessons(&self, watching: &mut Watching) {
        if std::mem::replace(&mut watching.recalled, true) {
            return;
        }
        let register = self.lookout.register();
        for (provider, of) in self.catalogue.iter() {
            watching.watch.recall(provider, self.quiet_days(&register, &of.id).copied());
        }
    }

    /// Lessons of quiet days that are over and that the journal does not have.
    pub(super) fn new_lessons(&self, watch: &Watch, register: &Register) -> Vec<Entry> {
        let parameters = self.lookout.parameters.fingerprint();
        let mut lessons = Vec::new();
        for (provider, of) in self.catalogue.iter() {
            let last = self.quiet_days(register, &of.id).next_back().map(|known| known.day);
            for quiet_day in watch.whole_quiet_days(provider).filter(|quiet_day| last < Some(quiet_day.day)) {
                let (provider, version) = (of.id.clone(), METHOD.to_owned());
                lessons.push(Entry::Lesson(Lesson { provider, version, parameters, quiet_day: *quiet_day }));
            }
        }
        lessons
    }

    /// Quiet days that the journal has of a provider, oldest first, but for those of another method or other parameters: these give other scores.
    fn quiet_days<'a>(&self, register: &'a Register, provider: &str) -> impl DoubleEndedIterator<Item = &'a QuietDay> + use<'a> {
        let parameters = self.lookout.parameters.fingerprint();
        let same = move |lesson: &&Lesson| lesson.version == METHOD && lesson.parameters == parameters;
        register.lessons(provider).filter(same).map(|lesson| &lesson.quiet_day)
    }
}
