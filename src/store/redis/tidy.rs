//! Maintenance: hours past the lateness are rolled up, what is kept no longer is
//! removed. One node at a time, each step safe to repeat.

use super::connection::{Ask, Fault};
use super::keys::ShardKeys;
use super::keys::{ClaimPlace, Written, buckets_of};
use super::liveness::DAY_MINUTES;
use super::read_cache::open_hours;
use super::script::AGE;
use super::{Node, ProviderNode, rows};
use crate::domain::counts::Counts;
use crate::domain::grid::Resolution;
use crate::domain::time::{HOUR_MS, Hour, Minute, Timestamp};
use crate::store::fail_point::{self, FailPoint};
use crate::store::usage::DAYS_KEPT;
use crate::store::{
    HOURS_KEPT_DAYS, MINUTES_AT_REST_DAYS, REPORTERS_DAY_HOURS, SETTLED_AFTER_MINUTES,
};
use redis::Value;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

/// A node that keeps house and dies is followed by another after this.
const TURN_MS: u64 = 60_000;

/// A step that touches only what this node has read: nothing in Redis.
pub async fn settle(node: &Node, now: Timestamp) {
    let step = node.step.fetch_add(1, Ordering::Relaxed) + 1;
    let minutes_before = now.minute().hour().plus(-24 * MINUTES_AT_REST_DAYS);
    for provider in &node.providers {
        provider.read_cache.lock().await.tidy(
            minutes_before,
            now.minute().plus(-SETTLED_AFTER_MINUTES),
            step,
        );
    }
}

/// One step, by a clock that can be believed.
pub async fn tidy(node: &Node, now: Timestamp) -> Result<(), Fault> {
    settle(node, now).await;
    let hour = now.minute().hour();
    let (minutes_before, hours_before) =
        (hour.plus(-24 * MINUTES_AT_REST_DAYS), hour.plus(-24 * HOURS_KEPT_DAYS));
    let is_done = *node.tidied.lock().unwrap_or_else(PoisonError::into_inner) == Some(hour);
    if is_done {
        return Ok(());
    }
    if let Some(turn) = take_turn(node).await? {
        let open_from = now.plus_ms(-node.terms.lateness_ms - HOUR_MS).minute().hour();
        for provider in &node.providers {
            if node.given_up.load(Ordering::Relaxed) {
                return give_turn_back(node, &turn).await;
            }
            age(node, provider, open_from).await?;
            fail_point::pass(FailPoint::BeforeRedisForget);
            forget(node, provider, minutes_before, hours_before).await?;
            node.forget_shown(&provider.id, hours_before).await?;
            forget_claims(
                node,
                provider,
                hour.plus(-node.terms.lateness_ms / HOUR_MS - REPORTERS_DAY_HOURS),
            )
            .await?;
        }
        forget_liveness(node, hours_before.first_minute()).await?;
        node.forget_usage(now.day() - DAYS_KEPT).await?;
        give_turn_back(node, &turn).await?;
    }
    *node.tidied.lock().unwrap_or_else(PoisonError::into_inner) = Some(hour);
    Ok(())
}

/// The turn to keep house, unless another node has it.
async fn take_turn(node: &Node) -> Result<Option<String>, Fault> {
    let key = node.keys.maintenance();
    let mut left = redis::cmd("PTTL");
    left.arg(&key);
    let left = node.connection.ask(&Ask { key: key.clone(), commands: vec![left] }).await?.pop();
    if matches!(left, Some(Value::Int(ms)) if ms > TURN_MS as i64) {
        // Redis' clock was set back since: a turn never lasts longer than it was taken
        // for.
        let mut delete = redis::cmd("DEL");
        delete.arg(&key);
        node.connection.ask(&Ask { key: key.clone(), commands: vec![delete] }).await?;
    }
    let turn =
        format!("{:x}", getrandom::u64().map_err(|error| Fault::Lasting(error.to_string()))?);
    let mut set = redis::cmd("SET");
    set.arg(&key).arg(&turn).arg("NX").arg("PX").arg(TURN_MS);
    let reply = node.connection.ask(&Ask { key, commands: vec![set] }).await?.pop();
    Ok((reply == Some(Value::Okay)).then_some(turn))
}

/// Another's turn is left alone. Should ours end between the two commands, a second node
/// keeps house too, which does no harm.
async fn give_turn_back(node: &Node, turn: &str) -> Result<(), Fault> {
    let key = node.keys.maintenance();
    let command = |name: &str| {
        let mut command = redis::cmd(name);
        command.arg(&key);
        Ask { key: key.clone(), commands: vec![command] }
    };
    if node.connection.ask(&command("GET")).await?.pop()
        == Some(Value::BulkString(turn.as_bytes().to_vec()))
    {
        node.connection.ask(&command("DEL")).await?;
    }
    Ok(())
}

/// Rolls up the open hours before one, shard by shard.
async fn age(node: &Node, provider: &ProviderNode, before: Hour) -> Result<(), Fault> {
    let open = open_hours(&node.connection, &provider.keys).await?;
    for (keys, open) in provider.keys.iter().zip(open) {
        for (hour, bytes) in open.range(..before) {
            age_hour(node, keys, *hour, *bytes).await?;
        }
    }
    Ok(())
}

async fn age_hour(node: &Node, keys: &ShardKeys, hour: Hour, bytes: u64) -> Result<(), Fault> {
    let mut get = redis::cmd("GET");
    get.arg(keys.facts(hour));
    let reply = node.connection.ask(&Ask { key: keys.open(), commands: vec![get] }).await?.pop();
    let Some(Value::BulkString(facts)) = reply else {
        // Expired, as a version before this one had it: nobody kept house for as long as
        // minutes are kept.
        let mut delete = redis::cmd("HDEL");
        delete.arg(keys.open()).arg(hour.0);
        return node
            .connection
            .ask(&Ask { key: keys.open(), commands: vec![delete] })
            .await
            .map(drop);
    };
    let mut sum = Counts::default();
    let facts = rows::read(hour, &facts)
        .ok_or_else(|| Fault::Lasting(format!("facts of hour {} are not whole rows", hour.0)))?;
    facts.for_each(|(_, key, tally)| sum.add(key.rolled_up_to(Resolution::HOURLY), tally));
    sum.settle();
    let places = [keys.open(), keys.aged(), keys.facts(hour), keys.rolled_up(hour)];
    let arguments = [
        hour.0.to_string().into_bytes(),
        bytes.to_string().into_bytes(),
        rows::write_rolled_up(hour, bytes, &sum),
    ];
    // Where it grew meanwhile, the next step finds it among the open hours again.
    fail_point::pass(FailPoint::BeforeRedisAge);
    AGE.call(&node.connection, &places, &arguments).await?;
    fail_point::pass(FailPoint::RedisAged);
    Ok(())
}

/// Removes facts of minutes, and roll-ups of hours, that are kept no longer.
async fn forget(
    node: &Node,
    provider: &ProviderNode,
    minutes_before: Hour,
    hours_before: Hour,
) -> Result<(), Fault> {
    for keys in &provider.keys {
        let mut all = redis::cmd("HGETALL");
        all.arg(keys.aged());
        let reply = node
            .connection
            .ask(&Ask { key: keys.open(), commands: vec![all] })
            .await?
            .pop()
            .unwrap_or_default();
        let aged: Vec<(i64, u64)> =
            redis::from_redis_value(reply).map_err(|error| Fault::Lasting(error.to_string()))?;
        let mut commands = Vec::new();
        for (hour, bytes) in aged {
            // Bytes of 0 say that the facts of its minutes were removed before.
            if hour < minutes_before.0 && bytes > 0 {
                let [mut unlink, mut set] = ["UNLINK", "HSET"].map(redis::cmd);
                unlink.arg(keys.facts(Hour(hour)));
                set.arg(keys.aged()).arg(hour).arg(0);
                commands.extend([unlink, set]);
            }
            if hour < hours_before.0 {
                let [mut unlink, mut delete] = ["UNLINK", "HDEL"].map(redis::cmd);
                unlink.arg(keys.rolled_up(Hour(hour)));
                delete.arg(keys.aged()).arg(hour);
                commands.extend([unlink, delete]);
            }
        }
        if !commands.is_empty() {
            node.connection.ask_all(&[Ask { key: keys.open(), commands }]).await?;
        }
    }
    Ok(())
}

/// Removes claims that were last written in half-days that ended before an hour.
async fn forget_claims(node: &Node, provider: &ProviderNode, before: Hour) -> Result<(), Fault> {
    for keys in &provider.keys {
        let mut members = redis::cmd("SMEMBERS");
        members.arg(keys.written());
        let reply = node
            .connection
            .ask(&Ask { key: keys.open(), commands: vec![members] })
            .await?
            .pop()
            .unwrap_or_default();
        let names: Vec<String> =
            redis::from_redis_value(reply).map_err(|error| Fault::Lasting(error.to_string()))?;
        let mut written: Vec<Written> =
            names.iter().filter_map(|name| Written::parse(name)).collect();
        written.sort_unstable();
        for old in written.iter().filter(|written| written.last_hour() < before) {
            let later = written
                .iter()
                .filter(|other| other.day == old.day && old.half_day < other.half_day);
            forget_half_day(node, keys, *old, later).await?;
        }
    }
    Ok(())
}

/// Removes claims of a reporter's day that were last written in this half-day: in none of
/// those that are later.
async fn forget_half_day(
    node: &Node,
    keys: &ShardKeys,
    old: Written,
    later: impl Iterator<Item = &Written>,
) -> Result<(), Fault> {
    let get = |written: &Written| {
        let mut get = redis::cmd("GET");
        get.arg(keys.written_in(*written));
        get
    };
    let gets = [get(&old)].into_iter().chain(later.map(get)).collect();
    let replies = node
        .connection
        .ask_all(&[Ask { key: keys.open(), commands: gets }])
        .await?
        .pop()
        .unwrap_or_default();
    let bits = |reply: &Value| match reply {
        Value::BulkString(bytes) => bytes.clone(),
        _ => Vec::new(),
    };
    let (old_bits, later_bits) =
        (bits(&replies[0]), replies[1..].iter().map(bits).collect::<Vec<_>>());
    let is_set = |bytes: &[u8], group: u16| {
        bytes.get(usize::from(group / 8)).is_some_and(|byte| byte >> (7 - group % 8) & 1 == 1)
    };
    let groups = 0..u16::try_from(old_bits.len() * 8).unwrap_or(u16::MAX);
    let last_written = groups.filter(|group| {
        is_set(&old_bits, *group) && !later_bits.iter().any(|later| is_set(later, *group))
    });
    let unlink = |of: Vec<String>| {
        let mut unlink = redis::cmd("UNLINK");
        unlink.arg(of);
        unlink
    };
    let claims = |bucket| keys.claims(ClaimPlace { day: old.day, bucket, field: [0; 5] });
    let mut commands: Vec<_> =
        last_written.map(|group| unlink(buckets_of(group).map(claims).collect())).collect();
    // The note of them goes last: a step that is cut off is taken again.
    let mut remove = redis::cmd("SREM");
    remove.arg(keys.written()).arg(old.to_string());
    commands.extend([unlink(vec![keys.written_in(old)]), remove]);
    node.connection.ask_all(&[Ask { key: keys.open(), commands }]).await.map(drop)
}

/// Removes minutes in which somebody ran from before one.
async fn forget_liveness(node: &Node, before: Minute) -> Result<(), Fault> {
    let edge = before.0.div_euclid(DAY_MINUTES);
    let mut commands = Vec::new();
    for day in node.live_days().await?.into_iter().filter(|day| *day <= edge) {
        if day < edge {
            let [mut unlink, mut remove] = ["UNLINK", "SREM"].map(redis::cmd);
            unlink.arg(node.keys.live_day(day));
            remove.arg(node.keys.live_days()).arg(day);
            commands.extend([unlink, remove]);
        } else {
            let clear = |minute| {
                let mut clear = redis::cmd("SETBIT");
                clear.arg(node.keys.live_day(edge)).arg(minute).arg(0);
                clear
            };
            commands.extend((0..before.0.rem_euclid(DAY_MINUTES)).map(clear));
        }
    }
    if !commands.is_empty() {
        node.connection.ask_all(&[Ask { key: node.keys.live_day(0), commands }]).await?;
    }
    Ok(())
}
