//! By which rule reports are shown to whom.

use super::Engine;
use super::shown::Sight;
use crate::domain::access::table::Privacy;
use crate::domain::privacy::rule::Rule;
use crate::domain::time::Timestamp;

impl Engine {
    /// By which rule reports of a moment are shown; none to who sees all.
    #[must_use]
    pub fn rule_of(&self, sight: Sight, moment: Timestamp) -> Option<Rule> {
        let of = |privacy: &Privacy| privacy.rules.at(moment);
        match sight {
            Sight::Exact => None,
            Sight::Public => Some(self.access().privacy().map_or_else(Rule::default, of)),
        }
    }
}
