//! Taking over what another store holds, piece by piece: each piece may be written again,
//! so that a copy that was cut off goes on.
//!
//! Facts have no reporter any more, so they are spread over the shards by what they say:
//! a reader sums the shards anyway.

use super::connection::{Ask, Connection, Fault};
use super::keys::{ClaimPlace, Written, shard_of};
use super::script::RESTORE_CLAIMS;
use super::{Node, Redis, ShardKeys, rows};
use crate::domain::access::key::KeyId;
use crate::domain::counts::Counts;
use crate::domain::provider::{Catalogue, ProviderIndex};
use crate::domain::time::{Hour, Minute};
use crate::store::embedded::export::{HourOfProvider, Remembered};
use crate::store::journal::JournalName;
use crate::store::shown_hour::RULE_BYTES;
use crate::store::tally64::Tally64;
use crate::store::{OpenError, SHARDS, StoreError, Terms};
use ::redis::{Cmd, Value};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

impl Redis {
    /// Opens a store that is new, or half a copy of `from`, to be copied into. No node
    /// opens it until [`Redis::end_copy`].
    ///
    /// # Errors
    /// Where it does not answer, was written under other terms, or holds another store
    /// already.
    pub fn open_to_copy(
        url: &str,
        catalogue: &Catalogue,
        terms: Terms,
        options: &super::address::Options,
        from: &str,
    ) -> Result<Self, OpenError> {
        Self::open_with(url, catalogue, terms, options, Some(from.to_owned()))
    }

    /// Names of the pieces that are there.
    ///
    /// # Errors
    /// Where they cannot be read.
    pub async fn copied(&self) -> Result<HashSet<String>, StoreError> {
        let node = Arc::clone(&self.node);
        let read = async move {
            let key = node.keys.copied();
            let reply = one(&node.connection, &key, command("SMEMBERS", &key)).await?;
            ::redis::from_redis_value(reply)
                .map_err(|error| Fault::Lasting(error.to_string()).into())
        };
        self.here(read).await?
    }

    /// Writes an hour of a provider.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub async fn put_hour(
        &self,
        provider: ProviderIndex,
        hour: Hour,
        content: HourOfProvider,
    ) -> Result<(), StoreError> {
        let node = Arc::clone(&self.node);
        self.here(async move { Ok(node.put_hour(provider, hour, &content).await?) }).await?
    }

    /// Writes claims of reporters, and makes sure that they are there. `index` gives a
    /// provider's place in the catalogue by its number. They are kept as if all had been
    /// written in `last_hour`.
    ///
    /// # Errors
    /// Where they cannot be written.
    pub async fn put_claims(
        &self,
        claims: Vec<Remembered>,
        index: Arc<Vec<ProviderIndex>>,
        last_hour: Hour,
    ) -> Result<(), StoreError> {
        let node = Arc::clone(&self.node);
        self.here(async move { Ok(node.put_claims(&claims, &index, last_hour).await?) }).await?
    }

    /// Writes entries of a journal, the first of them with this number.
    ///
    /// # Errors
    /// Where they cannot be written.
    pub async fn put_journal(
        &self,
        name: JournalName,
        first: u64,
        entries: &[Vec<u8>],
    ) -> Result<(), StoreError> {
        let (node, entries) = (Arc::clone(&self.node), super::journal::with_ids(entries)?);
        let write = async move {
            let key = node.keys.journal(name);
            let put = |(number, entry): (u64, Vec<u8>)| {
                let mut set = command("HSET", &key);
                set.arg(number).arg(entry);
                set
            };
            let commands = (first..).zip(entries).map(put).collect();
            node.connection
                .ask_all(&[Ask { key: key.clone(), commands }])
                .await
                .map(drop)
                .map_err(StoreError::from)
        };
        self.here(write).await?
    }

    /// Says that a piece is there.
    ///
    /// # Errors
    /// Where that cannot be written.
    pub async fn mark_copied(&self, piece: String) -> Result<(), StoreError> {
        let node = Arc::clone(&self.node);
        let write = async move {
            let key = node.keys.copied();
            let mut add = command("SADD", &key);
            add.arg(piece);
            one(&node.connection, &key, add).await.map(drop).map_err(StoreError::from)
        };
        self.here(write).await?
    }

    /// Says in which minutes the other store had somebody to take reports.
    ///
    /// # Errors
    /// Where that cannot be written.
    pub async fn put_liveness(&self, spans: Vec<Range<Minute>>) -> Result<(), StoreError> {
        let node = Arc::clone(&self.node);
        let write = async move {
            for span in spans {
                node.mark_live(span).await?;
            }
            Ok(())
        };
        self.here(write).await?
    }

    /// Writes the last day of use of keys.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub async fn put_last_used(&self, days: HashMap<KeyId, i64>) -> Result<(), StoreError> {
        let node = Arc::clone(&self.node);
        let write = async move {
            let key = node.keys.last_used();
            let put = |(id, day): (KeyId, i64)| {
                let mut set = command("HSET", &key);
                set.arg(id.as_str()).arg(day);
                set
            };
            let commands: Vec<Cmd> = days.into_iter().map(put).collect();
            if !commands.is_empty() {
                node.connection.ask_all(&[Ask { key: key.clone(), commands }]).await?;
            }
            Ok(())
        };
        self.here(write).await?
    }

    /// What an hour of a provider adds up to: in its minutes, or in its roll-up where
    /// those are not kept.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub async fn totals_of(
        &self,
        provider: ProviderIndex,
        hour: Hour,
    ) -> Result<(Tally64, Tally64), StoreError> {
        let node = Arc::clone(&self.node);
        self.here(async move { Ok(node.totals_of(provider, hour).await?) }).await?
    }

    /// The hours of a provider that have a twin, oldest first.
    ///
    /// # Errors
    /// Where they cannot be read.
    pub async fn hours_with_twins(&self, provider: ProviderIndex) -> Result<Vec<Hour>, StoreError> {
        let node = Arc::clone(&self.node);
        let read = async move { Ok(node.shown_rules(provider).await?.into_keys().collect()) };
        self.here(read).await?
    }

    /// The twins of these hours as they are stored.
    ///
    /// # Errors
    /// Where they cannot be read.
    pub async fn twins(
        &self,
        provider: ProviderIndex,
        hours: Vec<Hour>,
    ) -> Result<Vec<(Hour, Vec<u8>)>, StoreError> {
        let node = Arc::clone(&self.node);
        self.here(async move { Ok(node.shown(provider, &hours).await?) }).await?
    }

    /// Writes twins of hours as another store had them.
    ///
    /// # Errors
    /// Where they cannot be written.
    pub async fn put_twins(
        &self,
        provider: ProviderIndex,
        twins: Vec<(Hour, Vec<u8>)>,
    ) -> Result<(), StoreError> {
        let node = Arc::clone(&self.node);
        let write = async move {
            let keys = node.shown_keys(provider);
            let put = |(hour, twin): &(Hour, Vec<u8>)| {
                let [mut set, mut kept] =
                    [command("SET", &keys.hour(*hour)), command("HSET", &keys.kept())];
                set.arg(&twin[..]);
                kept.arg(hour.0).arg(&twin[..RULE_BYTES]);
                [set, kept]
            };
            let commands: Vec<Cmd> = twins.iter().flat_map(put).collect();
            if !commands.is_empty() {
                node.connection.ask_all(&[Ask { key: keys.kept(), commands }]).await?;
            }
            Ok(())
        };
        self.here(write).await?
    }

    /// Says which catalogue the other store was last opened with.
    ///
    /// # Errors
    /// Where that cannot be written.
    pub async fn put_catalogue(&self, fingerprint: u64) -> Result<(), StoreError> {
        let node = Arc::clone(&self.node);
        self.here(async move {
            Ok(super::meta::exchange_catalogue(&node.connection, &node.keys, fingerprint)
                .await
                .map(drop)?)
        })
        .await?
    }

    /// Lets nodes open it from now on.
    ///
    /// # Errors
    /// Where that cannot be written.
    pub async fn end_copy(&self) -> Result<(), StoreError> {
        let node = Arc::clone(&self.node);
        let write = async move {
            let (meta, copied) = (node.keys.meta(), node.keys.copied());
            let mut end = command("HDEL", &meta);
            end.arg("copying");
            one(&node.connection, &meta, end).await?;
            one(&node.connection, &copied, command("UNLINK", &copied))
                .await
                .map(drop)
                .map_err(StoreError::from)
        };
        self.here(write).await?
    }
}

impl Node {
    async fn put_hour(
        &self,
        provider: ProviderIndex,
        hour: Hour,
        content: &HourOfProvider,
    ) -> Result<(), Fault> {
        let mut shards = vec![Vec::new(); SHARDS as usize];
        let rows_of = |minute: Minute, counts: &Counts, shards: &mut Vec<Vec<u8>>| {
            for (key, tally) in counts.rows() {
                // The cell's low bits are its resolution; a multiplication spreads what
                // is above them.
                let shard = key.number().wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 60;
                rows::write(minute, key, tally, &mut shards[shard as usize]);
            }
        };
        match content {
            HourOfProvider::Minutes(minutes) => {
                for (minute, counts) in minutes {
                    rows_of(*minute, counts, &mut shards);
                }
            }
            HourOfProvider::RolledUp(counts) => rows_of(hour.first_minute(), counts, &mut shards),
        }
        let keys = &self.provider(provider).keys;
        let written = keys.iter().zip(shards).filter(|(_, rows)| !rows.is_empty());
        let write = match content {
            HourOfProvider::Minutes(_) => write_minutes,
            HourOfProvider::RolledUp(_) => write_rolled_up,
        };
        let asks: Vec<Ask> = written
            .map(|(keys, rows)| Ask { key: keys.open(), commands: write(keys, hour, &rows) })
            .collect();
        self.connection.ask_all(&asks).await.map(drop)
    }

    async fn totals_of(
        &self,
        provider: ProviderIndex,
        hour: Hour,
    ) -> Result<(Tally64, Tally64), Fault> {
        let keys = &self.provider(provider).keys;
        let ask = |keys: &super::ShardKeys| {
            let commands =
                vec![command("GET", &keys.facts(hour)), command("GET", &keys.rolled_up(hour))];
            Ask { key: keys.open(), commands }
        };
        let (mut in_minutes, mut in_hours) = (Tally64::default(), Tally64::default());
        for replies in self.connection.ask_all(&keys.iter().map(ask).collect::<Vec<_>>()).await? {
            match &replies[..] {
                [Value::BulkString(facts), _] => {
                    let facts = rows::read(hour, facts).ok_or_else(|| {
                        Fault::Lasting(format!("facts of hour {} are not whole rows", hour.0))
                    })?;
                    facts.for_each(|(_, _, tally)| in_minutes.add(tally.into()));
                }
                [_, Value::BulkString(rolled_up)] => {
                    let (_, counts) = rows::read_rolled_up(hour, rolled_up).ok_or_else(|| {
                        Fault::Lasting(format!("the roll-up of hour {} cannot be read", hour.0))
                    })?;
                    in_hours.add(Tally64::of(&counts));
                }
                _ => {}
            }
        }
        Ok((in_minutes, in_hours))
    }

    async fn put_claims(
        &self,
        claims: &[Remembered],
        index: &[ProviderIndex],
        last_hour: Hour,
    ) -> Result<(), Fault> {
        let mut places: BTreeMap<[String; 3], (ClaimPlace, Vec<(Vec<u8>, u64)>)> = BTreeMap::new();
        for claim in claims {
            let keys = &self.provider(index[usize::from(claim.provider)]).keys
                [shard_of(claim.hash) as usize];
            let place = ClaimPlace::of(claim.hash);
            let named = [
                keys.claims(place),
                keys.written(),
                keys.written_in(Written::at(last_hour, place.day)),
            ];
            places
                .entry(named)
                .or_insert((place, Vec::new()))
                .1
                .push((place.field.to_vec(), claim.taken));
        }
        let put = async |keys: &[String; 3],
                         (place, claims): &(ClaimPlace, Vec<(Vec<u8>, u64)>)| {
            let mut arguments = vec![
                place.group().to_string().into_bytes(),
                Written::at(last_hour, place.day).to_string().into_bytes(),
            ];
            arguments.extend(
                claims
                    .iter()
                    .flat_map(|(field, taken)| [field.clone(), taken.to_string().into_bytes()]),
            );
            RESTORE_CLAIMS.call(&self.connection, keys, &arguments).await?;
            let key = &keys[0];
            let there = one(&self.connection, key, command("HLEN", key)).await?;
            if there == Value::Int(claims.len() as i64) {
                return Ok(());
            }
            Err(Fault::Lasting(format!(
                "{} reporters were copied to {key}, but {there:?} are there",
                claims.len()
            )))
        };
        // As many at once as the line takes.
        let all: Vec<_> = places.iter().collect();
        for some in all.chunks(super::connection::MOST_IN_FLIGHT) {
            futures_util::future::try_join_all(some.iter().map(|(keys, claims)| put(keys, claims)))
                .await?;
        }
        Ok(())
    }
}

/// Writes rows of an hour whose minutes are kept. Maintenance finds it among the open
/// hours, and rolls it up where its time has come.
fn write_minutes(keys: &ShardKeys, hour: Hour, rows: &[u8]) -> Vec<Cmd> {
    let [mut set, mut open] = [command("SET", &keys.facts(hour)), command("HSET", &keys.open())];
    set.arg(rows);
    open.arg(hour.0).arg(rows.len());
    vec![set, open]
}

/// Writes rows of an hour that is rolled up.
fn write_rolled_up(keys: &ShardKeys, hour: Hour, rows: &[u8]) -> Vec<Cmd> {
    let [mut set, mut aged] =
        [command("SET", &keys.rolled_up(hour)), command("HSET", &keys.aged())];
    set.arg([&0_u64.to_le_bytes()[..], rows].concat());
    aged.arg(hour.0).arg(0);
    vec![set, aged]
}

fn command(name: &str, key: &str) -> Cmd {
    let mut command = ::redis::cmd(name);
    command.arg(key);
    command
}

async fn one(connection: &Connection, key: &str, command: Cmd) -> Result<Value, Fault> {
    Ok(connection
        .ask(&Ask { key: key.to_owned(), commands: vec![command] })
        .await?
        .pop()
        .unwrap_or_default())
}
