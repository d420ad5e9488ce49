//! JSON as it is sent, and what programs leave around it or write into it that changes
//! nothing: marks, zeros, numbers that are none.

use serde::Deserialize;
use std::borrow::Cow;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
/// The field in which a number that is none says that there is none.
const MAY_BE_NO_NUMBER: &[u8] = b"\"accuracy_m\"";

/// The text without byte order marks before it, and without blanks and zero bytes around
/// it.
#[must_use]
pub fn trimmed(mut text: &[u8]) -> &[u8] {
    let is_filler = |byte: &u8| byte.is_ascii_whitespace() || *byte == 0;
    loop {
        let without = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
        let without =
            &without[without.iter().position(|byte| !is_filler(byte)).unwrap_or(without.len())..];
        if without.len() == text.len() {
            break;
        }
        text = without;
    }
    &text[..text.iter().rposition(|byte| !is_filler(byte)).map_or(0, |last| last + 1)]
}

/// What a JSON text says. `room` holds it as it should have been sent, where an accuracy
/// is a number that is none.
///
/// # Errors
/// Where it is no JSON, or says something else.
pub fn parsed<'a, T: Deserialize<'a>>(
    text: &'a [u8],
    room: &'a mut Vec<u8>,
) -> Result<T, serde_json::Error> {
    match serde_json::from_slice(text) {
        Err(error) if error.is_syntax() || error.is_eof() => match without_non_numbers(text) {
            Cow::Borrowed(_) => Err(error),
            Cow::Owned(mended) => {
                *room = mended;
                serde_json::from_slice(room)
            }
        },
        outcome => outcome,
    }
}

/// The text with 0 wherever an accuracy is `NaN`, `Infinity` or beyond all numbers: some
/// languages write those into JSON, which knows none.
fn without_non_numbers(text: &[u8]) -> Cow<'_, [u8]> {
    let (mut mended, mut at) = (Cow::Borrowed(text), 0);
    while let Some(found) = find(&text[at..], MAY_BE_NO_NUMBER) {
        at += found + MAY_BE_NO_NUMBER.len();
        let rest = text[at..].trim_ascii_start();
        let Some(value) = rest.strip_prefix(b":").map(<[u8]>::trim_ascii_start) else { continue };
        let length = value
            .iter()
            .position(|byte| matches!(byte, b',' | b'}') || byte.is_ascii_whitespace())
            .unwrap_or(value.len());
        let is_none = std::str::from_utf8(&value[..length])
            .is_ok_and(|word| word.parse::<f64>().is_ok_and(|number| !number.is_finite()));
        let begins = text.len() - value.len();
        if is_none {
            let number = &mut mended.to_mut()[begins..begins + length];
            number.fill(b' ');
            number[0] = b'0';
        }
        at = begins;
    }
    mended
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn marks_blanks_and_zeros_around_a_text_are_left_out() {
        let rows: [(&[u8], &[u8]); 7] = [
            (b"\xef\xbb\xbf{}", b"{}"),
            (b"\xef\xbb\xbf\xef\xbb\xbf {} ", b"{}"),
            (b"\n\xef\xbb\xbf{}\0\0\r\n\0", b"{}"),
            (b"{\"a\": \"\xef\xbb\xbf\0\"}", b"{\"a\": \"\xef\xbb\xbf\0\"}"),
            (b"\0\0", b""),
            (b"\xef\xbb\xbf", b""),
            (b"\xef\xbb{}", b"\xef\xbb{}"),
        ];
        for (sent, expected) in rows {
            assert_eq!(trimmed(sent), expected, "{:?}", String::from_utf8_lossy(sent));
        }
    }

    #[test]
    fn an_accuracy_that_is_no_number_is_none() {
        for word in ["NaN", "nan", "Infinity", "-Infinity", "inf", "1e999", "-1e999"] {
            let text = format!(
                "[{{\"accuracy_m\":{word}}}, {{\"accuracy_m\" : {word} , \"id\": \
                 \"\\\"accuracy_m\\\":\"}}]"
            );
            let mut room = Vec::new();
            let value: Value = parsed(text.as_bytes(), &mut room).unwrap();
            assert_eq!(
                value,
                json!([{"accuracy_m": 0}, {"accuracy_m": 0, "id": "\"accuracy_m\":"}]),
                "{word}"
            );
        }
    }

    #[test]
    fn everything_else_is_refused_as_before() {
        for text in [
            "{\"lat\": NaN}",
            "{\"accuracy_m\": x}",
            "{\"accuracy_m\": NaN",
            "{\"accuracy_m\" NaN}",
            "",
            "{\"accuracy_m\": NaN, \"lat\": NaN}",
        ] {
            let mut room = Vec::new();
            assert!(parsed::<Value>(text.as_bytes(), &mut room).is_err(), "{text}");
        }
    }
}
