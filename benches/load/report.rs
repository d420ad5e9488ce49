//! One report as a client writes it.

use groundswell::domain::grid::Position;
use groundswell::domain::time::Timestamp;
use std::io::Write;

/// Hexadecimal digits of the part of a reporter's id that can be rewritten in place.
pub const TURN_DIGITS: usize = 16;

/// What one client says.
#[derive(Debug, Clone, Copy)]
pub struct Report {
    /// Of whom.
    pub provider: &'static str,
    /// Where.
    pub position: Position,
    /// How exactly, in metres.
    pub accuracy_m: u32,
    /// When it was noticed, to the second; now, where not said.
    pub observed_at: Option<Timestamp>,
    /// The first half of the reporter's id. The second is 0 until it is rewritten.
    pub reporter: u64,
}

impl Report {
    /// Appends it as a JSON object, and says where the second half of the reporter's id
    /// stands.
    pub fn write(&self, out: &mut Vec<u8>) -> usize {
        let Self { provider, position, accuracy_m, observed_at, reporter } = self;
        let (lat, lon) = (position.lat(), position.lon());
        append(
            out,
            format_args!(
                r#"{{"provider":"{provider}","symptom":"no_service","lat":{lat:.5},"lon":{lon:.5},"accuracy_m":{accuracy_m},"reporter_id":"{reporter:016x}"#
            ),
        );
        let turn = out.len();
        out.extend_from_slice(&turn_digits(0));
        if let Some(observed_at) = observed_at {
            let at = jiff::Timestamp::from_second(observed_at.0 / 1_000)
                .expect("benches run in this century");
            append(out, format_args!(r#"","observed_at":"{at}"#));
        }
        out.extend_from_slice(b"\"}");
        turn
    }
}

/// A number as the digits that take the place of an id's second half.
#[must_use]
pub fn turn_digits(turn: u64) -> [u8; TURN_DIGITS] {
    std::array::from_fn(|digit| b"0123456789abcdef"[(turn >> (60 - 4 * digit) & 0xf) as usize])
}

fn append(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("memory takes everything");
}
