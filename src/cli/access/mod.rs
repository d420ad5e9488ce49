//! Where commands find sources, keys and what readers may see: in a store that they open, or
//! at a server that has it open. Both are asked in the JSON of the HTTP interface, and
//! answer in it.

mod remote;
mod stored;
pub mod table;

use super::opened::Purpose;
use super::settings::{ADMIN_KEY, Environment};
use super::text::{read, trimmed};
use crate::config::ledger::LedgerConfig;
use crate::domain::access::key::KeyId;
use crate::wire::key_text::{KeyText, PREFIX};
use anyhow::{Context, anyhow, ensure};
use remote::Remote;
use serde_json::{Value, json};
use stored::Stored;

/// Where sources and keys are.
pub enum Access {
    /// In a store that is open here.
    Stored(Box<Stored>),
    /// At a server.
    Remote(Box<Remote>),
}

impl Access {
    /// Opens the store, or takes the server that is to be asked.
    ///
    /// # Errors
    /// Where the store does not open, or a setting is at fault.
    pub fn open(
        config: &LedgerConfig,
        environment: &Environment,
        purpose: Purpose,
    ) -> anyhow::Result<Self> {
        match &config.server {
            Some(server) => {
                let key = admin_key(config, environment)?;
                let authorities = config.server_ca.as_deref().map(read).transpose()?;
                Ok(Self::Remote(Box::new(Remote::new(server, key, authorities.as_deref())?)))
            }
            None => Ok(Self::Stored(Box::new(Stored::open(config, purpose)?))),
        }
    }

    /// All sources, by number.
    pub fn sources(&self) -> anyhow::Result<Vec<Value>> {
        match self {
            Self::Stored(store) => store.sources(),
            Self::Remote(server) => server.list("/v1/sources"),
        }
    }

    /// All keys, the newest first.
    pub fn keys(&self) -> anyhow::Result<Vec<Value>> {
        match self {
            Self::Stored(store) => store.keys(),
            Self::Remote(server) => server.list("/v1/keys"),
        }
    }

    /// Creates a source.
    pub fn create_source(&self, body: &Value) -> anyhow::Result<Value> {
        match self {
            Self::Stored(store) => store.create_source(body),
            Self::Remote(server) => server.post("/v1/sources", body),
        }
    }

    /// Changes a source.
    pub fn change_source(&self, number: u64, body: &Value) -> anyhow::Result<Value> {
        match self {
            Self::Stored(store) => store.change_source(number, body),
            Self::Remote(server) => server.patch(&format!("/v1/sources/{number}"), body),
        }
    }

    /// Creates a key; the answer has its text.
    pub fn create_key(&self, body: &Value) -> anyhow::Result<Value> {
        match self {
            Self::Stored(store) => store.create_key(body),
            Self::Remote(server) => server.post("/v1/keys", body),
        }
    }

    /// Replaces a key; the answer has the text of the new one.
    pub fn rotate_key(&self, id: KeyId, grace_ms: i64) -> anyhow::Result<Value> {
        match self {
            Self::Stored(store) => store.rotate_key(id, grace_ms),
            Self::Remote(server) => {
                let body = json!({ "grace_seconds": grace_ms / 1_000 });
                server.post(&format!("/v1/keys/{id}/rotate"), &body)
            }
        }
    }

    /// Revokes a key.
    pub fn revoke_key(&self, id: KeyId) -> anyhow::Result<Value> {
        match self {
            Self::Stored(store) => store.revoke_key(id),
            Self::Remote(server) => server.delete(&format!("/v1/keys/{id}")),
        }
    }

    /// What readers may see.
    pub fn privacy(&self) -> anyhow::Result<Value> {
        match self {
            Self::Stored(store) => store.privacy(),
            Self::Remote(server) => server.get("/v1/privacy"),
        }
    }

    /// Sets what readers may see.
    pub fn set_privacy(&self, body: &Value) -> anyhow::Result<Value> {
        match self {
            Self::Stored(store) => store.set_privacy(body),
            Self::Remote(server) => server.put("/v1/privacy", body),
        }
    }

    /// The source of that name, whatever its case, or of that number.
    ///
    /// # Errors
    /// Where there is none.
    pub fn source(&self, name_or_number: &str) -> anyhow::Result<Value> {
        let wanted = name_or_number.trim();
        let (number, name) = (wanted.parse::<u64>().ok(), wanted.to_lowercase());
        let named = |source: &Value| {
            source["name"].as_str().is_some_and(|known| known.to_lowercase() == name)
        };
        let numbered = |source: &Value| number.is_some() && source["number"].as_u64() == number;
        let mut sources = self.sources()?;
        let found = sources.iter().position(named).or_else(|| sources.iter().position(numbered));
        found.map(|at| sources.swap_remove(at)).ok_or_else(|| {
            anyhow!("no source is called {wanted:?}: `groundswell sources list` shows them")
        })
    }
}

/// The id of a key. Where the whole key is given instead, that is not said aloud again.
pub fn key_id(text: &str) -> anyhow::Result<KeyId> {
    let text = text.trim();
    ensure!(
        text.len() <= PREFIX.len() + 8,
        "expected the id of a key, the eight characters after gsk_, and not the key: arguments \
         can be seen by others on this machine. If it was a key that works, rotate it"
    );
    KeyId::parse(text.strip_prefix(PREFIX).unwrap_or(text)).with_context(|| {
        format!("expected the id of a key, eight letters and digits, got {text:?}")
    })
}

/// The key that a server is shown; none where no variable and no file has one.
fn admin_key(config: &LedgerConfig, environment: &Environment) -> anyhow::Result<Option<KeyText>> {
    let (origin, text) = match (environment.secret(ADMIN_KEY), &config.admin_key_file) {
        (Some(_), Some(path)) => {
            anyhow::bail!("{ADMIN_KEY} and the file {} cannot both be given", path.display())
        }
        (Some(text), None) => (ADMIN_KEY.to_owned(), text),
        (None, Some(path)) => (path.display().to_string(), trimmed(&read(path)?).to_owned()),
        (None, None) => return Ok(None),
    };
    KeyText::parse(&text).map(Some).map_err(|error| anyhow!("{origin}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_taken_with_its_beginning_and_a_whole_key_is_not_repeated() {
        assert_eq!(key_id("a1B2c3D4").unwrap(), key_id(" gsk_a1B2c3D4").unwrap());
        let key = KeyText::from_random(&[7; crate::wire::key_text::RANDOM_BYTES]).unwrap();
        let said = format!("{:#}", key_id(key.reveal()).unwrap_err());
        assert!(said.contains("not the key") && !said.contains(&key.reveal()[13..]), "{said}");
        assert!(key_id("short").is_err() && key_id("gsk_short").is_err());
    }
}
