//! The server that reports are sent to: its clock, and what it made of the reports so
//! far.

use anyhow::{Context, anyhow, bail, ensure};
use groundswell::domain::time::Timestamp;
use groundswell::engine::timetable::Timetable;
use serde::Deserialize;
use std::fmt;
use std::time::{Duration, Instant};
use ureq::http::Response;
use ureq::{Agent, Body};

const ANSWERS_WITHIN: Duration = Duration::from_secs(30);
/// A batch is sent again so often, after a pause that grows: it is harmless.
const TRIES: u32 = 6;
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// A server.
#[derive(Debug)]
pub struct Server {
    agent: Agent,
    base: String,
    clock: Clock,
    sums: Sums,
}

/// What its clock showed, when we saw it, and how many times as fast as time it runs.
#[derive(Debug, Clone, Copy)]
struct Clock {
    shown: Timestamp,
    seen: Instant,
    speed: u32,
    is_simulated: bool,
}

/// What became of the reports.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
pub struct Sums {
    /// Those that count.
    pub counted: u64,
    /// Those whose reporter counted already.
    pub duplicate: u64,
    /// Those that were refused.
    pub rejected: u64,
}

impl Server {
    /// The server at an address, once it has answered.
    pub fn reach(url: &str) -> anyhow::Result<Self> {
        ensure!(
            url.starts_with("http://"),
            "--to must be an address like http://127.0.0.1:8080, got {url:?}"
        );
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_global(Some(ANSWERS_WITHIN));
        let agent: Agent = config.build().into();
        let base = url.trim_end_matches('/').to_owned();
        let answer = agent
            .get(format!("{base}/healthz"))
            .call()
            .with_context(|| format!("no server answers at {base}"))?;
        let clock =
            Clock::of(&answer).with_context(|| format!("{base} does not say what time it is"))?;
        Ok(Self { agent, base, clock, sums: Sums::default() })
    }

    /// Whether its clock is a simulated one.
    pub const fn is_simulated(&self) -> bool {
        self.clock.is_simulated
    }

    /// What its clock shows now, as far as we know.
    pub fn now(&self) -> Timestamp {
        let real = i64::try_from(self.clock.seen.elapsed().as_millis()).unwrap_or(i64::MAX);
        self.clock.shown.plus_ms(real.saturating_mul(i64::from(self.clock.speed)))
    }

    /// How long its clock takes for so many milliseconds.
    pub fn real(&self, ms: i64) -> Duration {
        Duration::from_millis(ms.max(0).unsigned_abs()) / self.clock.speed
    }

    /// What became of the reports so far.
    pub const fn sums(&self) -> Sums {
        self.sums
    }

    /// Looks at a simulated clock again. Another one is as fast as ours.
    pub fn ask(&mut self) -> anyhow::Result<()> {
        if self.clock.is_simulated {
            let answer = self.agent.get(format!("{}/healthz", self.base)).call();
            self.clock =
                Clock::of(&answer.with_context(|| format!("{} answers no longer", self.base))?)?;
        }
        Ok(())
    }

    /// Sends lines, again where nothing is known of them.
    pub fn post(&mut self, lines: &[u8]) -> anyhow::Result<()> {
        let mut pause = FIRST_PAUSE;
        for left in (0..TRIES).rev() {
            let request = self
                .agent
                .post(format!("{}/v1/reports/batch", self.base))
                .content_type("application/x-ndjson");
            match request.send(lines) {
                Ok(mut answer) if answer.status() == 200 => {
                    let sums: Sums = serde_json::from_str(&answer.body_mut().read_to_string()?)
                        .context("the answer to a batch")?;
                    self.sums.add(sums);
                    if self.clock.is_simulated {
                        self.clock = Clock::of(&answer)?;
                    }
                    return Ok(());
                }
                Ok(answer) if answer.status() != 503 || left == 0 => {
                    let status = answer.status();
                    bail!(
                        "{} answered {status} to a batch: {}",
                        self.base,
                        answer.into_body().read_to_string()?
                    );
                }
                Err(error) if left == 0 => {
                    return Err(anyhow!(error).context(format!("{} answers no longer", self.base)));
                }
                Ok(_) | Err(_) => std::thread::sleep(pause),
            }
            pause *= 2;
        }
        Ok(())
    }
}

impl Clock {
    fn of(answer: &Response<Body>) -> anyhow::Result<Self> {
        let header = |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok());
        let seen = Instant::now();
        if let Some(clock) = header("simulated-clock") {
            let (shown, speed) =
                clock.parse::<Timetable>().context("its Simulated-Clock")?.after(Duration::ZERO);
            return Ok(Self { shown, seen, speed, is_simulated: true });
        }
        let date = header("date").context("its answer has no Date")?;
        let shown =
            jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(date).context("its Date")?;
        Ok(Self { shown: Timestamp(shown.as_millisecond()), seen, speed: 1, is_simulated: false })
    }
}

impl Sums {
    const fn add(&mut self, more: Self) {
        self.counted += more.counted;
        self.duplicate += more.duplicate;
        self.rejected += more.rejected;
    }
}

impl fmt::Display for Sums {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { counted, duplicate, rejected } = self;
        write!(f, "{counted} reports counted, {duplicate} duplicates, {rejected} rejected")
    }
}
