//! What a line of a file says beside the report itself: when it was received. Everything
//! else is read as over HTTP.

use super::statistics::Flaw;
use crate::domain::provider::Catalogue;
use crate::domain::report::Submission;
use crate::domain::time::{HOUR_MS, Timestamp};
use crate::wire::report::{RawReport, Standing};
use crate::wire::scalar::Scalar;
use crate::wire::text::parsed;
use crate::wire::time::{epoch, sent_instant};
use serde::Deserialize;

/// Facts are dated after 1970, and so must be what was observed, or is forgotten, long
/// before: no line is of the first year.
const EARLIEST: Timestamp = Timestamp(365 * 24 * HOUR_MS);

/// A report of a file, sound in itself.
#[derive(Debug)]
pub struct InputLine<'a> {
    /// When it was received.
    pub received_at: Timestamp,
    /// What it says.
    pub submission: Submission<'a>,
}

#[derive(Deserialize)]
struct Received<'a> {
    #[serde(borrow, default)]
    received_at: Scalar<'a>,
}

/// When a line was received; none where it does not say so.
pub fn received_at(line: &[u8]) -> Option<Timestamp> {
    let mut room = Vec::new();
    let Received { received_at } = parsed(line, &mut room).ok()?;
    sound(&received_at)
}

/// The report of a line.
pub fn read<'a>(
    line: &'a [u8],
    raw: &'a RawReport<'a>,
    catalogue: &Catalogue,
) -> Result<InputLine<'a>, Flaw> {
    let first = |faults: Vec<crate::wire::fault::Fault>| {
        faults.first().map_or(Flaw::InvalidValue, |fault| fault.kind.into())
    };
    let read = raw.read(catalogue).map_err(first)?;
    if read.standing == Standing::Ignored {
        return Err(Flaw::UnclearSymptom);
    }
    let mut room = Vec::new();
    let Received { received_at } =
        parsed(line, &mut room).map_err(|error| Flaw::of_json(&error))?;
    if matches!(received_at, Scalar::Missing) {
        return Err(Flaw::MissingField);
    }
    let received_at = sound(&received_at).ok_or(Flaw::InvalidValue)?;
    Ok(InputLine { received_at, submission: read.submission })
}

fn sound(received_at: &Scalar<'_>) -> Option<Timestamp> {
    let instant = match received_at {
        Scalar::Text(text) => sent_instant(text),
        number => number.number().and_then(epoch),
    };
    instant.filter(|instant| EARLIEST <= *instant)
}
