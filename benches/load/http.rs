//! As much HTTP/1.1 as a load generator needs: requests as bytes, and the head of an
//! answer with a content length.

use anyhow::{Context, bail, ensure};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// How the line of a body's length begins.
const LENGTH: &[u8] = b"Content-Length: ";

/// What the head of an answer says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The status.
    pub status: u16,
    /// Where the body ends.
    pub ends_at: usize,
    /// Where the body begins.
    pub body_at: usize,
    /// Whether the server closes the connection after it.
    pub closes: bool,
}

/// A request to read, for an answer in that encoding.
#[must_use]
pub fn get(target: &str, encoding: &str) -> Vec<u8> {
    format!(
        "GET {target} HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\nAccept-Encoding: \
         {encoding}\r\n\r\n"
    )
    .into_bytes()
}

/// A request to post that body.
#[must_use]
pub fn post(target: &str, content_type: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "POST {target} HTTP/1.1\r\nHost: localhost\r\nContent-Type: \
         {content_type}\r\nContent-Length: {length}\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}

/// The line that shows a key.
#[must_use]
pub fn key_line(key: &str) -> String {
    format!("Authorization: Bearer {key}\r\n")
}

/// The same request with a key, whose line comes first.
///
/// # Panics
/// Where the request has no line.
#[must_use]
pub fn with_key(request: &[u8], key: &str) -> Vec<u8> {
    let first = request.windows(2).position(|two| two == b"\r\n").expect("a request has lines");
    let (line, rest) = request.split_at(first + 2);
    [line, key_line(key).as_bytes(), rest].concat()
}

/// The same request with its body in one chunk, and how much later that begins.
///
/// # Panics
/// Where the request does not end its head with the length of its body.
#[must_use]
pub fn in_chunks(request: &[u8]) -> (Vec<u8>, isize) {
    let place = |wanted: &[u8]| {
        request.windows(wanted.len()).position(|part| part == wanted).expect("a head and a body")
    };
    let (head, body) = (&request[..place(LENGTH)], &request[place(b"\r\n\r\n") + 4..]);
    let begins = format!("Transfer-Encoding: chunked\r\n\r\n{:x}\r\n", body.len());
    let later =
        (head.len() + begins.len() + body.len()).cast_signed() - request.len().cast_signed();
    ([head, begins.as_bytes(), body, b"\r\n0\r\n\r\n"].concat(), later)
}

/// The head that these bytes begin with; none while it is incomplete.
///
/// # Errors
/// Where it is no HTTP/1.1, or says no content length.
pub fn head(bytes: &[u8]) -> anyhow::Result<Option<Head>> {
    let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(None) };
    let text = std::str::from_utf8(&bytes[..end]).context("the head of an answer is not text")?;
    let status = text.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)?.parse().ok());
    let Some(status) = status else { bail!("expected an answer in HTTP/1.1, got {text:?}") };
    let length = text.split("\r\n").find_map(content_length);
    let Some(length) = length else {
        bail!("expected an answer with a content length, got {text:?}")
    };
    let body_at = end + 4;
    let closes = text.split("\r\n").any(|line| line.eq_ignore_ascii_case("connection: close"));
    Ok(Some(Head { status, ends_at: body_at + length, body_at, closes }))
}

/// Asks once, on a connection of its own, and waits for the body.
///
/// # Errors
/// Where the connection fails, nothing comes for ten seconds, or the status is not 200.
pub fn fetch(address: SocketAddr, target: &str, encoding: &str) -> anyhow::Result<Vec<u8>> {
    exchange(address, &get(target, encoding), 200).with_context(|| target.to_owned())
}

/// Sends one request, on a connection of its own, and waits for the body of the answer.
///
/// # Errors
/// Where the connection fails, nothing comes for ten seconds, or the status is another
/// one.
pub fn exchange(address: SocketAddr, request: &[u8], status: u16) -> anyhow::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    stream.write_all(request)?;
    let mut answer = Vec::new();
    let mut part = vec![0; 64 << 10];
    loop {
        let n = stream.read(&mut part).context("waiting for an answer")?;
        ensure!(n > 0, "the server closed the connection before it had answered");
        answer.extend_from_slice(&part[..n]);
        let Some(head) = head(&answer)? else { continue };
        if answer.len() >= head.ends_at {
            let body = answer.split_off(head.body_at);
            ensure!(
                head.status == status,
                "answered {}: {}",
                head.status,
                String::from_utf8_lossy(&body)
            );
            return Ok(body);
        }
    }
}

fn content_length(line: &str) -> Option<usize> {
    let (name, value) = line.split_once(':')?;
    if name.eq_ignore_ascii_case("content-length") { value.trim().parse().ok() } else { None }
}
