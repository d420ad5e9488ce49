//! Why a caller is turned away: what it is told, and what operators count. Never a secret:
//! ids and scopes only.

use super::error::{Code, Problem};
use super::limits::Exceeded;
use crate::domain::access::key::{KeyRecord, Refusal};
use crate::domain::access::scope::{Scope, Scopes};
use actix_web::http::header;

/// Why a caller is turned away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Denial {
    /// Two headers say who calls.
    TwoHeaders,
    /// Two keys stand in the address.
    TwoKeys,
    /// What should be a key is none.
    NotAKey,
    /// The key is refused.
    Refused(Refusal),
    /// The key may do too much to stand in an address.
    InAddress,
    /// The key is not for pages, or not for those of this origin.
    Origin(String),
    /// There is no key, and everybody may not do that.
    NoKey(Scope),
    /// The key may not do that.
    Scope {
        /// What it takes.
        needed: Scope,
        /// What the key has.
        given: Scopes,
    },
    /// The call is for who runs the server, from its own machine.
    NotNear,
    /// Nobody here can tell whether the key was revoked.
    Doubtful,
    /// The caller must wait.
    Exceeded(Exceeded),
}

impl Denial {
    /// Why, as a word of the metrics.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::TwoHeaders | Self::TwoKeys => "ambiguous",
            Self::NotAKey => "not_a_key",
            Self::Refused(Refusal::Unknown) => "unknown",
            Self::Refused(Refusal::Expired) => "expired",
            Self::Refused(Refusal::Revoked) => "revoked",
            Self::InAddress => "in_address",
            Self::Origin(_) => "origin",
            Self::NoKey(_) => "no_key",
            Self::Scope { .. } => "scope",
            Self::NotNear => "not_near",
            Self::Doubtful => "doubtful",
            Self::Exceeded(exceeded) => exceeded.policy,
        }
    }

    /// The denial of a call from a page of another origin than those of the key.
    #[must_use]
    pub fn of_origin(key: &KeyRecord, origin: Option<&str>) -> Self {
        let id = key.id;
        Self::Origin(match origin {
            None => format!("the key {id} is for pages, and this call has no Origin"),
            Some(_) if !key.is_for_browsers() => format!(
                "the key {id} has no origins, and this call comes from a page: create a key \
                 with the page's origin"
            ),
            Some(origin) => {
                let shown: String = origin.chars().take(100).collect();
                format!("the key {id} is not for pages of {shown}")
            }
        })
    }

    /// What the caller is told.
    #[must_use]
    pub fn problem(&self) -> Problem {
        match self {
            Self::TwoHeaders => Problem::field(
                Code::MalformedRequest,
                header::AUTHORIZATION.as_str(),
                "given once",
                "more than one",
            ),
            Self::TwoKeys => {
                Problem::field(Code::RepeatedParameter, "key", "given once", "more than one")
            }
            Self::NotAKey => Problem::new(
                Code::Unauthenticated,
                "not a key: it must be as it was shown, gsk_ and 47 characters, after Bearer",
            ),
            Self::Refused(refusal) => {
                let more = match refusal {
                    Refusal::Unknown => "nobody has this key",
                    Refusal::Expired => "the time of this key is over",
                    Refusal::Revoked => "this key was taken back",
                };
                Problem::new(Code::Unauthenticated, format!("{refusal}: {more}"))
            }
            Self::InAddress => Problem::new(
                Code::Forbidden,
                "only keys that do nothing but read, and keys with origins, may stand in an \
                 address, which is kept in many places: send this one as Authorization: Bearer",
            ),
            Self::Origin(detail) => Problem::new(Code::Forbidden, detail),
            Self::NoKey(scope) => Problem::new(
                Code::Unauthenticated,
                format!(
                    "a key is needed with the scope {}: send it as Authorization: Bearer",
                    scope.name()
                ),
            ),
            Self::Scope { needed, given } => {
                let given: Vec<&str> = given.given().map(Scope::name).collect();
                let detail = format!(
                    "this call needs the scope {}, and the key has {}",
                    needed.name(),
                    given.join(", ")
                );
                Problem::lacks(*needed, detail)
            }
            Self::NotNear => Problem::forbidden(),
            Self::Doubtful => Problem::new(
                Code::Unavailable,
                "this node has not been able to read which keys were revoked for too long: try \
                 again",
            ),
            Self::Exceeded(exceeded) => Problem::rate_limited(*exceeded),
        }
    }
}
