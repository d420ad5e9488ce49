//! How much of incidents whoever asks may see. The only place that decides it.

use super::admin;
use super::app::App;
use crate::domain::incident::Form;
use crate::engine::shown::Sight;
use actix_web::HttpRequest;

/// Everything, from this machine to a server that only this machine reaches; else what
/// everybody may see.
pub fn sight(app: &App, request: &HttpRequest) -> Sight {
    if admin::is_near(app, request) { Sight::Exact } else { Sight::Public }
}

/// The form in which incidents are told to whoever sees that much.
pub const fn form(sight: Sight) -> Form {
    match sight {
        Sight::Exact => Form::Exact,
        Sight::Public => Form::Public,
    }
}
