//! What came of one run of load: how many answers, how quickly, at which cost to the
//! client.

use super::client::Answer;
use hdrhistogram::Histogram;
use rustix::time::{ClockId, clock_gettime};
use std::time::{Duration, Instant};

/// How long to load: first unmeasured, then measured.
#[derive(Debug, Clone, Copy)]
pub struct Span {
    /// Until caches and congestion windows are warm.
    pub warm_up: Duration,
    /// What counts.
    pub measured: Duration,
}

/// Which answers are good.
#[derive(Debug, Clone, Copy)]
pub struct Expected {
    /// The status.
    pub status: u16,
    /// What the beginning of the body contains.
    pub containing: &'static str,
}

/// A run of load.
#[derive(Debug, Clone)]
pub struct Run {
    /// Good answers to requests of the measured span.
    pub answers: u64,
    /// Their bytes.
    pub bytes: u64,
    /// The measured span.
    pub seconds: f64,
    /// Their latencies, in microseconds.
    pub latencies: Histogram<u64>,
    /// All answers, the unmeasured ones too: what the servers' CPU time is divided by.
    pub all_answers: u64,
    /// Answers that were not as expected, unmeasured ones too.
    pub wrong: u64,
    /// The first of them.
    pub first_wrong: Option<String>,
    /// CPU time of the thread that made the load.
    pub client_cpu_seconds: f64,
    /// Wall-clock time of all of it.
    pub whole_seconds: f64,
    measured: (Instant, Instant),
    began: (Instant, f64),
}

impl Span {
    /// A span of so many seconds in all its parts.
    #[must_use]
    pub fn seconds(warm_up: f64, measured: f64) -> Self {
        Self {
            warm_up: Duration::from_secs_f64(warm_up),
            measured: Duration::from_secs_f64(measured),
        }
    }
}

impl Run {
    /// A run that begins now.
    #[must_use]
    pub fn begin(span: Span) -> Self {
        let now = Instant::now();
        let from = now + span.warm_up;
        Self {
            answers: 0,
            bytes: 0,
            seconds: span.measured.as_secs_f64(),
            latencies: no_latencies(),
            all_answers: 0,
            wrong: 0,
            first_wrong: None,
            client_cpu_seconds: 0.0,
            whole_seconds: 0.0,
            measured: (from, from + span.measured),
            began: (now, thread_cpu_seconds()),
        }
    }

    /// The moment after which nothing is sent any more.
    #[must_use]
    pub const fn ends_at(&self) -> Instant {
        self.measured.1
    }

    /// Takes an answer that came `now`.
    pub fn take(&mut self, answer: Answer<'_>, now: Instant, expected: Expected) {
        self.all_answers += 1;
        if !expected.is(answer) {
            self.wrong += 1;
            self.first_wrong.get_or_insert_with(|| {
                format!("{} {}", answer.status, String::from_utf8_lossy(answer.body))
            });
        } else if self.measured.0 <= answer.since && answer.since < self.measured.1 {
            self.answers += 1;
            self.bytes += answer.bytes as u64;
            self.latencies.saturating_record((now - answer.since).as_micros() as u64);
        }
    }

    /// The run, over.
    #[must_use]
    pub fn end(mut self) -> Self {
        self.client_cpu_seconds = thread_cpu_seconds() - self.began.1;
        self.whole_seconds = self.began.0.elapsed().as_secs_f64();
        self
    }

    /// Good answers a second.
    #[must_use]
    pub fn per_second(&self) -> f64 {
        self.answers as f64 / self.seconds
    }
}

impl Expected {
    fn is(self, answer: Answer<'_>) -> bool {
        let needle = self.containing.as_bytes();
        answer.status == self.status
            && (needle.is_empty() || answer.body.windows(needle.len()).any(|part| part == needle))
    }
}

/// Room for latencies up to a minute, to three digits.
#[must_use]
pub fn no_latencies() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 60_000_000, 3)
        .expect("a minute in microseconds, to three digits, is a range")
}

fn thread_cpu_seconds() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}
