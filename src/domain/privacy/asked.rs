//! What somebody asks of the rule: some of it, all of it or nothing.

use super::rule::Rule;
use crate::domain::grid::Resolution;
use std::fmt;

/// What the rule should be. What is left out stays as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AskedRule {
    /// How many people a number is about at least, 1 to [`super::rule::MOST_K`].
    pub k: Option<u8>,
    /// The finest cells that are shown.
    pub finest: Option<Resolution>,
}

impl AskedRule {
    /// Whether nothing is asked for.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.k.is_none() && self.finest.is_none()
    }

    /// The rule that this makes of another.
    #[must_use]
    pub fn of(self, rule: Rule) -> Rule {
        Rule { k: self.k.unwrap_or(rule.k), finest: self.finest.unwrap_or(rule.finest) }
    }
}

/// As the options of the command that asks for it; `--k` and `--finest`.
impl fmt::Display for AskedRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let k = self.k.map(|k| format!("--k {k}"));
        let finest = self.finest.map(|finest| format!("--finest {}", finest.number()));
        f.write_str(&k.into_iter().chain(finest).collect::<Vec<_>>().join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_stays() {
        let before = Rule { k: 5, finest: Resolution::ALL[6] };
        let all = AskedRule { k: Some(2), finest: Some(Resolution::ALL[8]) };
        let rows = [
            (AskedRule::default(), before, ""),
            (AskedRule { finest: None, ..all }, Rule { k: 2, ..before }, "--k 2"),
            (
                AskedRule { k: None, ..all },
                Rule { finest: Resolution::ALL[8], ..before },
                "--finest 8",
            ),
            (all, Rule { k: 2, finest: Resolution::ALL[8] }, "--k 2 --finest 8"),
        ];
        for (asked, expected, shown) in rows {
            assert_eq!((asked.of(before), asked.to_string()), (expected, shown.to_owned()));
            assert_eq!(asked.is_empty(), shown.is_empty());
        }
    }
}
