//! The first key: where keys decide who may call, one must be able to run the server.

use crate::config::{Config, REDIS_PREFIX};
use anyhow::bail;
use std::path::Path;

/// Refuses a start where keys decide and none may run the server, with the one command to
/// run. `store` is where the store is, without passwords.
///
/// # Errors
/// In that case.
pub fn insist(config: &Config, store: &str, has_admin: bool) -> anyhow::Result<()> {
    if has_admin || !config.access.is_by_keys() {
        return Ok(());
    }
    bail!(
        "--auth keys: no key may run this server yet. Create the first, which prints it once, and \
         start again:\n\n    {}\n",
        command("groundswell keys create --name operator --scopes admin", config, store)
    )
}

/// A command, with the settings by which it finds the store of a server. Secrets are in
/// the environment or in files, and stay there.
pub fn command(command: &str, config: &Config, store: &str) -> String {
    let redis = &config.redis;
    let file = |path: Option<&Path>| path.map(|path| path.display().to_string());
    let prefix = (redis.redis_prefix != REDIS_PREFIX).then(|| redis.redis_prefix.clone());
    let options = [
        ("store", Some(store.to_owned())),
        ("redis-prefix", prefix),
        ("redis-password-file", file(redis.redis_password_file.as_deref())),
        ("redis-sentinel-user", redis.redis_sentinel_user.clone()),
        ("redis-sentinel-password-file", file(redis.redis_sentinel_password_file.as_deref())),
        ("redis-ca", file(redis.redis_ca.as_deref())),
        ("reporter-key-file", file(config.key.reporter_key_file.as_deref())),
    ];
    let given = options.into_iter().filter_map(|(name, value)| Some((name, value?)));
    given.fold(command.into(), |all, option| format!("{all} --{} {}", option.0, quoted(&option.1)))
}

/// A word as a shell reads it.
fn quoted(word: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:@,+=".contains(&byte);
    if !word.is_empty() && word.bytes().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_where_a_shell_would_read_them_otherwise() {
        for (word, expected) in [
            ("groundswell-data", "groundswell-data"),
            ("redis+cluster://a:6379,b:6379", "redis+cluster://a:6379,b:6379"),
            ("my store", "'my store'"),
            ("it's", "'it'\\''s'"),
            ("", "''"),
        ] {
            assert_eq!(quoted(word), expected);
        }
    }
}
