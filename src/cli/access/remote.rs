//! A server that has the store open, asked over HTTP.

use crate::config::server_url::ServerUrl;
use crate::wire::key_text::KeyText;
use anyhow::{Context, anyhow, bail, ensure};
use form_urlencoded::byte_serialize;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use ureq::http::{HeaderValue, Request, Response, header};
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, TlsProvider, parse_pem};
use ureq::{Agent, Body};

const ANSWERS_WITHIN: Duration = Duration::from_secs(30);
/// Bytes of an answer at most: a page of keys takes about one.
const MOST_ANSWER_BYTES: u64 = 16 << 20;
/// Items of a page.
const PAGE: usize = 1_000;
/// Characters of an answer that are shown, where it is no problem in our form.
const MOST_SHOWN: usize = 200;

/// A server, and the key that it is shown.
pub struct Remote {
    agent: Agent,
    server: ServerUrl,
    authorization: Option<HeaderValue>,
}

impl Remote {
    /// The server at an address, whose certificate one of these authorities signed, in
    /// PEM, or one that this system trusts. Nothing is sent yet.
    pub fn new(
        server: &ServerUrl,
        key: Option<KeyText>,
        authorities: Option<&str>,
    ) -> anyhow::Result<Self> {
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            // A key is not carried on to wherever an answer points.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_global(Some(ANSWERS_WITHIN))
            .user_agent(concat!("groundswell/", env!("CARGO_PKG_VERSION")));
        if server.is_encrypted() {
            config = config.tls_config(tls(authorities)?);
        } else {
            ensure!(
                authorities.is_none(),
                "--server-ca needs a --server that begins with https://"
            );
            // What is meant for this machine goes through no proxy.
            config = config.proxy(None);
        }
        let authorization = key
            .map(|key| HeaderValue::from_str(&format!("Bearer {}", key.reveal())))
            .transpose()
            .context("the key cannot be sent")?
            .map(|mut value| {
                value.set_sensitive(true);
                value
            });
        Ok(Self { agent: config.build().into(), server: server.clone(), authorization })
    }

    /// All items of a list, page after page.
    pub fn list(&self, path: &str) -> anyhow::Result<Vec<Value>> {
        let (mut all, mut next) = (Vec::new(), String::new());
        loop {
            let mut page = self.call("GET", &format!("{path}?limit={PAGE}{next}"), None)?;
            let Value::Array(items) = page["items"].take() else {
                bail!("{} answered no list: is it a Groundswell of this version?", self.server)
            };
            let is_last = items.is_empty();
            all.extend(items);
            match page["next_cursor"].as_str().filter(|_| !is_last) {
                None => return Ok(all),
                Some(cursor) => {
                    let cursor: String = byte_serialize(cursor.as_bytes()).collect();
                    next = format!("&cursor={cursor}");
                }
            }
        }
    }

    /// The answer to a GET that is no list.
    pub fn get(&self, path: &str) -> anyhow::Result<Value> {
        self.call("GET", path, None)
    }

    /// The answer to a PUT.
    pub fn put(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.call("PUT", path, Some(body))
    }

    /// The answer to a POST.
    pub fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.call("POST", path, Some(body))
    }

    /// The answer to a PATCH.
    pub fn patch(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.call("PATCH", path, Some(body))
    }

    /// The answer to a DELETE.
    pub fn delete(&self, path: &str) -> anyhow::Result<Value> {
        self.call("DELETE", path, None)
    }

    fn call(&self, method: &str, path: &str, body: Option<&Value>) -> anyhow::Result<Value> {
        let mut request = Request::builder().method(method).uri(self.server.at(path));
        if let Some(value) = &self.authorization {
            request = request.header(header::AUTHORIZATION, value.clone());
        }
        let answer = match body {
            Some(body) => {
                let request = request.header(header::CONTENT_TYPE, "application/json");
                self.agent.run(request.body(body.to_string())?)
            }
            None => self.agent.run(request.body(())?),
        };
        let answer = answer.with_context(|| match method {
            "GET" => format!("{} does not answer", self.server),
            _ => format!(
                "{} does not answer: it may have done it all the same. `keys list`, `sources list` \
                 and `privacy show` show what is there; revoke a key whose text you do not have",
                self.server
            ),
        })?;
        self.read(answer)
    }

    fn read(&self, mut answer: Response<Body>) -> anyhow::Result<Value> {
        let status = answer.status();
        let body = answer.body_mut().with_config().limit(MOST_ANSWER_BYTES).read_to_vec();
        let body = body.with_context(|| format!("{}: its answer ended early", self.server))?;
        let value: Option<Value> = serde_json::from_slice(&body).ok();
        if status.is_success() {
            return value.ok_or_else(|| anyhow!("{} answered no JSON", self.server));
        }
        let text = String::from_utf8_lossy(&body);
        let shown = value.as_ref().and_then(|problem| problem["detail"].as_str()).unwrap_or(&text);
        let shown: String = shown.chars().filter(|c| !c.is_control()).take(MOST_SHOWN).collect();
        let hint = match status.as_u16() {
            401 | 403 if self.authorization.is_none() => {
                ": give a key whose scope is admin, in GROUNDSWELL_ADMIN_KEY or --admin-key-file"
            }
            300..=399 => ": name the address that it leads to",
            _ => "",
        };
        bail!("{} answered {}: {shown}{hint}", self.server, status.as_u16())
    }
}

/// TLS by the same library that connections to Redis use, and by the authorities that the
/// system trusts.
fn tls(authorities: Option<&str>) -> anyhow::Result<TlsConfig> {
    let roots: Vec<Certificate<'static>> = match authorities {
        Some(pem) => {
            let items = parse_pem(pem.as_bytes()).collect::<Result<Vec<_>, _>>();
            let certificates = |item| match item {
                PemItem::Certificate(certificate) => Some(certificate),
                _ => None,
            };
            items.context("--server-ca")?.into_iter().filter_map(certificates).collect()
        }
        None => rustls_native_certs::load_native_certs()
            .certs
            .iter()
            .map(|certificate| Certificate::from_der(certificate).to_owned())
            .collect(),
    };
    ensure!(
        !roots.is_empty(),
        "no authority is known that could vouch for the server: name a PEM file by --server-ca"
    );
    Ok(TlsConfig::builder()
        .provider(TlsProvider::Rustls)
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .root_certs(RootCerts::Specific(Arc::new(roots)))
        .build())
}
