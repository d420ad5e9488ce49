//! What commands do with settings before a store is open: secrets from files, certificates, the kind of store.

use crate::config::{Config, KeyConfig, RedisConfig, ReplayConfig};
use crate::domain::provider::Catalogue;
use crate::domain::reporter::ReporterKey;
use crate::store::redis::Redis;
use crate::store::redis::address::{self, is_address};
use crate::store::{Store, Terms, embedded};
use anyhow::{Context, anyhow, bail};
use std::path::Path;

/// The providers of a file, or those compiled in.
pub fn catalogue(path: Option<&Path>) -> anyhow::Result<Catalogue> {
    match path {
        Some(path) => crate::catalogue::read(path).with_context(|| path.display().to_string()),
        None => Ok(crate::catalogue::builtin()),
    }
}

/// The key that turns reporter ids into hashes.
pub fn reporter_key(config: &KeyConfig, store: &str) -> anyhow::Result<ReporterKey> {
    let secret = match (&config.reporter_key, &config.reporter_key_file) {
        (Some(secret), _) => secret.clone().into_bytes(),
        (None, Some(path)) => file(path)?.trim().as_bytes().to_vec(),
        (None, None) if is_address(store) => bail!(
            "a store on Redis needs a reporter key, the same on every node: give --reporter-key-file FILE or GROUNDSWELL_REPORTER_KEY, \
             for example made by: openssl rand -hex 32"
        ),
        (None, None) => {
            let dir = Path::new(store);
            embedded::secret::read_or_make(dir).with_context(|| format!("reporter.key in {}", dir.display()))?
        }
    };
    if secret.is_empty() {
        bail!("the reporter key must not be empty");
    }
    Ok(ReporterKey::new(&secret))
}

/// The store of these settings.
pub fn store(config: &Config, catalogue: &Catalogue, terms: Terms) -> anyhow::Result<Store> {
    Ok(if is_address(&config.store) {
        Store::open_redis(&config.store, catalogue, terms, &redis_options(&config.redis)?)?
    } else {
        let options = embedded::Options { snapshot_log_bytes: config.snapshot_log_mib << 20, ..embedded::Options::default() };
        Store::open_embedded(Path::new(&config.store), catalogue, terms, options)?
    })
}

/// The Redis that a replay is to go on in; where it has parts, the tenant of this name. `options` were read once: a secret may come from a
/// pipe.
pub fn replay_redis(
    config: &ReplayConfig,
    (url, options): (&str, &address::Options),
    catalogue: &Catalogue,
    terms: Terms,
    part: Option<String>,
) -> anyhow::Result<Redis> {
    let prefix = match part {
        Some(name) => config.redis.part(&name).map_err(|reason| anyhow!("--redis-prefix with {name:?}: {reason}"))?.redis_prefix,
        None => options.prefix.clone(),
    };
    Ok(Redis::open(url, catalogue, terms, &address::Options { prefix, ..options.clone() })?)
}

/// How to reach a Redis.
pub fn redis_options(config: &RedisConfig) -> anyhow::Result<address::Options> {
    let password = match (&config.redis_password, &config.redis_password_file) {
        (Some(password), _) => Some(password.clone()),
        (None, Some(path)) => Some(file(path)?.trim_end_matches(['\r', '\n']).to_owned()),
        (None, None) => None,
    };
    let authorities = config.redis_ca.as_ref().map(|path| file(path).map(String::into_bytes)).transpose()?;
    let (prefix, min_replicas) = (config.redis_prefix.clone(), config.min_replicas);
    Ok(address::Options { prefix, password, authorities, min_replicas, ..address::Options::default() })
}

fn file(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).with_context(|| path.display().to_string())
}
