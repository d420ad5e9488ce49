//! Small lists as bytes: provider ids in the order of their numbers, and spans of
//! minutes.

use super::stored_time::stored_minute;
use crate::domain::time::Minute;
use std::ops::Range;

/// Ids, a line each.
#[must_use]
pub fn write(ids: &[String]) -> Vec<u8> {
    ids.iter().flat_map(|id| [id.as_bytes(), b"\n"].concat()).collect()
}

/// The ids of these bytes.
#[must_use]
pub fn read(bytes: &[u8]) -> Option<Vec<String>> {
    Some(std::str::from_utf8(bytes).ok()?.lines().map(str::to_owned).collect())
}

/// Spans, eight bytes each.
#[must_use]
pub fn write_spans(spans: &[Range<Minute>]) -> Vec<u8> {
    let bytes = |minute| stored_minute(minute).to_le_bytes();
    spans.iter().flat_map(|span| [bytes(span.start), bytes(span.end)].concat()).collect()
}

/// The spans of these bytes.
#[must_use]
pub fn read_spans(bytes: &[u8]) -> Option<Vec<Range<Minute>>> {
    let (spans, []) = bytes.as_chunks::<8>() else { return None };
    let minute =
        |bytes: &[u8]| Minute(i64::from(u32::from_le_bytes(bytes.try_into().expect("four bytes"))));
    Some(spans.iter().map(|span| minute(&span[..4])..minute(&span[4..])).collect())
}
