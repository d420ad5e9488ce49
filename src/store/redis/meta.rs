//! What a store was written with: format, shards, which reporter key.

use super::connection::{Ask, Connection, Fault};
use super::keys::Keys;
use crate::domain::reporter::Replacement;
use crate::store::reporter_key::KeyOnRecord;
use crate::store::upgrade::OLDEST;
use crate::store::{OpenError, SHARDS, Terms};
use redis::Cmd;
use std::ops::RangeInclusive;

/// What a store says that this node can work with.
#[derive(Debug, Clone, Copy)]
pub struct Agreed {
    /// Its reporter key.
    pub key: KeyOnRecord,
    /// Its format, which may be an older one.
    pub format: u32,
}

/// Checks what the store was written with, or says it where the store is new. A later
/// version that also knows this format runs beside this one, on a store of this format.
/// `copying` names the store that is being copied into this one, which only that copy may
/// open.
///
/// # Errors
/// Where anything differs that must not, or the store cannot be reached.
pub async fn agree(
    connection: &Connection,
    keys: &Keys,
    terms: Terms,
    schemas: &RangeInclusive<u32>,
    copying: Option<&str>,
) -> Result<Agreed, OpenError> {
    let place = || connection.shown().to_owned();
    let unreachable =
        |fault: Fault| OpenError::Unreachable { place: place(), reason: fault.to_string() };
    let Fields { schema, copying: half_copy, .. } =
        read(connection, keys, Vec::new()).await.map_err(unreachable)?;
    let mut new: Vec<(&str, String)> = Vec::new();
    if let Some(from) = copying {
        if schema.is_some() && half_copy.as_deref() != Some(from) {
            return Err(half_copy.map_or_else(
                || OpenError::Occupied(place()),
                |from| OpenError::Copying { place: place(), from },
            ));
        }
        new.push(("copying", from.to_owned()));
    }
    // A new store gets the oldest format of this version, so that the version before can
    // still join. Several may begin it at once: the first to write each field has said it
    // for all.
    new.extend([
        ("schema", schemas.start().to_string()),
        ("shards", SHARDS.to_string()),
        ("reporter_key_check", format!("{:016x}", terms.reporter_key_check)),
    ]);
    let say = |(field, value): (&str, String)| {
        let mut say = redis::cmd("HSETNX");
        say.arg(keys.meta()).arg(field).arg(value);
        say
    };
    let fields =
        read(connection, keys, new.into_iter().map(say).collect()).await.map_err(unreachable)?;
    let on_record = fields.key_on_record();
    let Fields { schema, shards, copying: half_copy, .. } = fields;
    let number = |text: Option<String>| text.and_then(|text| text.parse().ok()).unwrap_or(0);
    let (format, shards) = (number(schema), number(shards));
    match format {
        found if *schemas.end() < found => {
            return Err(OpenError::Newer { place: place(), found, reads: *schemas.end() });
        }
        found if found < OLDEST || copying.is_some() && found < *schemas.start() => {
            return Err(OpenError::Format { place: place(), found });
        }
        _ if shards != SHARDS => {
            return Err(OpenError::Shards { place: place(), found: shards });
        }
        _ => {}
    }
    match on_record.filter(|key| key.admits(terms.reporter_key_check)) {
        None => Err(OpenError::ReporterKey(place())),
        Some(_) if half_copy.as_deref().is_some_and(|from| copying != Some(from)) => {
            Err(OpenError::Copying { place: place(), from: half_copy.unwrap_or_default() })
        }
        Some(key) => Ok(Agreed { key, format }),
    }
}

/// Says that the store is of this format.
///
/// # Errors
/// Where it cannot be said.
pub async fn upgraded(connection: &Connection, keys: &Keys, format: u32) -> Result<(), Fault> {
    let mut set = redis::cmd("HSET");
    set.arg(keys.meta()).arg("schema").arg(format);
    connection.ask(&Ask { key: keys.meta(), commands: vec![set] }).await.map(drop)
}

/// Whether it says still that it was written like this.
///
/// # Errors
/// Where it cannot be read.
pub async fn is_same(
    connection: &Connection,
    keys: &Keys,
    terms: Terms,
    schemas: &RangeInclusive<u32>,
) -> Result<Still, Fault> {
    let fields = read(connection, keys, Vec::new()).await?;
    let on_record = fields.key_on_record();
    let Fields { schema, shards, key_check, copying, .. } = fields;
    if [&schema, &shards, &key_check].iter().all(|field| field.is_none()) {
        return Ok(Still::Gone);
    }
    let number = |text: Option<String>| text.and_then(|text| text.parse::<u32>().ok()).unwrap_or(0);
    let is_ours = schemas.contains(&number(schema)) && number(shards) == SHARDS;
    let key = on_record.filter(|key| key.admits(terms.reporter_key_check));
    Ok(match key {
        Some(key) if is_ours && copying.is_none() => Still::Same(key),
        _ => Still::Other,
    })
}

/// What became of what a store was written with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Still {
    /// It is there, and says this of its reporter key.
    Same(KeyOnRecord),
    /// It says something else: another store is there.
    Other,
    /// It is gone: the Redis was emptied, or came back without its files.
    Gone,
}

/// Says by which key the reporter key is replaced.
///
/// # Errors
/// Where it cannot be said.
pub async fn record_key(
    connection: &Connection,
    keys: &Keys,
    key: KeyOnRecord,
) -> Result<(), Fault> {
    let mut set = redis::cmd("HSET");
    set.arg(keys.meta()).arg("reporter_key_check").arg(format!("{:016x}", key.check));
    if let Some(Replacement { by, day }) = key.replacement {
        set.arg("reporter_key_next_check").arg(format!("{by:016x}"));
        set.arg("reporter_key_next_day").arg(day);
    }
    connection.ask(&Ask { key: keys.meta(), commands: vec![set] }).await.map(drop)
}

/// What it says, where it says it.
struct Fields {
    schema: Option<String>,
    shards: Option<String>,
    key_check: Option<String>,
    copying: Option<String>,
    next_check: Option<String>,
    next_day: Option<String>,
}

impl Fields {
    /// What it says of its reporter key; none where it says nothing, or what is none.
    fn key_on_record(&self) -> Option<KeyOnRecord> {
        let check = |text: &String| u64::from_str_radix(text, 16).ok();
        let replacement = match (&self.next_check, &self.next_day) {
            (Some(by), Some(day)) => Some(Replacement { by: check(by)?, day: day.parse().ok()? }),
            _ => None,
        };
        Some(KeyOnRecord { check: self.key_check.as_ref().and_then(check)?, replacement })
    }
}

/// Does this first, then reads what it says.
async fn read(connection: &Connection, keys: &Keys, mut first: Vec<Cmd>) -> Result<Fields, Fault> {
    let mut get = redis::cmd("HMGET");
    get.arg(keys.meta()).arg(&[
        "schema",
        "shards",
        "reporter_key_check",
        "copying",
        "reporter_key_next_check",
        "reporter_key_next_day",
    ]);
    first.push(get);
    let reply =
        connection.ask(&Ask { key: keys.meta(), commands: first }).await?.pop().unwrap_or_default();
    let [schema, shards, key_check, copying, next_check, next_day] =
        redis::from_redis_value(reply).map_err(|error| Fault::Lasting(error.to_string()))?;
    Ok(Fields { schema, shards, key_check, copying, next_check, next_day })
}

/// Says which catalogue this node has. Gives the fingerprint of the one that was said
/// before.
///
/// # Errors
/// Where it cannot be said.
pub async fn exchange_catalogue(
    connection: &Connection,
    keys: &Keys,
    fingerprint: u64,
) -> Result<Option<u64>, Fault> {
    let [mut get, mut set] = ["HGET", "HSET"].map(redis::cmd);
    get.arg(keys.meta()).arg("catalogue");
    set.arg(keys.meta()).arg("catalogue").arg(format!("{fingerprint:016x}"));
    let reply = connection
        .ask(&Ask { key: keys.meta(), commands: vec![get, set] })
        .await?
        .into_iter()
        .next()
        .unwrap_or_default();
    let before: Option<String> =
        redis::from_redis_value(reply).map_err(|error| Fault::Lasting(error.to_string()))?;
    Ok(before.and_then(|text| u64::from_str_radix(&text, 16).ok()))
}
