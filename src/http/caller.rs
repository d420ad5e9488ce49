//! Who calls, and whether they may: looked at once, before a handler runs and a body is
//! read. A handler that takes one of these types as an argument asks nothing else.

use super::admin;
use super::app::App;
use super::caching::Audience;
use super::denial::Denial;
use super::error::Problem;
use super::limits::{Budget, Calls, Exceeded, READ_UNITS};
use super::policy::{Anonymous, Auth, MOST_ITEMS_WITHOUT_A_KEY};
use crate::domain::access::entry::Actor;
use crate::domain::access::key::KeyRecord;
use crate::domain::access::scope::{Scope, Scopes};
use crate::domain::fact::Source;
use crate::engine::Engine;
use crate::engine::access::Admitted;
use crate::wire::key_text::KeyText;
use actix_web::dev::Payload;
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderMap};
use actix_web::{FromRequest, HttpRequest, web};
use std::borrow::Cow;
use std::future::{Ready, ready};
use std::net::IpAddr;

/// How every key begins. What else stands in `?key=` is what monitors add to addresses.
const KEY_BEGINS: &str = "gsk_";
/// Scopes of keys that may stand in an address.
const IN_ADDRESS: [Scope; 1] = [Scope::Read];

/// Who calls, with a key or without.
#[derive(Debug)]
struct Caller {
    app: web::Data<App>,
    admitted: Option<Admitted>,
    address: Option<IpAddr>,
    budget: Budget,
}

/// A caller who may report.
#[derive(Debug)]
pub struct Reporting(Caller);

/// A caller who may read.
#[derive(Debug)]
pub struct Reading(Caller);

/// A caller who may run the server.
#[derive(Debug)]
pub struct Administering(Caller);

/// A caller who may read the metrics: everybody, unless keys say who runs the server.
#[derive(Debug)]
pub struct Scraping;

impl Reporting {
    /// The app whose key it shows; nobody without a key.
    #[must_use]
    pub fn source(&self) -> Source {
        self.0.record().map_or(Source::OPEN, |record| record.source)
    }

    /// Whether what it reports is judged and counts nowhere.
    #[must_use]
    pub fn is_test(&self) -> bool {
        self.0.record().is_some_and(|record| record.is_test)
    }

    /// Whether it may report about a provider.
    #[must_use]
    pub fn speaks_for(&self, provider: &str) -> bool {
        self.0.record().is_none_or(|record| record.speaks_for(provider))
    }

    /// Whether its reports may be the first of their reporter's day.
    #[must_use]
    pub fn may_open(&self) -> bool {
        let app = &self.0.app;
        match self.0.record() {
            None => app.policy.anonymous_may_open,
            Some(record) => {
                app.engine.access().source(record.source).is_none_or(|source| source.may_open)
            }
        }
    }

    /// Where it calls from, where that decides whether ids may be new: without a key.
    #[must_use]
    pub fn address_without_key(&self) -> Option<IpAddr> {
        self.0.address.filter(|_| self.0.admitted.is_none())
    }

    /// Reports of one batch at most, where it may not send as many as anybody.
    #[must_use]
    pub fn most_items(&self) -> Option<usize> {
        let is_few = self.0.admitted.is_none() && self.0.app.policy.anonymous < Anonymous::All;
        is_few.then_some(MOST_ITEMS_WITHOUT_A_KEY)
    }

    /// Counts the reports of a call, of which one was counted when it began. Where
    /// anything is left, all of them are granted, and the next call waits longer.
    ///
    /// # Errors
    /// Where nothing is left, or the key's day has no room for all of them.
    pub fn charge(&self, reports: usize) -> Result<(), Problem> {
        let (caller, now_ns, reports) = (&self.0, self.0.app.engine.steady_ns(), reports as u64);
        let charged = || {
            if let Some(more) = reports.checked_sub(2) {
                caller.app.limits.take(&caller.budget, now_ns, 1)?;
                caller.app.limits.owe(&caller.budget, now_ns, more);
            }
            caller.count_reports(reports)
        };
        charged().map_err(|exceeded| caller.app.denied(&Denial::Exceeded(exceeded)))?;
        caller.app.sources.count(self.source(), reports);
        Ok(())
    }
}

impl Reading {
    /// Who may be given what it is given.
    #[must_use]
    pub fn audience(&self) -> Audience {
        let everybody = self.0.app.policy.anonymous.scopes();
        let may = |scope| everybody.allow(scope);
        let sees_exact = self.0.record().is_some_and(|record| record.scopes.allow(Scope::Exact));
        match () {
            () if sees_exact && !may(Scope::Exact) => Audience::Exact,
            () if may(Scope::Read) => Audience::Everybody,
            () => Audience::KeyHolders,
        }
    }

    /// Counts that its answer had to be made: only what was there costs as little as was
    /// counted when the call began.
    pub fn charge_for_making(&self) {
        let caller = &self.0;
        caller.app.limits.owe(&caller.budget, caller.app.engine.steady_ns(), READ_UNITS - 1);
    }
}

impl Administering {
    /// Who it is, for the record of who did what.
    #[must_use]
    pub fn actor(&self) -> Actor {
        self.0.record().map_or(Actor::ThisMachine, |record| Actor::Key(record.id))
    }
}

impl Caller {
    /// The caller of a request that takes this scope.
    fn of(request: &HttpRequest, needed: Scope) -> Result<Self, Problem> {
        let app = app_of(request);
        Self::judge(app, request, needed).map_err(|denial| app.denied(&denial))
    }

    fn judge(app: &web::Data<App>, request: &HttpRequest, needed: Scope) -> Result<Self, Denial> {
        let admitted = match Shown::by(request)? {
            None => None,
            Some(shown) => Some(shown.admitted(&app.engine, request)?),
        };
        let everybody = app.policy.anonymous.scopes();
        let given = admitted.as_ref().map_or(Scopes::NONE, |admitted| admitted.key.record.scopes);
        if !everybody.allow(needed) && !given.allow(needed) {
            let is_admin_of_open = needed == Scope::Admin && app.policy.auth == Auth::Open;
            match &admitted {
                None if is_admin_of_open && admin::is_near(app, request) => {}
                None if is_admin_of_open => return Err(Denial::NotNear),
                None => return Err(Denial::NoKey(needed)),
                Some(_) => return Err(Denial::Scope { needed, given }),
            }
        }
        let address = app.address_of(request);
        let calls = if needed == Scope::Report { Calls::Reports } else { Calls::Reads };
        let budget = app.limits.budget(calls, address, admitted.as_ref(), app.engine.nodes());
        let caller = Self { app: app.clone(), admitted, address, budget };
        // A read whose answer must be made is counted in full once that is known.
        let units = if needed == Scope::Admin { READ_UNITS } else { 1 };
        app.limits.take(&caller.budget, app.engine.steady_ns(), units).map_err(Denial::Exceeded)?;
        if needed == Scope::Report {
            caller.has_reports_left().map_err(Denial::Exceeded)?;
        }
        Ok(caller)
    }

    fn record(&self) -> Option<&KeyRecord> {
        self.admitted.as_ref().map(|admitted| &admitted.key.record)
    }

    /// Whether the key's day has room for more: looked at before a body is read.
    fn has_reports_left(&self) -> Result<(), Exceeded> {
        let Some(Admitted { key, usage }) = &self.admitted else { return Ok(()) };
        match key.record.limits.reports_per_day {
            Some(most) if most <= usage.reported_today() => Err(self.quota(most, 0)),
            _ => Ok(()),
        }
    }

    fn count_reports(&self, reports: u64) -> Result<(), Exceeded> {
        let Some(Admitted { key, usage }) = &self.admitted else { return Ok(()) };
        let most = key.record.limits.reports_per_day;
        usage
            .count_reports(reports, most)
            .map_err(|spent| self.quota(most.unwrap_or_default(), spent.left))
    }

    fn quota(&self, most: u64, left: u64) -> Exceeded {
        const DAY_S: u64 = 24 * 60 * 60;
        let wait_s = self.app.engine.until_tomorrow().as_secs().max(1);
        Exceeded { policy: "quota", quota: most, window_s: DAY_S, left, wait_s }
    }
}

/// A key as it was shown.
struct Shown<'a> {
    text: Cow<'a, str>,
    is_in_address: bool,
}

impl<'a> Shown<'a> {
    /// The key of a request: in the header, else in the address.
    fn by(request: &'a HttpRequest) -> Result<Option<Self>, Denial> {
        if let Some(text) = bearer(request.headers())? {
            return Ok(Some(Self { text: text.into(), is_in_address: false }));
        }
        let query = request.query_string();
        if !query.contains(KEY_BEGINS) {
            return Ok(None);
        }
        let mut keys = form_urlencoded::parse(query.as_bytes())
            .filter(|(name, value)| name == "key" && value.starts_with(KEY_BEGINS))
            .map(|(_, text)| text);
        match (keys.next(), keys.next()) {
            (_, Some(_)) => Err(Denial::TwoKeys),
            (text, None) => Ok(text.map(|text| Self { text, is_in_address: true })),
        }
    }

    /// The key that is known, and good for this request.
    fn admitted(&self, engine: &Engine, request: &HttpRequest) -> Result<Admitted, Denial> {
        let text = KeyText::parse(&self.text).map_err(|_| Denial::NotAKey)?;
        let admitted = engine.admit(&text).map_err(Denial::Refused)?;
        let record = &admitted.key.record;
        let may_be_seen =
            record.is_for_browsers() || record.scopes.are_within(IN_ADDRESS.into_iter().collect());
        if self.is_in_address && !may_be_seen {
            return Err(Denial::InAddress);
        }
        let origin =
            request.headers().get(header::ORIGIN).map(|origin| origin.to_str().unwrap_or("?"));
        let fits = match origin {
            Some(origin) => record.origins.iter().any(|one| one == origin),
            // Browsers name no origin where they read an image, or a page of ours.
            None => {
                !record.is_for_browsers() || matches!(*request.method(), Method::GET | Method::HEAD)
            }
        };
        if fits { Ok(admitted) } else { Err(Denial::of_origin(record, origin)) }
    }
}

/// What a request shows as its key. What proxies ask for themselves, as `Basic`, is
/// passed over.
fn bearer(headers: &HeaderMap) -> Result<Option<&str>, Denial> {
    let mut shown = headers.get_all(header::AUTHORIZATION);
    match (shown.next(), shown.next()) {
        (None, _) => Ok(None),
        (Some(_), Some(_)) => Err(Denial::TwoHeaders),
        (Some(value), None) => {
            let text = value.to_str().map_err(|_| Denial::NotAKey)?.trim();
            let (scheme, token) = text.split_once(' ').unwrap_or((text, ""));
            Ok(scheme.eq_ignore_ascii_case("Bearer").then(|| token.trim()))
        }
    }
}

fn app_of(request: &HttpRequest) -> &web::Data<App> {
    request.app_data::<web::Data<App>>().expect("the application is registered")
}

impl FromRequest for Reporting {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Caller::of(request, Scope::Report).map(Self))
    }
}

impl FromRequest for Reading {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Caller::of(request, Scope::Read).map(Self))
    }
}

impl FromRequest for Administering {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Caller::of(request, Scope::Admin).map(Self))
    }
}

impl FromRequest for Scraping {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let is_for_everybody = app_of(request).policy.auth == Auth::Open;
        ready(if is_for_everybody {
            Ok(Self)
        } else {
            Caller::of(request, Scope::Admin).map(|_| Self)
        })
    }
}
