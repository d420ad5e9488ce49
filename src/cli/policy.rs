//! What the settings of a server say about who may call, how much, and in whose name it
//! answers.

use super::population;
use crate::config::access::{AccessConfig, Anonymous, Auth};
use crate::config::publisher::PublisherConfig;
use crate::http::client_address::{Network, Proxies};
use crate::http::limits::AddressLimits;
use crate::http::policy::{self, Policy};
use crate::http::publisher::Publisher;
use anyhow::{Context, anyhow};
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;

/// The policy of these settings.
///
/// # Errors
/// Where a proxy is no network, the header no name of one, or the file of inhabitants has a
/// bad line.
pub(crate) fn policy(
    config: &AccessConfig,
    publisher: &PublisherConfig,
    population: Option<&Path>,
) -> anyhow::Result<Policy> {
    let network =
        |text: &String| text.parse::<Network>().with_context(|| format!("--trust-proxy: {text:?}"));
    let header = config.client_header.parse().map_err(|_| {
        let got = &config.client_header;
        anyhow!("--client-header: expected the name of a header such as X-Real-IP, got {got:?}")
    })?;
    Ok(Policy {
        auth: if config.auth == Some(Auth::Keys) { policy::Auth::Keys } else { policy::Auth::Open },
        anonymous: match config.anonymous() {
            Anonymous::None => policy::Anonymous::Nothing,
            Anonymous::Read => policy::Anonymous::Read,
            Anonymous::Report => policy::Anonymous::Report,
            Anonymous::All => policy::Anonymous::All,
        },
        anonymous_may_open: config.anonymous_may_open,
        fresh_ids: config.fresh_ids.and_then(NonZeroU32::new),
        proxies: Proxies {
            trusted: config.trust_proxy.iter().map(network).collect::<Result<_, _>>()?,
            header,
        },
        limits: AddressLimits {
            reports_per_minute: NonZeroU32::new(config.reports_per_minute()),
            reads_per_minute: NonZeroU32::new(config.reads_per_minute()),
        },
        publisher: Publisher {
            public_url: publisher.public_url.clone(),
            attribution: publisher.attribution.clone(),
            licence: publisher.licence.clone(),
        },
        population: Arc::new(population.map(population::read).transpose()?.unwrap_or_default()),
    })
}
