//! Query parameters: each known one at most once, unknown ones refused, values parsed
//! into types that cannot be wrong.

use super::error::{Code, Problem};
use crate::domain::counted::{Counted, LateReports};
use crate::domain::grid::Resolution;
use crate::domain::provider::{Catalogue, Subject};
use crate::domain::symptom::{Symptom, Symptoms};
use crate::domain::time::{CLOCK_TOLERANCE_MS, Timestamp};
use crate::wire::time::{INSTANT, instant};
use std::borrow::Cow;

/// What trackers add to links, and caches and monitors to what they ask for. It never
/// changes an answer.
const PASSED_OVER: [&str; 15] = [
    "v",
    "key",
    "cachebuster",
    "_",
    "fbclid",
    "gclid",
    "gbraid",
    "wbraid",
    "dclid",
    "msclkid",
    "twclid",
    "ttclid",
    "yclid",
    "igshid",
    "_gl",
];
/// How the names of whole families of them begin.
const PASSED_OVER_FAMILIES: [&str; 2] = ["utm_", "mc_"];

/// The parameters of one request.
#[derive(Debug)]
pub struct Query<'a> {
    pairs: Vec<(Cow<'a, str>, Cow<'a, str>)>,
}

impl<'a> Query<'a> {
    /// The parameters of a query string, all of them among `known`. Those that trackers,
    /// caches and monitors add are passed over.
    ///
    /// # Errors
    /// At a parameter that is unknown or there twice.
    pub fn parse(query: &'a str, known: &[&str]) -> Result<Self, Problem> {
        let unknown = form_urlencoded::parse(query.as_bytes())
            .find(|(name, _)| !known.contains(&&**name) && !is_passed_over(name));
        if let Some((name, _)) = unknown {
            let expected = if known.is_empty() {
                "no parameter".into()
            } else {
                format!("one of {}", known.join(", "))
            };
            return Err(Problem::field(Code::UnknownParameter, &name, expected, &*name));
        }
        Self::parse_known(query, known)
    }

    /// Those parameters of a query string that are among `known`, whatever else it has:
    /// for pages and probes, whose address anybody adds to.
    ///
    /// # Errors
    /// At a parameter that is there twice.
    pub fn parse_known(query: &'a str, known: &[&str]) -> Result<Self, Problem> {
        let mut pairs: Vec<(Cow<'a, str>, Cow<'a, str>)> = Vec::new();
        for (name, value) in
            form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| known.contains(&&**name))
        {
            if pairs.iter().any(|(there, _)| *there == name) {
                return Err(Problem::field(Code::RepeatedParameter, &name, "given once", &*value));
            }
            pairs.push((name, value));
        }
        Ok(Self { pairs })
    }

    /// The text of a parameter.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(there, _)| there == name).map(|(_, value)| &**value)
    }

    /// A parameter as `parse` reads it.
    ///
    /// # Errors
    /// Where it is there and `parse` finds nothing in it.
    pub fn value<T>(
        &self,
        name: &str,
        expected: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, Problem> {
        let Some(text) = self.text(name) else { return Ok(None) };
        parse(text)
            .map(Some)
            .ok_or_else(|| Problem::field(Code::InvalidValue, name, expected, text))
    }

    /// `provider` or `network`: exactly one of them.
    ///
    /// # Errors
    /// Where none or both are there, or the catalogue does not know it.
    pub fn subject(&self, catalogue: &Catalogue) -> Result<Subject, Problem> {
        match (self.text("provider"), self.text("network")) {
            (Some(id), None) => {
                let unknown = || Problem::unknown_provider(id);
                catalogue.find(id).map(Subject::Provider).ok_or_else(unknown)
            }
            (None, Some(name)) => {
                let unknown = || Problem::unknown_network(name);
                catalogue.find_network(name).map(Subject::Network).ok_or_else(unknown)
            }
            (None, None) => Err(Problem::field(
                Code::MissingField,
                "provider",
                "given, or network instead",
                "neither",
            )),
            (Some(_), Some(network)) => Err(Problem::field(
                Code::InvalidValue,
                "network",
                "left out where provider is given",
                network,
            )),
        }
    }

    /// `provider` or `network`, or all together where neither is there.
    ///
    /// # Errors
    /// Where both are there, or the catalogue does not know it.
    pub fn subject_or_all(&self, catalogue: &Catalogue) -> Result<Subject, Problem> {
        if self.text("provider").is_none() && self.text("network").is_none() {
            return Ok(Subject::All);
        }
        self.subject(catalogue)
    }

    /// `symptom`: one, or all but `working`.
    ///
    /// # Errors
    /// Where no symptom has that name.
    pub fn symptoms(&self) -> Result<Symptoms, Problem> {
        let expected = format!("one of {}", Symptom::ALL.map(Symptom::name).join(", "));
        let symptom = self.value("symptom", &expected, Symptom::from_name)?;
        Ok(symptom.map_or(Symptoms::AllProblems, Symptoms::Only))
    }

    /// Which reports are counted: those of `symptom`, and of `late` where that is `no` those
    /// on time alone.
    ///
    /// # Errors
    /// Where one of them is no such word.
    pub fn counted(&self) -> Result<Counted, Problem> {
        let late = self.value("late", "yes or no", |text| match text {
            "yes" => Some(LateReports::Counted),
            "no" => Some(LateReports::LeftOut),
            _ => None,
        })?;
        Ok(Counted { symptoms: self.symptoms()?, late: late.unwrap_or_default() })
    }

    /// `resolution`, else what suits `zoom`, else 7.
    ///
    /// # Errors
    /// Where one of them is not in its range.
    pub fn resolution(&self) -> Result<Resolution, Problem> {
        let asked = self.value("resolution", "a whole number 0..=8", |text| {
            Resolution::new(text.parse().ok()?).ok()
        })?;
        let zoom = self.value("zoom", "a number 0..=24", |text| {
            number(text).filter(|zoom| (0.0..=24.0).contains(zoom))
        })?;
        Ok(asked.or_else(|| zoom.map(Resolution::for_zoom)).unwrap_or(Resolution::DEFAULT))
    }

    /// `exact`: whether exact figures are asked for. [`super::caller::Reading::sight`] says
    /// whether they are given.
    ///
    /// # Errors
    /// Where it is neither true nor false.
    pub fn exact(&self) -> Result<bool, Problem> {
        let exact = self.value("exact", "true or false", |text| text.parse().ok())?;
        Ok(exact.unwrap_or_default())
    }

    /// A length of time in whole minutes, within bounds: `15m`, `6h`, `1d`.
    ///
    /// # Errors
    /// Where it is none, or out of bounds.
    pub fn minutes(
        &self,
        name: &str,
        expected: &str,
        bounds: std::ops::RangeInclusive<i64>,
    ) -> Result<Option<i64>, Problem> {
        self.value(name, expected, |text| minutes(text).filter(|minutes| bounds.contains(minutes)))
    }

    /// An instant that is not ahead of `now`; up to two minutes ahead is taken as now.
    ///
    /// # Errors
    /// Where it is none, or further ahead.
    pub fn past(&self, name: &str, now: Timestamp) -> Result<Option<Timestamp>, Problem> {
        let Some(instant) = self.instant(name)? else { return Ok(None) };
        if instant.ms_since(now) > CLOCK_TOLERANCE_MS {
            return Err(Problem::field(
                Code::InFuture,
                name,
                "not in the future",
                self.text(name).unwrap_or_default(),
            ));
        }
        Ok(Some(instant.min(now)))
    }

    /// An instant.
    ///
    /// # Errors
    /// Where it is none.
    pub fn instant(&self, name: &str) -> Result<Option<Timestamp>, Problem> {
        self.value(name, INSTANT, instant)
    }
}

fn is_passed_over(name: &str) -> bool {
    PASSED_OVER.contains(&name)
        || PASSED_OVER_FAMILIES.iter().any(|family| name.starts_with(family))
}

/// A finite number. Rust reads "inf" and "nan" too; a query does not.
pub fn number(text: &str) -> Option<f64> {
    text.trim().parse().ok().filter(|number: &f64| number.is_finite())
}

fn minutes(text: &str) -> Option<i64> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let factor = match unit {
        "m" => 1,
        "h" => 60,
        "d" => 24 * 60,
        _ => return None,
    };
    if digits.starts_with('0') || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse::<i64>().ok()?.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_are_a_whole_number_and_a_unit() {
        let rows = [
            ("15m", Some(15)),
            ("24h", Some(1_440)),
            ("1d", Some(1_440)),
            ("0m", None),
            ("015m", None),
            ("x", None),
            ("", None),
            ("m", None),
            ("-5m", None),
            ("+5m", None),
            ("1.5h", None),
            ("5", None),
            ("9223372036854775807h", None),
            ("5é", None),
        ];
        for (text, expected) in rows {
            assert_eq!(minutes(text), expected, "{text:?}");
        }
    }

    #[test]
    fn what_trackers_and_monitors_add_is_passed_over_and_what_nobody_knows_is_not() {
        let added = "v=1&v=2&key=a&utm_source=x&fbclid=1&gclid=2&mc_cid=3&mc_eid=4&\
                     cachebuster=5&_=6&_=7&msclkid=8";
        assert!(Query::parse(added, &[]).is_ok());
        for unknown in ["provder", "V", "__", "fbclid2", "utm", "mc", "cachebust", ""] {
            let query = format!("provider=a&{unknown}=1");
            assert_eq!(
                Query::parse(&query, &["provider"]).unwrap_err().code(),
                Code::UnknownParameter,
                "{unknown:?}"
            );
        }
        assert_eq!(
            Query::parse("provider=a&provider=a", &["provider"]).unwrap_err().code(),
            Code::RepeatedParameter
        );
    }

    #[test]
    fn a_call_that_knows_such_a_name_reads_it() {
        assert_eq!(Query::parse("key=a&v=1", &["key"]).unwrap().text("key"), Some("a"));
    }

    #[test]
    fn a_page_reads_what_it_knows_and_nothing_else() {
        let query = Query::parse_known("anything=1&for=ingest&anything=2", &["for"]).unwrap();
        assert_eq!((query.text("for"), query.text("anything")), (Some("ingest"), None));
        assert_eq!(
            Query::parse_known("for=a&for=b", &["for"]).unwrap_err().code(),
            Code::RepeatedParameter
        );
    }
}
