//! Requests rendered beforehand, made new by rewriting the reporters' ids: sending costs
//! a copy, not a rendering.

use super::crowd::{Crowd, now};
use super::http;
use super::report::{TURN_DIGITS, turn_digits};

/// Requests that are sent in turn, again and again, never twice with the same reporters.
#[derive(Debug)]
pub struct Pool {
    requests: Vec<Request>,
    turn: u64,
}

#[derive(Debug)]
struct Request {
    bytes: Vec<u8>,
    /// Where the second half of each reporter's id stands.
    ids: Vec<usize>,
}

impl Pool {
    /// Requests of one report each, observed about now.
    #[must_use]
    pub fn of_single_reports(crowd: &mut Crowd, requests: usize) -> Self {
        Self::of(requests, || request("/v1/reports", "application/json", crowd, 1))
    }

    /// Requests of that many lines each, observed about now.
    #[must_use]
    pub fn of_batches(crowd: &mut Crowd, requests: usize, lines: usize) -> Self {
        Self::of(requests, || request("/v1/reports/batch", "application/x-ndjson", crowd, lines))
    }

    /// The same requests with a key.
    #[must_use]
    pub fn with_key(mut self, key: &str) -> Self {
        for Request { bytes, ids } in &mut self.requests {
            *bytes = http::with_key(bytes, key);
            for id in ids {
                *id += http::key_line(key).len();
            }
        }
        self
    }

    /// The same requests, whose bodies come in a chunk each, their length not said before.
    #[must_use]
    pub fn in_chunks(mut self) -> Self {
        for Request { bytes, ids } in &mut self.requests {
            let (chunked, later) = http::in_chunks(bytes);
            *bytes = chunked;
            for id in ids {
                *id = id.wrapping_add_signed(later);
            }
        }
        self
    }

    fn of(requests: usize, render: impl FnMut() -> Request) -> Self {
        Self { requests: std::iter::repeat_with(render).take(requests).collect(), turn: 0 }
    }

    /// The next request, in place of what `out` held.
    pub fn next(&mut self, out: &mut Vec<u8>) {
        self.turn += 1;
        let Request { bytes, ids } = &self.requests[self.turn as usize % self.requests.len()];
        let digits = turn_digits(self.turn);
        out.clear();
        out.extend_from_slice(bytes);
        for id in ids {
            out[*id..*id + TURN_DIGITS].copy_from_slice(&digits);
        }
    }
}

fn request(target: &str, content_type: &str, crowd: &mut Crowd, lines: usize) -> Request {
    let (mut body, mut ids) = (Vec::new(), Vec::new());
    let now = now();
    for _ in 0..lines {
        ids.push(crowd.report(now).write(&mut body));
        body.push(b'\n');
    }
    let bytes = http::post(target, content_type, &body);
    let head = bytes.len() - body.len();
    Request { bytes, ids: ids.into_iter().map(|id| head + id).collect() }
}
