//! Scopes: what a key may do.

use crate::domain::word_enum::word_enum;

/// One thing that a key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Scope {
    /// Send reports.
    Report = 1,
    /// Read what the public may see.
    Read = 2,
    /// Read exact figures, which may point to single people. Includes [`Self::Read`].
    Exact = 4,
    /// Run the server: keys, sources, notes, voids. Includes all others.
    Admin = 8,
}

word_enum!(Scope: Report = "report", Read = "read", Exact = "exact", Admin = "admin");

/// A set of scopes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Scopes(u8);

impl Scope {
    /// It and all that it includes.
    const fn granted(self) -> u8 {
        match self {
            Self::Report => Self::Report as u8,
            Self::Read => Self::Read as u8,
            Self::Exact => Self::Exact as u8 | Self::Read as u8,
            Self::Admin => {
                Self::Admin as u8 | Self::Exact as u8 | Self::Read as u8 | Self::Report as u8
            }
        }
    }
}

impl Scopes {
    /// Nothing at all.
    pub const NONE: Self = Self(0);

    /// Whether a key with these scopes may do that: scopes include others.
    #[must_use]
    pub fn allow(self, scope: Scope) -> bool {
        self.given().any(|given| given.granted() & scope as u8 != 0)
    }

    /// Whether nothing but these scopes is given, and something is.
    #[must_use]
    pub const fn are_within(self, scopes: Self) -> bool {
        self.0 != 0 && self.0 & !scopes.0 == 0
    }

    /// Whether no scope is given.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The scopes that were given by name, in order; not those that they include.
    pub fn given(self) -> impl Iterator<Item = Scope> {
        Scope::ALL.into_iter().filter(move |scope| self.0 & *scope as u8 != 0)
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().fold(0, |all, scope| all | scope as u8))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn admin_includes_all_and_exact_includes_read() {
        let rows = [
            (Scope::Report, [true, false, false, false]),
            (Scope::Read, [false, true, false, false]),
            (Scope::Exact, [false, true, true, false]),
            (Scope::Admin, [true, true, true, true]),
        ];
        for (given, expected) in rows {
            let scopes: Scopes = [given].into_iter().collect();
            assert_eq!(Scope::ALL.map(|scope| scopes.allow(scope)), expected, "{given:?}");
        }
        assert_eq!(Scope::ALL.map(|scope| Scopes::NONE.allow(scope)), [false; 4]);
    }

    #[test]
    fn scopes_give_back_what_was_given_and_not_what_that_includes() {
        let scopes: Scopes = [Scope::Admin, Scope::Report].into_iter().collect();
        assert_eq!(scopes.given().collect::<Vec<_>>(), [Scope::Report, Scope::Admin]);
        let public: Scopes = [Scope::Report, Scope::Read].into_iter().collect();
        assert!(public.are_within(public) && !scopes.are_within(public));
        assert!(!Scopes::NONE.are_within(public));
    }
}
