//! Places of incidents, in the slot of their journal: a hash a day, beside a set of the
//! days that have one.

use super::connection::{Ask, Fault};
use super::retry_policy::RetryPolicy;
use super::{Node, Redis, replicas};
use crate::domain::incident::IncidentId;
use crate::domain::time::Timestamp;
use crate::store::StoreError;
use crate::store::places::{Place, PlaceKey};
use ::redis::{Cmd, FromRedisValue, Value, cmd};
use std::collections::BTreeMap;
use std::sync::Arc;

impl Redis {
    pub(in crate::store) async fn keep_places(&self, places: Vec<Place>) -> Result<(), StoreError> {
        let node = Arc::clone(&self.node);
        self.here(async move { Ok(node.keep_places(&places).await?) }).await?
    }

    /// The places of these revisions, each in its turn.
    ///
    /// # Errors
    /// Where they cannot be read.
    pub async fn places(&self, keys: Vec<PlaceKey>) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        let node = Arc::clone(&self.node);
        self.here(async move { Ok(node.places(&keys).await?) }).await?
    }

    /// The revisions of these days whose places are kept, oldest first.
    ///
    /// # Errors
    /// Where they cannot be read.
    pub async fn places_since(&self, day: i64) -> Result<Vec<PlaceKey>, StoreError> {
        let node = Arc::clone(&self.node);
        self.here(async move { Ok(node.places_since(day).await?) }).await?
    }

    /// Writes places as another store had them.
    ///
    /// # Errors
    /// Where they cannot be written.
    pub async fn put_places(&self, places: Vec<Place>) -> Result<(), StoreError> {
        self.keep_places(places).await
    }
}

impl Node {
    /// Repeated until its answer is known, or time is up: an entry of the journal follows
    /// that a failover must not keep without them.
    pub(super) async fn keep_places(&self, places: &[Place]) -> Result<(), Fault> {
        let mut by_day: BTreeMap<i64, Vec<&Place>> = BTreeMap::new();
        for place in places {
            by_day.entry(place.0.day()).or_default().push(place);
        }
        let mut commands: Vec<Cmd> = Vec::new();
        for (day, places) in by_day {
            // The note of the day goes first: what it has is found by it.
            let [mut add, mut set] = ["SADD", "HSET"].map(cmd);
            add.arg(self.keys.place_days()).arg(day);
            set.arg(self.keys.places(day));
            for (key, place) in places {
                set.arg(field(*key)).arg(&place[..]);
            }
            commands.extend([add, set]);
        }
        commands.extend(replicas::wait(&self.connection, self.min_replicas));
        let ask = Ask { key: self.keys.place_days(), commands };
        let mut retries = RetryPolicy::of(self.connection.timing().repeat);
        loop {
            let kept = self.connection.ask(&ask).await.and_then(|replies| {
                replicas::waited(&self.connection, self.min_replicas, replies.last())
            });
            match kept {
                Err(fault) if fault.is_passing() => retries.after(fault).await?,
                outcome => return outcome,
            }
        }
    }

    async fn places(&self, keys: &[PlaceKey]) -> Result<Vec<Option<Vec<u8>>>, Fault> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let get = |key: &PlaceKey| {
            let mut get = cmd("HGET");
            get.arg(self.keys.places(key.day())).arg(field(*key));
            get
        };
        let ask = Ask { key: self.keys.place_days(), commands: keys.iter().map(get).collect() };
        let replies = self.connection.ask_all(&[ask]).await?.into_iter().flatten();
        let place = |reply: Value| match reply {
            Value::BulkString(place) => Some(place),
            _ => None,
        };
        Ok(replies.map(place).collect())
    }

    async fn places_since(&self, day: i64) -> Result<Vec<PlaceKey>, Fault> {
        let mut found = Vec::new();
        for day in self.place_days().await?.into_iter().filter(|of| day <= *of) {
            let mut fields = cmd("HKEYS");
            fields.arg(self.keys.places(day));
            let ask = Ask { key: self.keys.place_days(), commands: vec![fields] };
            let fields: Vec<String> =
                read(self.connection.ask(&ask).await?.pop().unwrap_or_default())?;
            found.extend(fields.iter().filter_map(|field| key_of(field)));
        }
        found.sort_unstable();
        Ok(found)
    }

    async fn place_days(&self) -> Result<Vec<i64>, Fault> {
        let mut members = cmd("SMEMBERS");
        members.arg(self.keys.place_days());
        let ask = Ask { key: self.keys.place_days(), commands: vec![members] };
        read(self.connection.ask(&ask).await?.pop().unwrap_or_default())
    }

    /// Removes places of days before one.
    pub(super) async fn forget_places(&self, before: i64) -> Result<(), Fault> {
        let forget = |day: i64| {
            // The note of the day goes last: a step that is cut off is taken again.
            let [mut unlink, mut remove] = ["UNLINK", "SREM"].map(cmd);
            unlink.arg(self.keys.places(day));
            remove.arg(self.keys.place_days()).arg(day);
            [unlink, remove]
        };
        let old = self.place_days().await?.into_iter().filter(|day| *day < before);
        let commands: Vec<Cmd> = old.flat_map(forget).collect();
        if !commands.is_empty() {
            self.connection.ask_all(&[Ask { key: self.keys.place_days(), commands }]).await?;
        }
        Ok(())
    }
}

fn read<T: FromRedisValue>(reply: Value) -> Result<T, Fault> {
    ::redis::from_redis_value(reply).map_err(|error| Fault::Lasting(error.to_string()))
}

/// The field of a revision in the hash of its day.
fn field(key: PlaceKey) -> String {
    format!("{}:{}:{}", key.known_at.0, key.incident, key.revision)
}

/// The revision of a field.
fn key_of(field: &str) -> Option<PlaceKey> {
    let [known_at, incident, revision] = field.split(':').collect::<Vec<_>>().try_into().ok()?;
    Some(PlaceKey {
        known_at: Timestamp(known_at.parse().ok()?),
        incident: IncidentId::parse(incident)?,
        revision: revision.parse().ok()?,
    })
}
