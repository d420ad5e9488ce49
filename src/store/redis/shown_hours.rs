//! Public twins of hours: of each provider in one slot, a string an hour, beside a hash
//! that says which hours have one.

use super::connection::{Ask, Fault};
use super::keys::ShownKeys;
use super::script::KEEP_SHOWN;
use super::{Node, Redis};
use crate::domain::provider::ProviderIndex;
use crate::domain::time::Hour;
use crate::store::StoreError;
use crate::store::shown_hour::{KeptShownHour, ShownHour};
use ::redis::{Cmd, Value, cmd};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

/// Twins that are read by one pipeline at most: a reply has to come within its time.
const MOST_AT_ONCE: usize = 7 * 24;

impl Redis {
    pub(in crate::store) async fn keep_shown_hour(
        &self,
        provider: ProviderIndex,
        hour: Hour,
        twin: Vec<u8>,
    ) -> Result<(), StoreError> {
        let node = Arc::clone(&self.node);
        let keep = async move {
            let keys = node.shown_keys(provider);
            let arguments = [hour.0.to_string().into_bytes(), twin];
            KEEP_SHOWN.call(&node.connection, &[keys.kept(), keys.hour(hour)], &arguments).await?;
            Ok(())
        };
        self.here(keep).await?
    }

    pub(in crate::store) async fn shown_hours(
        &self,
        provider: ProviderIndex,
        hours: Range<Hour>,
    ) -> Result<Vec<(Hour, ShownHour)>, StoreError> {
        let node = Arc::clone(&self.node);
        let read = async move {
            let mut found = Vec::new();
            let hours: Vec<Hour> = (hours.start.0..hours.end.0).map(Hour).collect();
            for some in hours.chunks(MOST_AT_ONCE) {
                for (hour, twin) in node.shown(provider, some).await? {
                    found.push((hour, ShownHour::from_bytes(hour, &twin)?));
                }
            }
            Ok(found)
        };
        self.here(read).await?
    }

    pub(in crate::store) async fn shown_hours_kept(
        &self,
        provider: ProviderIndex,
        hours: Range<Hour>,
    ) -> Result<Vec<KeptShownHour>, StoreError> {
        let node = Arc::clone(&self.node);
        let read = async move {
            let rules = node.shown_rules(provider).await?;
            let rules = rules.iter().filter(|(hour, _)| hours.contains(hour));
            rules.map(|(hour, rule)| KeptShownHour::from_bytes(*hour, rule)).collect()
        };
        self.here(read).await?
    }
}

impl Node {
    /// The twins of these hours, those that are there.
    pub(super) async fn shown(
        &self,
        provider: ProviderIndex,
        hours: &[Hour],
    ) -> Result<Vec<(Hour, Vec<u8>)>, Fault> {
        if hours.is_empty() {
            return Ok(Vec::new());
        }
        let keys = self.shown_keys(provider);
        let get = |hour: &Hour| {
            let mut get = cmd("GET");
            get.arg(keys.hour(*hour));
            get
        };
        let ask = Ask { key: keys.kept(), commands: hours.iter().map(get).collect() };
        let replies = self.connection.ask_all(&[ask]).await?.into_iter().flatten();
        let twin = |(hour, reply): (&Hour, Value)| match reply {
            Value::BulkString(twin) => Some((*hour, twin)),
            _ => None,
        };
        Ok(hours.iter().zip(replies).filter_map(twin).collect())
    }

    /// The hours that have a twin, and the bytes of its rule.
    pub(super) async fn shown_rules(
        &self,
        provider: ProviderIndex,
    ) -> Result<BTreeMap<Hour, Vec<u8>>, Fault> {
        self.rules_at(&self.shown_keys(provider)).await
    }

    async fn rules_at(&self, keys: &ShownKeys) -> Result<BTreeMap<Hour, Vec<u8>>, Fault> {
        let mut all = cmd("HGETALL");
        all.arg(keys.kept());
        let ask = Ask { key: keys.kept(), commands: vec![all] };
        let reply = self.connection.ask(&ask).await?.pop().unwrap_or_default();
        let rules: Vec<(i64, Vec<u8>)> =
            ::redis::from_redis_value(reply).map_err(|error| Fault::Lasting(error.to_string()))?;
        Ok(rules.into_iter().map(|(hour, rule)| (Hour(hour), rule)).collect())
    }

    /// Removes twins of hours before one.
    pub(super) async fn forget_shown(&self, provider: &str, before: Hour) -> Result<(), Fault> {
        let keys = self.keys.shown(provider);
        let forget = |(hour, _): (Hour, Vec<u8>)| {
            let [mut unlink, mut delete] = ["UNLINK", "HDEL"].map(cmd);
            unlink.arg(keys.hour(hour));
            delete.arg(keys.kept()).arg(hour.0);
            [unlink, delete]
        };
        let old = self.rules_at(&keys).await?.into_iter().filter(|(hour, _)| *hour < before);
        let commands: Vec<Cmd> = old.flat_map(forget).collect();
        if !commands.is_empty() {
            self.connection.ask_all(&[Ask { key: keys.kept(), commands }]).await?;
        }
        Ok(())
    }

    pub(super) fn shown_keys(&self, provider: ProviderIndex) -> ShownKeys {
        self.keys.shown(&self.provider(provider).id)
    }
}
