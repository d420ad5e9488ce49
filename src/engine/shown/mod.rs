//! What readers may see of the facts: the only way from the store to an answer for the
//! public.

pub mod openness;
pub mod reader;

use super::Engine;
use crate::domain::privacy::coin::Coin;
use crate::domain::privacy::rule::Rules;
use openness::Terms;
use reader::Reader;
use std::sync::Arc;

/// How much somebody may see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Sight {
    /// Every report in the cell that it was recorded in.
    Exact,
    /// Reports where the rule of the store shows them.
    Public,
}

impl Engine {
    /// Reads facts for whoever sees that much.
    pub(super) fn reader(&self, sight: Sight) -> Reader {
        let terms = Arc::new(self.shown_by());
        Reader::new(Arc::clone(&self.store), Arc::clone(&self.openness), terms, sight)
    }

    /// By what the cells of this store are shown.
    fn shown_by(&self) -> Terms {
        Terms { rules: Rules::default(), coin: Coin::new([0; 16]) }
    }
}
