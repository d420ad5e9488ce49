//! What readers may see of the facts: the only way from the store to an answer for the
//! public.

/// How much somebody may see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Sight {
    /// Every report in the cell that it was recorded in.
    Exact,
    /// Reports where the rule of the store shows them.
    Public,
}
