//! What operators see of requests: an id each, a count, a time, a line in the log. Never
//! a body, a reporter or an address.

use super::app::App;
use super::cors;
use super::error::Problem;
use crate::render::time::rfc3339;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, ResponseError, web};
use std::time::Instant;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// What time it is in a simulation, and how fast it goes: `2022-07-08T08:44:03Z@60x`.
const SIMULATED_CLOCK: HeaderName = HeaderName::from_static("simulated-clock");
/// Goes round every request.
pub async fn observe(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let began = Instant::now();
    let app = request.app_data::<web::Data<App>>().expect("the application is registered").clone();
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let mut response = next.call(request).await?;
    let id = app.requests.id();
    let (status, seconds) = (response.status().as_u16(), began.elapsed().as_secs_f64());
    let route = app.requests.observe(response.request().path(), status, seconds);
    let method = response.request().method();
    if status >= 500 {
        tracing::warn!(request = ?id, %method, route, status, seconds, "failed");
    } else {
        tracing::debug!(request = ?id, %method, route, status, seconds, "answered");
    }
    let (request, response_head) = (response.request().clone(), response.headers_mut());
    app.sign(response_head, id);
    cors::grant(request.headers(), response_head, is_read, route, status);
    Ok(response)
}

impl App {
    /// Writes on an answer what all have: an id, and in a simulation the time.
    fn sign(&self, response: &mut HeaderMap, id: HeaderValue) {
        response.insert(REQUEST_ID, id);
        // What people wrote is in some answers: no browser may take it for a page.
        response.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        if let Some((now, speed)) = self.engine.simulated_now() {
            let clock = HeaderValue::try_from(format!("{}@{speed}x", rfc3339(now)))
                .expect("digits and letters make a header");
            response.insert(SIMULATED_CLOCK, clock);
        }
    }

    /// The bytes of an answer to what is no request, the last one on a connection;
    /// counted and signed as every other.
    pub(super) fn answer_to_no_request(&self, problem: &Problem, date: Option<&str>) -> web::Bytes {
        let mut response = problem.error_response();
        let status = response.status();
        let id = self.requests.id();
        let route = self.requests.observe("", status.as_u16(), 0.0);
        tracing::debug!(request = ?id, route, status = status.as_u16(), "no request");
        self.sign(response.headers_mut(), id);
        cors::grant_unread(response.headers_mut());
        let mut bytes = format!("HTTP/1.1 {status}\r\nconnection: close\r\n").into_bytes();
        for (name, value) in response.headers() {
            bytes.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
        }
        let body = response.into_body().try_into_bytes().unwrap_or_default();
        let date = date.map(|date| format!("date: {date}\r\n")).unwrap_or_default();
        bytes.extend(format!("{date}content-length: {}\r\n\r\n", body.len()).bytes());
        bytes.extend(body);
        bytes.into()
    }
}
