//! A group of reports on its way to Redis: one script call for each provider and shard,
//! repeated until its answer is known.

use super::connection::{Ask, Connection, Fault};
use super::keys::{ClaimPlace, Keys, Written, shard_of};
use super::retry_policy::RetryPolicy;
use super::script::RECORD;
use super::{replicas, rows};
use crate::domain::report::Report;
use crate::domain::symptom::Claim;
use crate::domain::time::Hour;
use crate::store::fail_point::{self, FailPoint};
use crate::store::{Recorded, StoreError};
use redis::{Cmd, Value};
use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Reports of one call at most: a few milliseconds of Redis, which does nothing else
/// meanwhile.
const MOST_IN_A_CALL: usize = 1_000;
/// A slot that has not answered for this part of [`Timing::repeat`] gets one try from
/// further calls: they need not wait for what others wait for already.
///
/// [`Timing::repeat`]: crate::store::timing::Timing::repeat
const STRUCK_AFTER_PART: u32 = 5;
const CLAIMS_PER_PERIOD: u8 = 3;
/// Beside the bit of a claim: nobody's first report. Bits of claims are below 36.
const NEVER_FIRST: u8 = 64;

/// One call of the script.
#[derive(Debug)]
pub struct Call {
    /// Provider and shard, as the tag of its keys.
    tag: String,
    /// The places of its reports in the group.
    members: Vec<usize>,
    keys: Vec<String>,
    hours: Vec<Hour>,
    rows: Vec<u8>,
    reports: Vec<u8>,
    /// Of each reporter's day among them, in this half-day.
    written: Vec<Written>,
}

/// Slots that did not answer in time lately: they get one try a call until one succeeds,
/// so that nobody waits in vain.
#[derive(Debug, Default)]
pub struct Struck {
    /// Held for look-ups only.
    tags: Mutex<HashSet<String>>,
}

/// The calls that record a group; `name` gives the id of a report's provider.
pub fn calls<'a>(group: &[Report], keys: &Keys, name: impl Fn(&Report) -> &'a str) -> Vec<Call> {
    let mut open: HashMap<(u16, u32), Builder> = HashMap::new();
    let mut calls = Vec::new();
    for (place, report) in group.iter().enumerate() {
        let at = (report.provider.0, shard_of(report.reporter.hash));
        let builder = open.entry(at).or_default();
        builder.add(place, report);
        if builder.members.len() == MOST_IN_A_CALL {
            calls.extend(open.remove(&at).map(|full| full.finish(keys, name(report), at.1)));
        }
    }
    calls.extend(open.into_iter().map(|((_, shard), builder)| {
        let of_group = name(&group[builder.members[0]]);
        builder.finish(keys, of_group, shard)
    }));
    calls
}

/// What one call gathers.
#[derive(Debug, Default)]
struct Builder {
    members: Vec<usize>,
    places: Vec<ClaimPlace>,
    hours: Vec<Hour>,
    rows: HashMap<(u16, [u8; 8]), u16>,
    row_bytes: Vec<u8>,
    reports: Vec<u8>,
    days: Vec<u8>,
    /// The hour the last of them came.
    arrived: Option<Hour>,
}

impl Builder {
    fn add(&mut self, place: usize, report: &Report) {
        let claims = ClaimPlace::of(report.reporter.hash);
        let mut at = [0_u16; 2];
        for (row, (minute, key, _)) in at.iter_mut().zip(report.counted(false).facts()) {
            *row = self.row(minute.hour(), rows::head(minute, key));
        }
        let day = self.days.iter().position(|day| *day == claims.day).unwrap_or_else(|| {
            self.days.push(claims.day);
            self.days.len() - 1
        });
        self.arrived = self.arrived.max(Some(report.observed.arrived.hour()));
        self.members.push(place);
        self.places.push(claims);
        debug_assert!(Claim::Working as u8 == CLAIMS_PER_PERIOD - 1, "three claims a period");
        let bit = report.reporter.slot * CLAIMS_PER_PERIOD + report.symptom.claim() as u8;
        self.reports.push(if report.counted(true).first { bit } else { bit | NEVER_FIRST });
        self.reports.extend_from_slice(&claims.field);
        self.reports.extend(at.iter().flat_map(|row| row.to_le_bytes()));
        self.reports.push(u8::try_from(day + 1).expect("there are 64 days"));
        self.reports.extend_from_slice(&claims.group().to_le_bytes());
    }

    /// The number of a row, from 1.
    fn row(&mut self, hour: Hour, head: [u8; 8]) -> u16 {
        let known = self.hours.iter().position(|known| *known == hour);
        let hour = known.unwrap_or_else(|| {
            self.hours.push(hour);
            self.hours.len() - 1
        });
        let hour = u16::try_from(hour + 1).expect("a call has at most two hours a report");
        let next =
            u16::try_from(self.rows.len() + 1).expect("a call has at most two rows a report");
        *self.rows.entry((hour, head)).or_insert_with(|| {
            self.row_bytes.extend_from_slice(&hour.to_le_bytes());
            self.row_bytes.extend_from_slice(&head);
            next
        })
    }

    fn finish(self, keys: &Keys, provider: &str, shard: u32) -> Call {
        let shard = keys.shard(provider, shard);
        let arrived = self.arrived.expect("a call has a report");
        let written: Vec<Written> =
            self.days.iter().map(|day| Written::at(arrived, *day)).collect();
        let mut keys = vec![shard.open(), shard.written()];
        keys.extend(self.hours.iter().map(|hour| shard.facts(*hour)));
        keys.extend(self.places.iter().map(|place| shard.claims(*place)));
        keys.extend(written.iter().map(|written| shard.written_in(*written)));
        Call {
            tag: shard.open(),
            members: self.members,
            keys,
            hours: self.hours,
            rows: self.row_bytes,
            reports: self.reports,
            written,
        }
    }
}

impl Call {
    /// The places of its reports in the group.
    #[must_use]
    pub fn into_members(self) -> Vec<usize> {
        self.members
    }

    /// Runs it until its answer is known, or time is up. Gives an outcome for each
    /// member.
    ///
    /// A try whose answer was lost may have counted; the next one then finds duplicates.
    /// Where an answer came but too few replicas have it, what it said is remembered:
    /// nobody who counted is told otherwise.
    ///
    /// # Errors
    /// Where its answer is not known.
    pub async fn run(
        &self,
        connection: &Connection,
        min_replicas: u32,
        struck: &Struck,
    ) -> Result<Vec<Recorded>, StoreError> {
        let repeated_for = connection.timing().repeat;
        let mut retries =
            RetryPolicy::of(if struck.has(&self.tag) { Duration::ZERO } else { repeated_for });
        let (mut outcomes, mut by_text) = (vec![Recorded::Duplicate; self.members.len()], false);
        loop {
            let fault = match self.attempt(connection, min_replicas, by_text, &mut outcomes).await {
                Ok(()) => {
                    struck.clear(&self.tag);
                    return Ok(outcomes);
                }
                Err(Fault::NoScript) if !by_text => {
                    by_text = true;
                    continue;
                }
                Err(fault) if fault.is_passing() => fault,
                Err(lasting) => return Err(lasting.into()),
            };
            by_text = false;
            if repeated_for / STRUCK_AFTER_PART < retries.elapsed() {
                struck.strike(&self.tag);
            }
            retries.after(fault).await?;
        }
    }

    async fn attempt(
        &self,
        connection: &Connection,
        min_replicas: u32,
        by_text: bool,
        outcomes: &mut [Recorded],
    ) -> Result<(), Fault> {
        let commands = [self.command(by_text)]
            .into_iter()
            .chain(replicas::wait(connection, min_replicas))
            .collect();
        fail_point::reach(FailPoint::BeforeRedisRecord).map_err(|error| lost(&error))?;
        let replies = connection.ask(&Ask { key: self.tag.clone(), commands }).await?;
        let Some(Value::BulkString(told)) = replies.first().filter(
            |reply| matches!(reply, Value::BulkString(told) if told.len() == outcomes.len()),
        ) else {
            return Err(Fault::Lasting(format!(
                "an outcome a report was expected, got {:?}",
                replies.first()
            )));
        };
        fail_point::reach(FailPoint::RedisRecorded).map_err(|error| lost(&error))?;
        for (outcome, told) in outcomes.iter_mut().zip(told) {
            if *told != b'd' {
                *outcome = Recorded::Counted;
            }
        }
        replicas::waited(connection, min_replicas, replies.get(1))
    }

    fn command(&self, by_text: bool) -> Cmd {
        let mut command = RECORD.command(by_text, &self.keys);
        command.arg(&self.rows[..]).arg(&self.reports[..]).arg(self.hours.len());
        for hour in &self.hours {
            command.arg(hour.0);
        }
        for written in &self.written {
            command.arg(written.to_string());
        }
        command
    }
}

/// As where a connection breaks.
fn lost(error: &std::io::Error) -> Fault {
    Fault::Passing(error.to_string())
}

impl Struck {
    fn has(&self, tag: &str) -> bool {
        self.tags().contains(tag)
    }

    fn strike(&self, tag: &str) {
        self.tags().insert(tag.to_owned());
    }

    fn clear(&self, tag: &str) {
        self.tags().remove(tag);
    }

    fn tags(&self) -> MutexGuard<'_, HashSet<String>> {
        self.tags.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
