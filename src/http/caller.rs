//! Who calls, and whether they may: looked at once, before a handler runs and a body is
//! read. A handler that takes one of these types as an argument asks nothing else.

use super::admin;
use super::admission::Admission;
use super::app::App;
use super::caching::Audience;
use super::denial::Denial;
use super::error::{Code, Problem};
use super::limits::{Budget, Calls, Exceeded, READ_UNITS};
use super::policy::{Anonymous, Auth, MOST_ITEMS_WITHOUT_A_KEY};
use super::query::Query;
use crate::domain::access::entry::Actor;
use crate::domain::access::key::KeyRecord;
use crate::domain::access::scope::{Scope, Scopes};
use crate::domain::fact::Source;
use crate::engine::Engine;
use crate::engine::access::Admitted;
use crate::engine::access::usage::Reserved;
use crate::engine::shown::Sight;
use crate::wire::key_text::{self, KeyText};
use actix_web::dev::Payload;
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderMap};
use actix_web::{FromRequest, HttpRequest, web};
use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

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

/// A caller who may read. It paid for an answer that is made, and has most of that back
/// where none was.
#[derive(Debug)]
pub struct Reading {
    caller: Caller,
    /// Whether it may do what is done on the machine itself.
    is_near: bool,
    /// Whether it reads on the machine itself, maybe by a page of another server there.
    is_near_reader: bool,
    is_made: AtomicBool,
    /// Who may be given the answer, once its sight is known.
    audience: OnceLock<Audience>,
}

/// Reports that were counted before they are recorded.
#[derive(Debug)]
#[must_use = "what is not recorded is given back"]
pub struct Charged<'a> {
    caller: &'a Reporting,
    reports: u64,
    of_day: Option<Reserved>,
}

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

    /// Counts the reports of a call, of which one was counted when it began: all of them or
    /// no more.
    ///
    /// # Errors
    /// Where so many are not left, or are more than a key may send at once or has left of
    /// its day: then parts of them may be.
    pub fn charge(&self, reports: usize) -> Result<Charged<'_>, Problem> {
        let (caller, reports) = (&self.0, reports as u64);
        if let Some(most) = caller.budget.most_at_once().filter(|most| *most < reports) {
            return Err(too_many(most, "at once"));
        }
        let of_day = caller.reserve(reports)?;
        let charged = Charged { caller: self, reports: 1, of_day };
        if 1 < reports
            && let Err(exceeded) = caller.take_all(reports)
        {
            charged.give_back();
            return Err(caller.app.denied(&Denial::Exceeded(exceeded)));
        }
        Ok(Charged { reports, ..charged })
    }
}

impl Charged<'_> {
    /// What was counted is recorded.
    pub fn recorded(self) {
        let (caller, reports) = (self.caller, self.reports);
        if !caller.is_test() {
            caller.0.app.sources.count(caller.source(), reports);
        }
    }

    /// Nothing was recorded: the call costs one, as it did when it began.
    pub fn give_back(self) {
        let Caller { app, budget, .. } = &self.caller.0;
        app.limits.give_back(budget, self.reports.saturating_sub(1));
        self.of_day.into_iter().for_each(Reserved::give_back);
    }
}

impl Reading {
    fn of(request: &HttpRequest) -> Result<Self, Problem> {
        let caller = Caller::of(request, Scope::Read)?;
        Ok(Self {
            is_near: admin::is_near(&caller.app, request),
            is_near_reader: admin::is_near_reader(&caller.app, request),
            caller,
            is_made: AtomicBool::new(false),
            audience: OnceLock::new(),
        })
    }

    /// With whose eyes it reads: `exact=true` takes the scope `exact`, and is noted for the
    /// audit. Without it everybody is shown the same, whatever their key; but on a server
    /// that somebody tries out, who calls from the machine itself sees all.
    ///
    /// # Errors
    /// Where `exact` is neither true nor false, or may not be asked for.
    pub fn sight(&self, query: &Query<'_>) -> Result<Sight, Problem> {
        let app = &self.caller.app;
        let (sight, audience) = if query.exact()? {
            self.may_read_exactly().map_err(|denial| app.denied(&denial))?;
            app.engine.note_exact_read(self.caller.actor());
            (Sight::Exact, Audience::Exact)
        } else {
            match (app.is_on_trial(), self.is_near_reader) {
                (false, _) => (Sight::Public, self.usual_audience()),
                (true, true) => (Sight::Exact, Audience::ThisMachine),
                (true, false) => (Sight::Public, self.usual_audience().without_this_machine()),
            }
        };
        // A request has one query.
        self.audience.get_or_init(|| audience);
        Ok(sight)
    }

    /// Who may be given what it is given.
    #[must_use]
    pub fn audience(&self) -> Audience {
        self.audience.get().copied().unwrap_or_else(|| self.usual_audience())
    }

    /// The same of what is shown to whoever may read.
    fn usual_audience(&self) -> Audience {
        let may_read = self.caller.app.policy.anonymous.scopes().allow(Scope::Read);
        if may_read { Audience::Everybody } else { Audience::KeyHolders }
    }

    fn may_read_exactly(&self) -> Result<(), Denial> {
        let (app, needed) = (&self.caller.app, Scope::Exact);
        match self.caller.record() {
            Some(_) if app.engine.keys_are_doubtful() => Err(Denial::Doubtful),
            Some(record) if record.scopes.allow(needed) => Ok(()),
            Some(record) => Err(Denial::Scope { needed, given: record.scopes }),
            None if app.policy.auth == Auth::Open && self.is_near => Ok(()),
            None => Err(Denial::NoKey(needed)),
        }
    }

    /// Says whether its answer is made for it, which costs as much as was counted when the
    /// call began. An answer that was there costs one unit.
    pub fn is_made(&self, is_made: bool) {
        self.is_made.store(is_made, Ordering::Relaxed);
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        if !self.is_made.load(Ordering::Relaxed) {
            self.caller.app.limits.give_back(&self.caller.budget, READ_UNITS - 1);
        }
    }
}

impl Administering {
    /// Who it is, for the record of who did what.
    #[must_use]
    pub fn actor(&self) -> Actor {
        self.0.actor()
    }
}

impl Caller {
    /// The caller of a request that takes this scope.
    fn of(request: &HttpRequest, needed: Scope) -> Result<Self, Problem> {
        let app = app_of(request);
        Self::judge(app, request, needed).map_err(|denial| {
            let denial = Self::pay_for(app, request, denial);
            app.denied(&denial)
        })
    }

    /// A denial costs the address one unit of its reads; without one left it must wait.
    fn pay_for(app: &App, request: &HttpRequest, denial: Denial) -> Denial {
        if matches!(denial, Denial::Exceeded(_)) {
            return denial;
        }
        let budget = app.limits.budget(Calls::Reads, app.address_of(request), None, 1);
        app.limits
            .take(&budget, app.engine.steady_ns(), 1)
            .map_or_else(Denial::Exceeded, |()| denial)
    }

    fn judge(app: &web::Data<App>, request: &HttpRequest, needed: Scope) -> Result<Self, Denial> {
        let admitted = match Shown::by(request)? {
            None => None,
            Some(shown) => Some(shown.admitted(&app.engine, request)?),
        };
        // Who only reads, reads what the last view shows as well.
        if admitted.is_some() && needed != Scope::Read && app.engine.keys_are_doubtful() {
            return Err(Denial::Doubtful);
        }
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
        if let Some(admitted) = &admitted {
            admitted.usage.mark_used();
        }
        let address = app.address_of(request);
        let calls = if needed == Scope::Report { Calls::Reports } else { Calls::Reads };
        let budget = app.limits.budget(calls, address, admitted.as_ref(), app.engine.nodes());
        let caller = Self { app: app.clone(), admitted, address, budget };
        let units = if needed == Scope::Report { 1 } else { READ_UNITS };
        app.limits.take(&caller.budget, app.engine.steady_ns(), units).map_err(Denial::Exceeded)?;
        if needed == Scope::Report {
            caller.has_reports_left().map_err(Denial::Exceeded)?;
        }
        Ok(caller)
    }

    /// Who it is, for the record of who did what.
    fn actor(&self) -> Actor {
        self.record().map_or(Actor::ThisMachine, |record| Actor::Key(record.id))
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

    /// Keeps reports of the key's day. More than are left are too many: fewer may fit.
    fn reserve(&self, reports: u64) -> Result<Option<Reserved>, Problem> {
        let Some(Admitted { key, usage }) = &self.admitted else { return Ok(None) };
        let most = key.record.limits.reports_per_day;
        usage.reserve(reports, most).map(Some).map_err(|spent| match spent.left {
            0 => self.app.denied(&Denial::Exceeded(self.quota(most.unwrap_or_default(), 0))),
            left => too_many(left, "today"),
        })
    }

    /// Counts reports, of which one was counted already.
    fn take_all(&self, reports: u64) -> Result<(), Exceeded> {
        let (limits, now_ns) = (&self.app.limits, self.app.engine.steady_ns());
        limits.give_back(&self.budget, 1);
        limits.take(&self.budget, now_ns, reports).inspect_err(|_| {
            limits.owe(&self.budget, now_ns, 1);
        })
    }

    fn quota(&self, most: u64, left: u64) -> Exceeded {
        const DAY_S: u64 = 24 * 60 * 60;
        let wait_s = self.app.engine.until_tomorrow().as_secs().max(1);
        Exceeded { policy: "quota", quota: most, window_s: DAY_S, left, wait_s }
    }
}

fn too_many(most: u64, when: &str) -> Problem {
    let expected = format!("at most {most} reports of this key {when}");
    Problem::field(Code::TooManyItems, "body", expected, "more")
}

/// A key as it was shown.
struct Shown<'a> {
    text: Cow<'a, str>,
    is_in_address: bool,
}

impl<'a> Shown<'a> {
    /// The key of a request: in the header, else in the address.
    fn by(request: &'a HttpRequest) -> Result<Option<Self>, Denial> {
        let in_header =
            bearer(request.headers())?.map(|text| Self { text: text.into(), is_in_address: false });
        let query = request.query_string();
        // Either may be written by the numbers of its characters.
        let in_address = form_urlencoded::parse(query.as_bytes())
            .filter(|(name, value)| name == "key" && value.starts_with(key_text::PREFIX))
            .map(|(_, text)| Self { text, is_in_address: true });
        let mut shown = in_header.into_iter().chain(in_address);
        match (shown.next(), shown.next()) {
            (_, Some(_)) => Err(Denial::TwoKeys),
            (shown, None) => Ok(shown),
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

/// The key that stands in the address of a request: documents that name other addresses
/// repeat it there, since who reads those may not be able to set headers either.
#[must_use]
pub fn key_in_address(request: &HttpRequest) -> Option<String> {
    let shown = Shown::by(request).ok().flatten()?;
    shown.is_in_address.then(|| shown.text.into_owned())
}

/// What a request shows as its key. What proxies ask for themselves, as `Basic`, is
/// passed over; a key without `Bearer` is none, rather than nobody's.
fn bearer(headers: &HeaderMap) -> Result<Option<&str>, Denial> {
    let mut shown = headers.get_all(header::AUTHORIZATION);
    match (shown.next(), shown.next()) {
        (None, _) => Ok(None),
        (Some(_), Some(_)) => Err(Denial::TwoHeaders),
        (Some(value), None) => {
            let text = value.to_str().map_err(|_| Denial::NotAKey)?.trim();
            let (scheme, token) = text.split_once(' ').unwrap_or((text, ""));
            match scheme.eq_ignore_ascii_case("Bearer") {
                true => Ok(Some(token.trim())),
                false if text.contains(key_text::PREFIX) => Err(Denial::NotAKey),
                false => Ok(None),
            }
        }
    }
}

fn app_of(request: &HttpRequest) -> &web::Data<App> {
    request.app_data::<web::Data<App>>().expect("the application is registered")
}

/// Lets a handler take a caller of this type as an argument.
macro_rules! taken_from_requests {
    ($type:ident: |$request:ident| $caller:expr) => {
        impl FromRequest for $type {
            type Error = Problem;
            type Future = Admission<Self>;

            fn from_request($request: &HttpRequest, body: &mut Payload) -> Self::Future {
                Admission::new($caller, body)
            }
        }
    };
}

taken_from_requests!(Reporting: |request| Caller::of(request, Scope::Report).map(Self));
taken_from_requests!(Reading: |request| Self::of(request));
taken_from_requests!(Administering: |request| Caller::of(request, Scope::Admin).map(Self));
taken_from_requests!(Scraping: |request| match app_of(request).policy.auth {
    Auth::Open => Ok(Self),
    Auth::Keys => Caller::of(request, Scope::Admin).map(|_| Self),
});
