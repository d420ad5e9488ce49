//! What commands do with settings before a store is open: secrets from files, certificates, the kind of store.

use crate::config::{Config, KeyConfig, RedisConfig, ReplayConfig};
use crate::domain::provider::Catalogue;
use crate::domain::reporter::ReporterKey;
use crate::store::place::Place;
use crate::store::redis::{Redis, address};
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
pub fn reporter_key(config: &KeyConfig, store: Place<'_>) -> anyhow::Result<ReporterKey> {
    let secret = match (&config.reporter_key, &config.reporter_key_file, store) {
        (Some(secret), ..) => secret.clone().into_bytes(),
        (None, Some(path), _) => file(path)?.trim().as_bytes().to_vec(),
        (None, None, Place::Redis(_)) => bail!(
            "a store on Redis needs a reporter key, the same on every node: give --reporter-key-file FILE or GROUNDSWELL_REPORTER_KEY, \
             for example made by: openssl rand -hex 32"
        ),
        (None, None, Place::Directory(dir)) => {
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
    Ok(match Place::parse(&config.store)? {
        Place::Redis(url) => Store::open_redis(url, catalogue, terms, &redis_options(&config.redis)?)?,
        Place::Directory(directory) => {
            let options = embedded::Options { snapshot_log_bytes: config.snapshot_log_mib << 20, ..embedded::Options::default() };
            Store::open_embedded(directory, catalogue, terms, options)?
        }
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
    let password = password_of(config.redis_password.as_ref(), config.redis_password_file.as_deref())?;
    let sentinel_password = password_of(config.redis_sentinel_password.as_ref(), config.redis_sentinel_password_file.as_deref())?;
    let authorities = config.redis_ca.as_ref().map(|path| file(path).map(String::into_bytes)).transpose()?;
    let (prefix, sentinel_user) = (config.redis_prefix.clone(), config.redis_sentinel_user.clone());
    let min_replicas = config.min_replicas;
    Ok(address::Options { prefix, password, sentinel_user, sentinel_password, authorities, min_replicas, ..address::Options::default() })
}

/// A password, as it is or in a file.
fn password_of(password: Option<&String>, path: Option<&Path>) -> anyhow::Result<Option<String>> {
    match (password, path) {
        (Some(password), _) => Ok(Some(password.clone())),
        (None, Some(path)) => Ok(Some(file(path)?.trim_end_matches(['\r', '\n']).to_owned())),
        (None, None) => Ok(None),
    }
}

fn file(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).with_context(|| path.display().to_string())
}
