//! What keys are used for, added up over all nodes in one slot: by one script call for
//! each node and second, however many keys there are.

use super::connection::{Ask, Fault};
use super::script::USAGE;
use super::{Node, Redis};
use crate::domain::access::key::KeyId;
use crate::store::StoreError;
use crate::store::usage::{Batch, NODE_SEEN_MS, Told, UsageByKey};
use redis::Value;
use std::collections::HashMap;
use std::sync::Arc;

impl Redis {
    pub(in crate::store) async fn add_usage(&self, batch: Batch<'_>) -> Result<Told, StoreError> {
        let this = Arc::clone(&self.node);
        let Batch { node, number, day, used } = batch;
        let head = [format!("{:016x}", node.0), number.to_string(), day.to_string()];
        let head = head.into_iter().chain([NODE_SEEN_MS.to_string()]);
        let of_key = |(key, reports): &(KeyId, u64)| [key.to_string(), reports.to_string()];
        let arguments: Vec<String> = head.chain(used.iter().flat_map(of_key)).collect();
        let expected = used.len();
        let told = async move { Ok(this.add_usage(day, &arguments, expected).await?) };
        self.here(told).await?
    }

    pub(in crate::store) async fn usage_by_key(&self, day: i64) -> Result<UsageByKey, StoreError> {
        let this = Arc::clone(&self.node);
        self.here(async move { Ok(this.usage_by_key(day).await?) }).await?
    }
}

impl Node {
    async fn add_usage(
        &self,
        day: i64,
        arguments: &[String],
        expected: usize,
    ) -> Result<Told, Fault> {
        let keys = [
            self.keys.used_on(day),
            self.keys.used_days(),
            self.keys.last_used(),
            self.keys.nodes(),
        ];
        let reply = USAGE.call(&self.connection, &keys, arguments).await?;
        let told: Vec<u64> = read(reply)?;
        match told.split_first() {
            Some((nodes, today)) if today.len() == expected => {
                let nodes = u32::try_from(*nodes).unwrap_or(u32::MAX).max(1);
                Ok(Told { today: today.to_vec(), nodes })
            }
            _ => Err(Fault::Lasting(format!("counts of {expected} keys were expected: {told:?}"))),
        }
    }

    async fn usage_by_key(&self, day: i64) -> Result<UsageByKey, Fault> {
        let all = |key: String| {
            let mut all = redis::cmd("HGETALL");
            all.arg(key);
            all
        };
        let commands = vec![all(self.keys.used_on(day)), all(self.keys.last_used())];
        let replies = self.connection.ask(&Ask { key: self.keys.nodes(), commands }).await?;
        let [today, last] = <[Value; 2]>::try_from(replies).unwrap_or_default();
        Ok(UsageByKey { today: by_key(read(today)?), last_used_day: by_key(read(last)?) })
    }

    /// Removes counts of days before one.
    pub(super) async fn forget_usage(&self, before: i64) -> Result<(), Fault> {
        let mut members = redis::cmd("SMEMBERS");
        members.arg(self.keys.used_days());
        let ask = Ask { key: self.keys.nodes(), commands: vec![members] };
        let days: Vec<i64> = read(self.connection.ask(&ask).await?.pop().unwrap_or_default())?;
        let forget = |day: i64| {
            let [mut unlink, mut remove] = ["UNLINK", "SREM"].map(redis::cmd);
            unlink.arg(self.keys.used_on(day));
            remove.arg(self.keys.used_days()).arg(day);
            [unlink, remove]
        };
        let old = days.into_iter().filter(|day| *day < before);
        let commands: Vec<_> = old.flat_map(forget).collect();
        if !commands.is_empty() {
            self.connection.ask_all(&[Ask { key: self.keys.nodes(), commands }]).await?;
        }
        Ok(())
    }
}

fn read<T: redis::FromRedisValue>(reply: Value) -> Result<T, Fault> {
    redis::from_redis_value(reply).map_err(|error| Fault::Lasting(error.to_string()))
}

/// What is known by the text of an id, by the id.
fn by_key<V>(texts: HashMap<String, V>) -> HashMap<KeyId, V> {
    texts.into_iter().filter_map(|(id, value)| Some((KeyId::parse(&id)?, value))).collect()
}
