//! Whether a request is let in, and what becomes of the body of one that is not.

use super::error::Problem;
use actix_web::dev::Payload;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

/// A caller who is let in, or why nobody is.
///
/// A refusal reads no body. Yet a connection must close over one that is not at its end, and
/// a new connection costs more than the refusal. So the refusal waits for one turn of its
/// connection, which passes over what came with the head: of a report, that is all of it.
/// What was not there by then is not waited for.
pub struct Admission<T> {
    outcome: Option<Result<T, Problem>>,
    /// The body of a refused request. It is held, not read: the connection reads nothing
    /// for a body that nobody holds.
    unread: Payload,
    has_waited: bool,
}

impl<T> Admission<T> {
    /// Of a request with that body.
    #[must_use]
    pub fn new(outcome: Result<T, Problem>, body: &mut Payload) -> Self {
        let unread = if outcome.is_err() { body.take() } else { Payload::None };
        let has_waited = matches!(unread, Payload::None);
        Self { outcome: Some(outcome), unread, has_waited }
    }
}

impl<T: Unpin> Future for Admission<T> {
    type Output = Result<T, Problem>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if !self.has_waited {
            self.has_waited = true;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.unread = Payload::None;
        Poll::Ready(self.outcome.take().expect("a future that is ready is polled no more"))
    }
}
