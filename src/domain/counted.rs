//! Which reports a reader asks for: by what they say, and by how late they came.

use super::fact::{FactKey, Lane};
use super::symptom::Symptoms;

/// Whether reports that came late are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum LateReports {
    /// In the minute they were observed.
    #[default]
    Counted,
    /// Not at all: then figures stay as they are once a few minutes have passed.
    LeftOut,
}

/// Which reports are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Counted {
    /// Of what.
    pub symptoms: Symptoms,
    /// Whether those that came late are among them.
    pub late: LateReports,
}

impl Counted {
    /// All problems, whenever they came: what is to be expected is known of those alone.
    pub const ALL: Self = Self { symptoms: Symptoms::AllProblems, late: LateReports::Counted };

    /// Whether a fact is one of them. Each report is at most once.
    #[must_use]
    pub fn include(self, key: FactKey) -> bool {
        let is_asked = match self.late {
            LateReports::Counted => key.lane().is_history(),
            LateReports::LeftOut => key.lane() == Lane::OnTime,
        };
        is_asked && self.symptoms.include(key.symptom())
    }
}

impl From<Symptoms> for Counted {
    fn from(symptoms: Symptoms) -> Self {
        Self { symptoms, late: LateReports::Counted }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fact::Source;
    use crate::domain::grid::{Cell, Position, Resolution};
    use crate::domain::symptom::Symptom;

    #[test]
    fn late_reports_are_counted_where_they_were_observed_or_not_at_all() {
        let cell = Cell::at(Position::new(1.0, 2.0).unwrap(), Resolution::FINEST);
        let of = |late, symptom| {
            let counted = Counted { symptoms: Symptoms::AllProblems, late };
            Lane::ALL.map(|lane| counted.include(FactKey::new(cell, symptom, lane, Source::OPEN)))
        };
        assert_eq!(of(LateReports::Counted, Symptom::NoData), [true, true, false]);
        assert_eq!(of(LateReports::LeftOut, Symptom::NoData), [true, false, false]);
        assert_eq!(of(LateReports::LeftOut, Symptom::Working), [false; 3]);
        assert_eq!(Counted::from(Symptoms::AllProblems), Counted::ALL);
    }
}
