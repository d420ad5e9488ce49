//! One submitted report as a form (`application/x-www-form-urlencoded`): the fields of JSON,
//! each a text.

use super::raw::RawReport;
use super::scalar::Scalar;
use std::borrow::Cow;

/// What stands for bytes that are no text.
const REPLACED: char = char::REPLACEMENT_CHARACTER;
/// The same, as a form sends it.
const REPLACED_SENT: [&[u8]; 2] = [b"%EF%BF%BD", "\u{fffd}".as_bytes()];

/// Not text, once it is decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the form must be UTF-8")]
pub struct NoText;

/// The report that a form says. A field that was not filled in is as one that is not there.
///
/// # Errors
/// Where it is no text.
pub fn report(form: &[u8]) -> Result<RawReport<'_>, NoText> {
    let mut report = RawReport::default();
    for (name, value) in form_urlencoded::parse(form) {
        if name.contains(REPLACED) || value.contains(REPLACED) {
            let is_sent =
                |sent: &[u8]| form.to_ascii_uppercase().windows(sent.len()).any(|at| at == sent);
            if !REPLACED_SENT.into_iter().any(is_sent) {
                return Err(NoText);
            }
        }
        if !value.trim().is_empty() {
            report.take_named(name, Scalar::Text(value));
        } else if !RawReport::knows(&name) {
            report.take_named(name, Scalar::Text(Cow::Borrowed("")));
        }
    }
    Ok(report)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::text::parsed;

    fn said(report: &RawReport<'_>) -> String {
        format!("{:?}", (&report.fields, report.twice, report.unknown.as_deref()))
    }

    #[test]
    fn a_form_says_the_same_as_json_of_texts() {
        let rows = [
            (
                "provider=rogers&symptom=no_service&lat=43.65&lon=-79.38&reporter_id=a",
                r#"{"provider":"rogers","symptom":"no_service","lat":"43.65","lon":"-79.38","reporter_id":"a"}"#,
            ),
            (
                "kind=no+data&device_id=a%26b&cell=&plmn=&accuracy_m=+",
                r#"{"symptom":"no data","reporter_id":"a&b"}"#,
            ),
            ("provider=a&provider=b", r#"{"provider":"a","provider":"b"}"#),
            ("submit=Send&provider=a", r#"{"submit":"Send","provider":"a"}"#),
            ("submit=&provider=a", r#"{"submit":"","provider":"a"}"#),
            ("", "{}"),
            ("id=Montr%C3%A9al", r#"{"id":"Montréal"}"#),
            ("id=%EF%BF%BD", "{\"id\":\"\u{fffd}\"}"),
        ];
        for (form, json) in rows {
            let mut room = Vec::new();
            let expected: RawReport<'_> = parsed(json.as_bytes(), &mut room).unwrap();
            assert_eq!(said(&report(form.as_bytes()).unwrap()), said(&expected), "{form}");
        }
    }

    #[test]
    fn what_is_no_text_is_refused() {
        for form in [&b"id=%FF"[..], b"id=\xff", b"%C3=1", b"id=%c3%28"] {
            assert_eq!(report(form).unwrap_err(), NoText, "{form:?}");
        }
    }
}
