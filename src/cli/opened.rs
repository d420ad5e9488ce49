//! What commands do with settings before a store is open: secrets from files,
//! certificates, the kind of store.

use super::text::{read, trimmed, without_line_ends};
use crate::config::ledger::LedgerConfig;
use crate::config::reporter_key::NextKeyConfig;
use crate::config::{Config, KeyConfig, RedisConfig, ReplayConfig};
use crate::domain::provider::Catalogue;
use crate::domain::reporter::ReporterKey;
use crate::domain::time::{DEFAULT_LATENESS_MS, Timestamp};
use crate::engine::upgrade;
use crate::store::place::Place;
use crate::store::redis::{Redis, address};
use crate::store::reporter_key::key_in_force;
use crate::store::timing::Timing;
use crate::store::upgrade::Older;
use crate::store::{OpenError, Store, Terms, embedded};
use anyhow::{Context, anyhow, bail, ensure};
use std::path::Path;

/// What a store is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To list what it holds.
    Read,
    /// To change it; it must be there.
    Change,
    /// The same, and a new store is made: the first key comes before the first start.
    Make,
}

/// The providers of a file, or those compiled in.
pub(crate) fn catalogue(path: Option<&Path>) -> anyhow::Result<Catalogue> {
    match path {
        Some(path) => {
            crate::catalogue::read(path).map_err(|error| anyhow!("{}: {error}", path.display()))
        }
        None => Ok(crate::catalogue::builtin()),
    }
}

/// The key that turns reporter ids into hashes.
///
/// # Errors
/// Where a Redis has no key, or the file with it cannot be read or made.
pub fn reporter_key(config: &KeyConfig, store: Place<'_>) -> anyhow::Result<ReporterKey> {
    let secret = match (given_secret(config)?, store) {
        (Some(secret), _) => secret.into_bytes(),
        (None, Place::Redis(_)) => bail!(
            "a store on Redis needs a reporter key, the same on every node: give \
             --reporter-key-file FILE or GROUNDSWELL_REPORTER_KEY, \
             for example made by: openssl rand -hex 32"
        ),
        (None, Place::Directory(dir)) => embedded::secret::read_or_make(dir)
            .with_context(|| format!("reporter.key in {}", dir.display()))?,
    };
    Ok(ReporterKey::new(&secret))
}

/// The key of a directory that is only read: one that was given, or the one that it
/// holds.
pub(crate) fn kept_key(config: &KeyConfig, dir: &Path) -> anyhow::Result<ReporterKey> {
    if config.is_given() {
        return reporter_key(config, Place::Directory(dir));
    }
    let secret = embedded::secret::read(dir)
        .with_context(|| format!("reporter.key in {}", dir.display()))?;
    Ok(ReporterKey::new(&secret))
}

/// What opens under a key. A secret of the form of a `reporter.key` may be the content of
/// one, whose digits stand for bytes, or a text like any other: the store knows which it
/// was written with.
pub(crate) fn under_key<T>(
    config: &KeyConfig,
    key: ReporterKey,
    open: impl Fn(&ReporterKey) -> anyhow::Result<T>,
) -> anyhow::Result<(ReporterKey, T)> {
    let differs =
        |error: &anyhow::Error| matches!(error.downcast_ref(), Some(OpenError::ReporterKey(_)));
    let kept = given_secret(config)?
        .and_then(|secret| embedded::secret::from_hex(&secret))
        .map(|secret| ReporterKey::new(&secret));
    match (open(&key), kept) {
        (Err(error), Some(kept)) if differs(&error) => Ok((kept.clone(), open(&kept)?)),
        (opened, _) => Ok((key, opened?)),
    }
}

/// The key that a server hashes reporters with: the one that opened its store, and the
/// next one where the store's is replaced.
pub(crate) fn with_next(
    config: &NextKeyConfig,
    key: ReporterKey,
    (place, store): (Place<'_>, &Store),
    (now, lateness_ms): (Timestamp, i64),
) -> anyhow::Result<ReporterKey> {
    let replacement = store.replacement();
    let next = match (given_next(config)?, place) {
        (Some(secret), _) => Some(keys_of(&secret)),
        // Without a replacement on record it is what a command left that was cut off.
        (None, Place::Directory(dir)) if replacement.is_some() => {
            let secret = embedded::secret::read_next(dir)
                .with_context(|| format!("reporter.key.next in {}", dir.display()))?;
            secret.map(|secret| vec![ReporterKey::new(&secret)])
        }
        (None, _) => None,
    };
    let key = key_in_force(key, next, replacement, (now, lateness_ms), &store.shown())?;
    if let Some(replacement) = replacement.filter(|replacement| !key.knows(*replacement)) {
        tracing::warn!(
            from = %replacement.begins_at(),
            "the reporter key is to be replaced, and this node has no next one: restart it before \
             then with GROUNDSWELL_NEXT_REPORTER_KEY or --next-reporter-key-file"
        );
    }
    Ok(key)
}

/// What a secret may stand for: itself, and where it is the text of a `reporter.key` the
/// bytes of that.
pub(crate) fn keys_of(secret: &str) -> Vec<ReporterKey> {
    let bytes = embedded::secret::from_hex(secret);
    let keys = [Some(secret.as_bytes().to_vec()), bytes];
    keys.into_iter().flatten().map(|secret| ReporterKey::new(&secret)).collect()
}

/// The secret of the key in force, where one was given.
pub(crate) fn given_secret(config: &KeyConfig) -> anyhow::Result<Option<String>> {
    secret_of(config.reporter_key.as_ref(), config.reporter_key_file.as_deref())
}

/// The secret of the key that replaces it, where one was given.
pub(crate) fn given_next(config: &NextKeyConfig) -> anyhow::Result<Option<String>> {
    secret_of(config.next_reporter_key.as_ref(), config.next_reporter_key_file.as_deref())
}

fn secret_of(secret: Option<&String>, path: Option<&Path>) -> anyhow::Result<Option<String>> {
    match (secret, path) {
        (Some(secret), _) => Ok(Some(trimmed(secret).to_owned())),
        (None, Some(path)) => {
            let secret = trimmed(&read(path)?).to_owned();
            ensure!(!secret.is_empty(), "{}: expected a secret, got nothing", path.display());
            Ok(Some(secret))
        }
        (None, None) => Ok(None),
    }
}

/// The store of these settings, upgraded at an instant where an older version wrote it.
pub(crate) fn store(
    config: &Config,
    catalogue: &Catalogue,
    terms: Terms,
    (timing, now): (Timing, Timestamp),
) -> anyhow::Result<Store> {
    let older = Older::Upgraded { carry: upgrade::carry(now), is_asked_for: config.upgrade };
    Ok(match Place::parse(&config.store)? {
        Place::Redis(url) => {
            let options = address::Options { older, timing, ..redis_options(&config.redis, url)? };
            Store::open_redis(url, catalogue, terms, &options)?
        }
        Place::Directory(directory) => {
            let options = embedded::Options {
                snapshot_log_bytes: config.snapshot_log_mib << 20,
                older,
                ..embedded::Options::default()
            };
            Store::open_embedded(directory, catalogue, terms, options)?
        }
    })
}

/// The store whose sources and keys are read or changed. Its facts are left alone: it is
/// opened without a catalogue. One of an older format is read as it is.
///
/// # Errors
/// Where it does not open, is not there and is not to be made, or is of an older format and
/// is to be changed.
pub(crate) fn store_of_ledger(config: &LedgerConfig, purpose: Purpose) -> anyhow::Result<Store> {
    let may_make = purpose == Purpose::Make;
    let older = if purpose == Purpose::Read { Older::AsItIs } else { Older::Refused };
    let place = Place::parse(&config.store)?;
    if let Place::Directory(dir) = place {
        ensure!(
            may_make || dir.join("meta.json").is_file(),
            "{} is no directory of a store: name one by --store, or a server by --server",
            dir.display()
        );
    }
    let key = reporter_key(&config.key, place)?;
    let open = |key: &ReporterKey| {
        let (none, reporter_key_check) = (Catalogue::default(), key.check_value());
        // Decides what is forgotten when, which a server does.
        let terms = Terms { reporter_key_check, lateness_ms: DEFAULT_LATENESS_MS };
        Ok(match place {
            Place::Redis(url) => {
                let options = address::Options { older, ..redis_options(&config.redis, url)? };
                Store::open_redis(url, &none, terms, &options)?
            }
            Place::Directory(dir) => {
                let options = embedded::Options { older, ..embedded::Options::default() };
                Store::open_embedded(dir, &none, terms, options)?
            }
        })
    };
    let (_, store) = under_key(&config.key, key, open).map_err(|error| in_use(config, error))?;
    Ok(store)
}

/// A directory that a server has open is changed by way of that server.
fn in_use(config: &LedgerConfig, error: anyhow::Error) -> anyhow::Error {
    if !matches!(error.downcast_ref(), Some(OpenError::InUse(_))) {
        return error;
    }
    anyhow!(
        "{} is in use by a server: ask that server, by --server http://127.0.0.1:8080 or where it \
         listens, and give a key whose scope is admin in the variable GROUNDSWELL_ADMIN_KEY",
        config.store
    )
}

/// The Redis that a replay is to go on in; where it has parts, the tenant of this name.
/// `options` were read once: a secret may come from a pipe.
pub(crate) fn replay_redis(
    config: &ReplayConfig,
    (url, options): (&str, &address::Options),
    catalogue: &Catalogue,
    terms: Terms,
    part: Option<String>,
) -> anyhow::Result<Redis> {
    let prefix = match part {
        Some(name) => {
            config
                .redis
                .part(&name)
                .map_err(|reason| anyhow!("--redis-prefix with {name:?}: {reason}"))?
                .redis_prefix
        }
        None => options.prefix.clone(),
    };
    Ok(Redis::open(url, catalogue, terms, &address::Options { prefix, ..options.clone() })?)
}

/// How to reach the Redis at an address.
pub(crate) fn redis_options(config: &RedisConfig, url: &str) -> anyhow::Result<address::Options> {
    let scheme = url.to_ascii_lowercase();
    let is_encrypted = scheme.starts_with("rediss") || scheme.starts_with("valkeys");
    ensure!(
        config.redis_ca.is_none() || is_encrypted,
        "--redis-ca needs TLS, which the address of the store does not ask for: begin it with \
         rediss:// instead of redis://"
    );
    let password =
        password_of(config.redis_password.as_ref(), config.redis_password_file.as_deref())?;
    let sentinel_password = password_of(
        config.redis_sentinel_password.as_ref(),
        config.redis_sentinel_password_file.as_deref(),
    )?;
    let authorities =
        config.redis_ca.as_ref().map(|path| read(path).map(String::into_bytes)).transpose()?;
    let (prefix, sentinel_user) = (config.redis_prefix.clone(), config.redis_sentinel_user.clone());
    let min_replicas = config.min_replicas;
    Ok(address::Options {
        prefix,
        password,
        sentinel_user,
        sentinel_password,
        authorities,
        min_replicas,
        ..address::Options::default()
    })
}

/// A password, as it is or in a file.
fn password_of(password: Option<&String>, path: Option<&Path>) -> anyhow::Result<Option<String>> {
    match (password, path) {
        (Some(password), _) => Ok(Some(without_line_ends(password).to_owned())),
        (None, Some(path)) => {
            let password = without_line_ends(&read(path)?).to_owned();
            ensure!(!password.is_empty(), "{}: expected a password, got nothing", path.display());
            Ok(Some(password))
        }
        (None, None) => Ok(None),
    }
}
