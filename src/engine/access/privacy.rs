//! What readers may see: agreed on before the first answer, changed while servers run, and
//! who read exact figures.

use super::ledger::{AccessError, Ledger};
use crate::domain::access::entry::{Actor, Change, Entry, PrivacySetting};
use crate::domain::access::table::{AccessTable, Privacy};
use crate::domain::privacy::asked::AskedRule;
use crate::domain::privacy::coin::Coin;
use crate::domain::privacy::rule::Rule;
use crate::domain::time::Timestamp;
use crate::engine::Engine;
use crate::store::{Store, StoreError};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// A change of what readers may see, as it was recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrivacyChanged {
    /// The rule before; none on a new store.
    pub before: Option<Rule>,
    /// What holds now.
    pub now: Privacy,
}

/// Who read exact figures on this node, and is not in the ledger yet. No more than there
/// are keys, and the machine itself.
#[derive(Debug, Default)]
pub struct ExactReads {
    /// When each did first. Held to look or to put one in.
    first: Mutex<HashMap<Actor, Timestamp>>,
}

impl Ledger {
    /// Makes sure that it is recorded what readers may see. What was never chosen makes
    /// way for what is asked for; what was chosen stays.
    ///
    /// # Errors
    /// Where something else was chosen, or it could not be recorded.
    pub async fn agree_on_privacy(
        &self,
        store: &Store,
        at: Timestamp,
        asked: AskedRule,
    ) -> Result<Rule, AccessError> {
        let decide = |table: &AccessTable| {
            let privacy = table.privacy();
            let before = privacy.map(|privacy| privacy.rules.latest());
            let rule = asked.of(before.unwrap_or_default());
            match privacy {
                Some(Privacy { is_chosen: true, .. }) if before != Some(rule) => {
                    Err(AccessError::PrivacyDiffers { chosen: before.unwrap_or_default(), asked })
                }
                Some(privacy) if privacy.is_chosen || asked.is_empty() => Ok((None, rule)),
                _ => Ok((Some(setting(privacy, rule, !asked.is_empty())?), rule)),
            }
        };
        // Whoever starts a server has the store.
        self.append(store, at, Actor::CommandLine, decide).await
    }

    /// Sets what readers may see. Where that was chosen before, nothing is recorded.
    ///
    /// # Errors
    /// Where it could not be recorded.
    pub async fn set_privacy(
        &self,
        store: &Store,
        at: Timestamp,
        by: Actor,
        asked: AskedRule,
    ) -> Result<PrivacyChanged, AccessError> {
        let decide = |table: &AccessTable| {
            let before = table.privacy();
            let rule_before = before.map(|privacy| privacy.rules.latest());
            let rule = asked.of(rule_before.unwrap_or_default());
            if let Some(now) = before.filter(|now| now.is_chosen && rule_before == Some(rule)) {
                return Ok((None, PrivacyChanged { before: rule_before, now: now.clone() }));
            }
            let change = setting(before, rule, true)?;
            let mut after = AccessTable::clone(table);
            after.take(Some(Entry { at, by, change: change.clone() }));
            let now = after.privacy().cloned().expect("it was set just now");
            Ok((Some(change), PrivacyChanged { before: rule_before, now }))
        };
        self.append(store, at, by, decide).await
    }

    /// Records that somebody read exact figures, unless the ledger says so of that day.
    async fn record_exact_read(
        &self,
        store: &Store,
        at: Timestamp,
        by: Actor,
    ) -> Result<(), AccessError> {
        let decide = |table: &AccessTable| {
            let is_new = table.last_exact_read(by).is_none_or(|day| day < at.day());
            Ok((is_new.then_some(Change::ExactRead), ()))
        };
        self.append(store, at, by, decide).await
    }
}

/// The entry that sets a rule, with the coin of before, or a new one.
fn setting(before: Option<&Privacy>, rule: Rule, is_chosen: bool) -> Result<Change, StoreError> {
    let coin = before.map_or_else(draw, |privacy| Ok(privacy.coin.clone()))?;
    Ok(Change::PrivacySet(PrivacySetting { rule, is_chosen, coin }))
}

/// A coin that nobody knows.
fn draw() -> Result<Coin, StoreError> {
    let mut secret = [0; 16];
    getrandom::fill(&mut secret).map_err(|error| StoreError::Unavailable(error.to_string()))?;
    Ok(Coin::new(secret))
}

impl Engine {
    /// Makes sure that it is recorded what readers may see, before anybody reads. What was
    /// never chosen makes way for what is asked for; what was chosen stays.
    ///
    /// # Errors
    /// Where something else was chosen, or it could not be recorded.
    pub async fn agree_on_privacy(&self, asked: AskedRule) -> Result<Rule, AccessError> {
        self.access.ledger.agree_on_privacy(&self.store, self.now(), asked).await
    }

    /// Sets what readers may see.
    ///
    /// # Errors
    /// Where it could not be recorded.
    pub async fn set_privacy(
        &self,
        by: Actor,
        asked: AskedRule,
    ) -> Result<PrivacyChanged, AccessError> {
        self.access.ledger.set_privacy(&self.store, self.now(), by, asked).await
    }

    /// Notes that somebody reads exact figures. The next step of access records it, once a
    /// day for each, however often they do.
    pub fn note_exact_read(&self, by: Actor) {
        let now = self.now();
        if self.access().last_exact_read(by).is_some_and(|day| now.day() <= day) {
            return;
        }
        self.access.exact_reads.lock().entry(by).or_insert(now);
    }

    /// Records who read exact figures since the last time. What cannot be recorded is
    /// tried again the next time.
    pub(super) async fn record_exact_reads(&self) -> Result<(), AccessError> {
        let first: Vec<(Actor, Timestamp)> =
            self.access.exact_reads.lock().iter().map(|(by, at)| (*by, *at)).collect();
        for (by, at) in first {
            self.access.ledger.record_exact_read(&self.store, at, by).await?;
            self.access.exact_reads.lock().remove(&by);
        }
        Ok(())
    }
}

impl ExactReads {
    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Actor, Timestamp>> {
        self.first.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
