//! A store that is open here: its ledger is read and appended to as a server does, and
//! answered in the JSON of the HTTP interface.

use crate::cli::opened::{self, Purpose};
use crate::config::ledger::LedgerConfig;
use crate::domain::access::entry::Actor;
use crate::domain::access::key::KeyId;
use crate::domain::access::table::{AccessTable, KnownKey};
use crate::domain::clock_guard::Probation;
use crate::domain::fact::Source;
use crate::domain::time::Timestamp;
use crate::engine::access::ledger::Ledger;
use crate::engine::clock::Clock;
use crate::render::key::KeyJson;
use crate::render::privacy::{PrivacyChangedJson, PrivacyJson};
use crate::render::source::SourceJson;
use crate::store::Store;
use crate::store::usage::UsageByKey;
use crate::wire::access;
use crate::wire::fault::Fault;
use anyhow::{Context, anyhow, ensure};
use serde_json::{Value, json};
use std::io::Write;
use std::sync::Arc;
use tokio::runtime::{Builder, Runtime};

/// A store, and what was read of its ledger.
pub struct Stored {
    store: Store,
    ledger: Ledger,
    clock: Clock,
    runtime: Runtime,
}

impl Stored {
    /// Opens the store, and reads its ledger.
    pub fn open(config: &LedgerConfig, purpose: Purpose) -> anyhow::Result<Self> {
        let store = opened::store_of_ledger(config, purpose)?;
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let ledger = Ledger::default();
        runtime.block_on(ledger.read(&store))?;
        Ok(Self { store, ledger, clock: Clock::system(Probation::default()), runtime })
    }

    pub fn sources(&self) -> anyhow::Result<Vec<Value>> {
        let json = |source| Ok(serde_json::to_value(SourceJson::from(source))?);
        self.table().sources().map(json).collect()
    }

    pub fn keys(&self) -> anyhow::Result<Vec<Value>> {
        let day = self.now().day();
        let usage = self.runtime.block_on(self.store.usage_by_key(day))?;
        self.table().keys().rev().map(|known| json_of(known, &usage)).collect()
    }

    pub fn create_source(&self, body: &Value) -> anyhow::Result<Value> {
        let new = access::new_source(&bytes(body)).map_err(refused)?;
        let (by, at) = (Actor::CommandLine, self.now());
        let source = self.runtime.block_on(self.ledger.create_source(&self.store, at, by, new))?;
        Ok(serde_json::to_value(SourceJson::from(&source))?)
    }

    pub fn change_source(&self, number: u64, body: &Value) -> anyhow::Result<Value> {
        let change = access::source_change(&bytes(body)).map_err(refused)?;
        let number = Source(u16::try_from(number).context("no source has that number")?);
        let (by, at) = (Actor::CommandLine, self.now());
        let changed = self.ledger.change_source(&self.store, at, by, number, change);
        Ok(serde_json::to_value(SourceJson::from(&self.runtime.block_on(changed)?))?)
    }

    pub fn create_key(&self, body: &Value) -> anyhow::Result<Value> {
        let (by, at) = (Actor::CommandLine, self.now());
        let new = access::new_key(&bytes(body), at, None).map_err(refused)?;
        for id in new.providers.iter().flat_map(|ids| ids.iter()) {
            check_provider(id)?;
        }
        let created = self.ledger.create_key(&self.store, at, by, new);
        let (record, text) = self.runtime.block_on(created)?;
        self.with_text(record.id, text.reveal())
    }

    pub fn rotate_key(&self, id: KeyId, grace_ms: i64) -> anyhow::Result<Value> {
        let (by, at) = (Actor::CommandLine, self.now());
        let rotated = self.ledger.rotate_key(&self.store, at, by, id, grace_ms);
        let (record, text) = self.runtime.block_on(rotated)?;
        self.with_text(record.id, text.reveal())
    }

    pub fn revoke_key(&self, id: KeyId) -> anyhow::Result<Value> {
        let (by, at) = (Actor::CommandLine, self.now());
        self.runtime.block_on(self.ledger.revoke_key(&self.store, at, by, id))?;
        self.key(id)
    }

    pub fn privacy(&self) -> anyhow::Result<Value> {
        let table = self.table();
        let privacy = table.privacy().context(
            "no server ever ran on this store: what readers may see is recorded by the first \
             start, or by `groundswell privacy set`",
        )?;
        Ok(serde_json::to_value(PrivacyJson::from(privacy))?)
    }

    pub fn set_privacy(&self, body: &Value) -> anyhow::Result<Value> {
        let asked = access::privacy_change(&bytes(body)).map_err(refused)?;
        let (by, at) = (Actor::CommandLine, self.now());
        let changed = self.ledger.set_privacy(&self.store, at, by, asked);
        let changed = self.runtime.block_on(changed)?;
        Ok(serde_json::to_value(PrivacyChangedJson::of(changed.before, &changed.now))?)
    }

    fn with_text(&self, id: KeyId, text: &str) -> anyhow::Result<Value> {
        let mut key = self.key(id)?;
        key["key"] = json!(text);
        Ok(key)
    }

    fn key(&self, id: KeyId) -> anyhow::Result<Value> {
        let table = self.table();
        let known = table.key(id).context("the key was recorded and cannot be read")?;
        json_of(known, &UsageByKey::default())
    }

    fn table(&self) -> Arc<AccessTable> {
        self.ledger.table()
    }

    fn now(&self) -> Timestamp {
        self.clock.shown()
    }
}

fn json_of(known: &KnownKey, usage: &UsageByKey) -> anyhow::Result<Value> {
    let (today, last_used_day) = usage.of(known.record.id);
    Ok(serde_json::to_value(KeyJson::of(known, today, last_used_day))?)
}

/// Refuses an alias, since keys go by ids; warns of what only another catalogue can have.
fn check_provider(id: &str) -> anyhow::Result<()> {
    let known = crate::catalogue::builtin();
    match known.find(id).map(|index| known.get(index).id.clone()) {
        Some(canonical) => ensure!(
            *canonical == *id,
            "--providers: {id} is another name of {canonical}: give that id"
        ),
        None => writeln!(
            std::io::stderr(),
            "warning: {id} is not in the catalogue compiled in; a server needs one that has it"
        )?,
    }
    Ok(())
}

/// What is wrong with a body, field by field.
fn refused(faults: Vec<Fault>) -> anyhow::Error {
    let faults = faults.into_iter().map(|fault| fault.to_string());
    anyhow!(faults.collect::<Vec<_>>().join("; "))
}

fn bytes(body: &Value) -> Vec<u8> {
    body.to_string().into_bytes()
}
