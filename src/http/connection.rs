//! A caller's connection, so that what is no HTTP is answered by a problem as well.
//!
//! The parser of actix answers what it cannot read below every middleware, by a bare
//! head: a status, `content-length: 0`, nothing of ours. It is the last thing that it
//! writes on a connection, in one piece. Every answer of ours carries an id. So the bare
//! head is told apart on its way out, and replaced.
//!
//! Then the connection lingers: closed at once, with bytes unread, it would be reset, and
//! some systems throw away what they received before a reset.

use super::app::App;
use super::error::Problem;
use actix_web::rt::net::TcpStream;
use actix_web::web::{Bytes, Data};
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// How long a caller may take to read its answer and close, while what it still sends is
/// passed over.
const LINGERS: Duration = Duration::from_secs(1);
/// Longer than any bare head.
const LONGEST_HEAD: usize = 256;

/// A connection of which the last answer may be ours instead of the parser's.
pub struct Connection {
    socket: TcpStream,
    app: Data<App>,
    parting: Option<Parting>,
}

/// The last answer on a connection, as far as it is not yet sent; and how long to wait
/// for its reader.
struct Parting {
    unsent: Bytes,
    is_closed: bool,
    until: Pin<Box<Sleep>>,
}

/// A head that is not ours, at the end of what is written.
#[derive(Debug, PartialEq, Eq)]
struct BareHead<'a> {
    begin: usize,
    status: u16,
    date: Option<&'a str>,
}

impl Connection {
    /// One that was accepted.
    pub const fn new(socket: TcpStream, app: Data<App>) -> Self {
        Self { socket, app, parting: None }
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let Self { socket, app, parting } = &mut *self;
        if parting.is_none() {
            match BareHead::at_end_of(bytes)
                .and_then(|head| Some((Problem::of_parser(head.status)?, head)))
            {
                None => return Pin::new(socket).poll_write(cx, bytes),
                // What comes before is ours: it goes first.
                Some((_, head)) if head.begin > 0 => {
                    return Pin::new(socket).poll_write(cx, &bytes[..head.begin]);
                }
                Some((problem, head)) => {
                    *parting = Some(Parting::new(app.answer_to_no_request(&problem, head.date)));
                }
            }
        }
        let parting = parting.as_mut().expect("it was there, or is there now");
        ready!(parting.poll(socket, cx))?;
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.parting.is_some() {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}

impl Parting {
    fn new(answer: Bytes) -> Self {
        Self { unsent: answer, is_closed: false, until: Box::pin(sleep(LINGERS)) }
    }

    /// Sends the answer, says that no more comes, and passes over what the caller still
    /// sends, until it closes too or the time is over.
    fn poll(&mut self, socket: &mut TcpStream, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.until.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Ok(()));
        }
        while !self.unsent.is_empty() {
            let sent = ready!(Pin::new(&mut *socket).poll_write(cx, &self.unsent))?;
            self.unsent = self.unsent.slice(sent..);
        }
        if !self.is_closed {
            ready!(Pin::new(&mut *socket).poll_shutdown(cx))?;
            self.is_closed = true;
        }
        let mut passed_over = [0; 4_096];
        loop {
            let mut buffer = ReadBuf::new(&mut passed_over);
            ready!(Pin::new(&mut *socket).poll_read(cx, &mut buffer))?;
            if buffer.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl<'a> BareHead<'a> {
    /// The one at the end of what is written, if there is one.
    fn at_end_of(bytes: &'a [u8]) -> Option<Self> {
        if !bytes.ends_with(b"\r\n\r\n") {
            return None;
        }
        let from = bytes.len().saturating_sub(LONGEST_HEAD);
        let begin = from + bytes[from..].windows(7).rposition(|seven| seven == b"HTTP/1.")?;
        let mut lines = std::str::from_utf8(&bytes[begin..]).ok()?.trim_ascii_end().split("\r\n");
        let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        let (mut is_empty, mut date) = (false, None);
        for line in lines {
            match line.split_once(": ")? {
                ("content-length", "0") => is_empty = true,
                ("connection", _) => {}
                ("date", value) => date = Some(value),
                _ => return None,
            }
        }
        is_empty.then_some(Self { begin, status, date })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATE: &str = "Mon, 30 Nov 2026 07:54:45 GMT";

    #[test]
    fn a_bare_head_is_told_from_every_answer_of_ours() {
        let bare = format!(
            "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\ndate: \
             {DATE}\r\n\r\n"
        );
        let head = |begin, status| Some(BareHead { begin, status, date: Some(DATE) });
        let rows = [
            (bare.clone(), head(0, 400)),
            (bare.replace("connection: close\r\n", ""), head(0, 400)),
            (bare.replace("400 Bad Request", "431 Request Header Fields Too Large"), head(0, 431)),
            (format!("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{{}}{bare}"), head(40, 400)),
            (bare.replace("date", "x-request-id: 1\r\ndate"), None),
            (bare.replace("content-length: 0", "content-length: 7"), None),
            (bare.replace("content-length: 0\r\n", ""), None),
            (bare.trim_end().to_owned(), None),
            (format!("{bare}{{}}"), None),
            ("HTTP/1.1 100 Continue\r\n\r\n".to_owned(), None),
            ("\r\n\r\n".to_owned(), None),
            (String::new(), None),
        ];
        for (written, expected) in rows {
            assert_eq!(BareHead::at_end_of(written.as_bytes()), expected, "{written:?}");
        }
    }
}
