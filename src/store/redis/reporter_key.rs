//! The reporter key of a store on Redis is replaced: at any time, and nodes that run see
//! it with their next look at the store.

use super::{Redis, meta};
use crate::domain::reporter::Replacement;
use crate::store::StoreError;
use crate::store::reporter_key::KeyOnRecord;
use std::sync::{Arc, Mutex, PoisonError};

/// What the store said of its reporter key when it was looked at last.
#[derive(Debug, Default)]
pub struct LastSeen {
    /// The lock is held to copy or replace it.
    key: Mutex<Option<KeyOnRecord>>,
}

impl LastSeen {
    /// Notes what it says.
    pub fn set(&self, key: KeyOnRecord) {
        *self.key.lock().unwrap_or_else(PoisonError::into_inner) = Some(key);
    }

    fn get(&self) -> Option<KeyOnRecord> {
        *self.key.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Redis {
    /// What the store said of its reporter key when it was looked at last.
    #[must_use]
    pub fn key_on_record(&self) -> Option<KeyOnRecord> {
        self.node.key_on_record.get()
    }

    /// By which key its reporter key is replaced, if it is, as of the last look.
    #[must_use]
    pub fn replacement(&self) -> Option<Replacement> {
        self.key_on_record().and_then(|key| key.replacement)
    }

    /// Says by which key its reporter key is replaced.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub async fn record_key(&self, key: KeyOnRecord) -> Result<(), StoreError> {
        let node = Arc::clone(&self.node);
        let record = async move {
            meta::record_key(&node.connection, &node.keys, key).await?;
            node.key_on_record.set(key);
            Ok(())
        };
        self.here(record).await?
    }
}
