//! Names of countries and their subdivisions.

use std::collections::HashMap;
use std::sync::OnceLock;

/// A code and a name a line. Lines with `#` say where they come from.
const TABLE: &str = include_str!("names.txt");

/// What the area of a code is called; none where nobody wrote it down.
#[must_use]
pub fn area_name(code: &str) -> Option<&'static str> {
    static NAMES: OnceLock<HashMap<&str, &str>> = OnceLock::new();
    let names = NAMES.get_or_init(|| {
        let lines = TABLE.lines().filter(|line| !line.starts_with('#'));
        lines.filter_map(|line| line.split_once('\t')).collect()
    });
    names.get(code).copied()
}

#[cfg(test)]
mod tests {
    use super::super::AreaCode;
    use super::*;

    #[test]
    fn every_area_has_a_name() {
        let nameless: Vec<&str> = AreaCode::all()
            .map(AreaCode::as_str)
            .filter(|code| area_name(code).is_none())
            .collect();
        assert!(nameless.is_empty(), "{nameless:?}");
        let rows = [("CA", "Canada"), ("CA-ON", "Ontario"), ("GB-SCT", "Scotland")];
        for (code, name) in rows {
            assert_eq!(AreaCode::parse(code).unwrap().name(), name);
        }
    }
}
