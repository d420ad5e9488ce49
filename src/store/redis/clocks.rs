//! What a clock is held against: Redis' own, that of the other nodes, and the newest
//! fact.

use super::connection::{Ask, Fault};
use super::read_cache::open_hours;
use super::{Node, ProviderNode, Redis};
use crate::domain::time::{Hour, Minute, Timestamp};
use crate::store::{Anchor, OpenError, StoreError};
use futures_util::{StreamExt, TryStreamExt};
use redis::Value;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

/// Of the store's description: minutes whose facts a wrong clock dated to the future, as
/// `FROM TO`.
const DISOWNED: &str = "disowned";
/// Of the store's description: the clock of all its nodes, [`REAL`] or `ANCHOR
/// TIMETABLE`. The anchor is what Redis' clock showed when the first of them said it, in
/// milliseconds since 1970.
const CLOCK: &str = "clock";
const REAL: &str = "real";
/// Providers that are asked for at once.
const AT_ONCE: usize = 32;

impl Redis {
    pub(in crate::store) fn agree_on_clock(
        &self,
        timetable: Option<&str>,
    ) -> Result<Option<Anchor>, OpenError> {
        let (node, timetable) = (Arc::clone(&self.node), timetable.map(str::to_owned));
        self.check(async move {
            let clock = match timetable {
                None => REAL.to_owned(),
                Some(timetable) => {
                    let now = node.clock_beside_meta().await;
                    let now = now.map_err(|fault| node.unreachable(fault.to_string()))?;
                    format!("{} {timetable}", now.0)
                }
            };
            node.agree_on_clock(&clock).await
        })
    }

    pub(in crate::store) async fn clocks(&self) -> Result<Vec<Timestamp>, StoreError> {
        let node = Arc::clone(&self.node);
        self.here(async move { Ok(node.clocks().await?) }).await?
    }

    pub(in crate::store) async fn newest_minute(&self) -> Result<Option<Minute>, StoreError> {
        let node = Arc::clone(&self.node);
        self.here(async move { Ok(node.newest_minute().await?) }).await?
    }

    pub(in crate::store) async fn disown_from(&self, minute: Minute) -> Result<(), StoreError> {
        let node = Arc::clone(&self.node);
        self.here(async move { Ok(node.disown_from(minute).await?) }).await?
    }
}

impl Node {
    /// Says by which clock this node goes, unless another has said it before. Gives what
    /// a simulated one counts from.
    pub(super) async fn agree_on_clock(&self, ours: &str) -> Result<Option<Anchor>, OpenError> {
        let unreachable = |fault: Fault| self.unreachable(fault.to_string());
        let theirs = self.say_clock(ours).await.map_err(unreachable)?;
        let (at, timetable) = parts(&theirs);
        if timetable != parts(ours).1 {
            return Err(OpenError::Clock {
                place: self.connection.shown().to_owned(),
                ours: shown(ours),
                theirs: shown(&theirs),
            });
        }
        let now = self.clock_beside_meta().await.map_err(unreachable)?;
        // An error says that it said so before.
        drop(self.clock.set(theirs.clone()));
        let ago = |at: Timestamp| Duration::from_millis(now.ms_since(at).max(0).unsigned_abs());
        Ok(at.map(|at| Anchor { at, ago: ago(at) }))
    }

    async fn say_clock(&self, ours: &str) -> Result<String, Fault> {
        let [mut say, mut get] = ["HSETNX", "HGET"].map(redis::cmd);
        say.arg(self.keys.meta()).arg(CLOCK).arg(ours);
        get.arg(self.keys.meta()).arg(CLOCK);
        let ask = Ask { key: self.keys.meta(), commands: vec![say, get] };
        let reply = self.connection.ask(&ask).await?.pop().unwrap_or_default();
        redis::from_redis_value(reply).map_err(|error| Fault::Lasting(error.to_string()))
    }

    /// What the clock of the master shows that has the store's description.
    async fn clock_beside_meta(&self) -> Result<Timestamp, Fault> {
        let ask = Ask { key: self.keys.meta(), commands: vec![redis::cmd("TIME")] };
        clock_of(self.connection.ask(&ask).await?.pop().unwrap_or_default())
    }

    /// What each master's clock shows.
    async fn clocks(&self) -> Result<Vec<Timestamp>, Fault> {
        let replies = self.connection.ask_masters(redis::cmd("TIME")).await?;
        replies.into_iter().map(clock_of).collect()
    }

    async fn newest_minute(&self) -> Result<Option<Minute>, Fault> {
        let disowned = self.disowned().await?;
        let newest_of = |n: usize| self.newest_of(&self.providers[n], &disowned);
        let of_each =
            futures_util::stream::iter(0..self.providers.len()).map(newest_of).buffered(AT_ONCE);
        Ok(of_each.try_collect::<Vec<_>>().await?.into_iter().max().flatten())
    }

    async fn newest_of(
        &self,
        provider: &ProviderNode,
        disowned: &Range<Minute>,
    ) -> Result<Option<Minute>, Fault> {
        let open = open_hours(&self.connection, &provider.keys).await?;
        let mut hours: Vec<Hour> = open.iter().flat_map(|hours| hours.keys().copied()).collect();
        hours.sort_unstable();
        hours.dedup();
        for hour in hours.iter().rev() {
            let minutes = self.minutes(provider, hour.minutes()).await?;
            if let Some((minute, _)) =
                minutes.iter().rev().find(|(minute, _)| !disowned.contains(minute))
            {
                return Ok(Some(*minute));
            }
        }
        let aged = self.aged_hours(provider).await?.into_iter().map(Hour::first_minute);
        Ok(aged.filter(|minute| !disowned.contains(minute)).max())
    }

    async fn aged_hours(&self, provider: &ProviderNode) -> Result<Vec<Hour>, Fault> {
        let ask = |keys: &super::ShardKeys| {
            let mut fields = redis::cmd("HKEYS");
            fields.arg(keys.aged());
            Ask { key: keys.open(), commands: vec![fields] }
        };
        let asks: Vec<Ask> = provider.keys.iter().map(ask).collect();
        let mut hours = Vec::new();
        for reply in self.connection.ask_all(&asks).await?.into_iter().flatten() {
            let of_shard: Vec<i64> = redis::from_redis_value(reply)
                .map_err(|error| Fault::Lasting(error.to_string()))?;
            hours.extend(of_shard.into_iter().map(Hour));
        }
        Ok(hours)
    }

    async fn disown_from(&self, minute: Minute) -> Result<(), Fault> {
        let end = self.newest_minute().await?.map_or(minute, |newest| newest.plus(1));
        if end <= minute {
            return Ok(());
        }
        let mut set = redis::cmd("HSET");
        set.arg(self.keys.meta()).arg(DISOWNED).arg(format!("{} {}", minute.0, end.0));
        self.connection.ask(&Ask { key: self.keys.meta(), commands: vec![set] }).await.map(drop)
    }

    /// Minutes whose facts were disowned; empty where none were.
    async fn disowned(&self) -> Result<Range<Minute>, Fault> {
        let mut get = redis::cmd("HGET");
        get.arg(self.keys.meta()).arg(DISOWNED);
        let reply = self
            .connection
            .ask(&Ask { key: self.keys.meta(), commands: vec![get] })
            .await?
            .pop()
            .unwrap_or_default();
        let text: Option<String> =
            redis::from_redis_value(reply).map_err(|error| Fault::Lasting(error.to_string()))?;
        let bounds = text
            .as_deref()
            .and_then(|text| text.split_once(' '))
            .and_then(|(from, to)| Some((from.parse().ok()?, to.parse().ok()?)));
        let (from, to) = bounds.unwrap_or_default();
        Ok(Minute(from)..Minute(to))
    }
}

/// What a clock showed, by the reply to `TIME`.
fn clock_of(reply: Value) -> Result<Timestamp, Fault> {
    let (seconds, micros): (i64, i64) =
        redis::from_redis_value(reply).map_err(|error| Fault::Lasting(error.to_string()))?;
    Ok(Timestamp(seconds.saturating_mul(1_000).saturating_add(micros / 1_000)))
}

/// Anchor and timetable of a simulated clock; neither of time itself.
fn parts(clock: &str) -> (Option<Timestamp>, Option<&str>) {
    let parts =
        clock.split_once(' ').and_then(|(at, timetable)| Some((at.parse().ok()?, timetable)));
    parts.map_or((None, None), |(at, timetable)| (Some(Timestamp(at)), Some(timetable)))
}

/// A clock, for people.
fn shown(clock: &str) -> String {
    match parts(clock).1 {
        Some(timetable) => format!("the simulated clock {timetable}"),
        None => "the real clock".to_owned(),
    }
}
