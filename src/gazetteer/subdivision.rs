//! Codes of the subdivisions of countries (ISO 3166-2), whether their borders are known
//! or not: tells a wrong code from one without borders.

/// A country a line, then the codes within it. Lines with `#` say where it comes from.
const TABLE: &str = include_str!("subdivisions.txt");

/// Whether a subdivision has this code, such as `DE-BY`. Letters are large.
#[must_use]
pub fn is_subdivision_code(code: &str) -> bool {
    let Some((country, part)) = code.split_once('-') else { return false };
    lines().any(|(there, parts)| there == country && parts.split(' ').any(|one| one == part))
}

fn lines() -> impl Iterator<Item = (&'static str, &'static str)> {
    TABLE.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(' '))
}

/// Every code there is.
#[cfg(test)]
pub(super) fn all() -> impl Iterator<Item = String> {
    lines()
        .flat_map(|(country, parts)| parts.split(' ').map(move |part| format!("{country}-{part}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_listed_is_a_code() {
        for code in ["DE-BY", "CA-ON", "FR-75C", "NO-03", "AD-02", "ZW-MW"] {
            assert!(is_subdivision_code(code), "{code}");
        }
        for code in [
            "", "-", "DE", "DE-", "-BY", "DE-by", "DE-XX", "XX-BY", "DE-BY ", "DE BY", "DE-BY-X",
            "# -Codes", "DE-BE BB",
        ] {
            assert!(!is_subdivision_code(code), "{code:?}");
        }
    }
}
