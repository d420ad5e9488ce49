//! Keep-alive connections to one server, driven by one thread: one write and one read an
//! exchange, nothing allocated on the way.

use super::http::{self, Head};
use anyhow::{Context, ensure};
use rustix::event::{Timespec, epoll};
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::ops::ControlFlow;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

/// As much of an answer as is kept. Of longer ones the rest is counted and dropped.
const KEPT_BYTES: usize = 4 << 10;
const READ_BYTES: usize = 256 << 10;
/// Longer than any server here should need for anything.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Connections, each with at most one request on its way. One that the server has closed
/// after an answer is made anew for the next request.
pub struct Client {
    address: SocketAddr,
    epoll: OwnedFd,
    connections: Vec<Connection>,
    events: Vec<epoll::Event>,
    read: Vec<u8>,
    waiting: usize,
}

/// One connection, by its number.
pub type Number = usize;

#[derive(Debug)]
struct Connection {
    stream: TcpStream,
    request: Vec<u8>,
    sent: usize,
    kept: Vec<u8>,
    received: usize,
    head: Option<Head>,
    since: Instant,
    waits: bool,
}

/// What came back.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    /// The status.
    pub status: u16,
    /// The body, up to the first few kilobytes.
    pub body: &'a [u8],
    /// Bytes of head and body.
    pub bytes: usize,
    /// The moment that was given with the request.
    pub since: Instant,
}

impl Client {
    /// So many connections to that server.
    ///
    /// # Errors
    /// Where one cannot be made.
    pub fn connect(address: SocketAddr, connections: usize) -> anyhow::Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let open = |number| Ok(Connection::from(open(&epoll, address, number)?));
        let connections = (0..connections).map(open).collect::<anyhow::Result<Vec<_>>>()?;
        let events = Vec::with_capacity(connections.len().max(16));
        Ok(Self { address, epoll, connections, events, read: vec![0; READ_BYTES], waiting: 0 })
    }

    /// Sends what `render` leaves in place of the connection's last request, unless it
    /// breaks.
    ///
    /// # Errors
    /// Where the connection fails.
    pub fn send(
        &mut self,
        number: Number,
        since: Instant,
        render: impl FnOnce(&mut Vec<u8>) -> ControlFlow<()>,
    ) -> anyhow::Result<()> {
        let connection = &mut self.connections[number];
        assert!(!connection.waits, "a connection has one request on its way");
        if render(&mut connection.request).is_break() {
            return Ok(());
        }
        if connection.head.is_some_and(|head| head.closes) {
            connection.stream = open(&self.epoll, self.address, number)?;
        }
        connection.sent = 0;
        connection.received = 0;
        connection.kept.clear();
        connection.head = None;
        connection.since = since;
        connection.waits = true;
        self.waiting += 1;
        connection.write()
    }

    /// Sleeps until something happens or `timeout` has passed.
    ///
    /// # Errors
    /// Where the system refuses.
    pub fn wait(&mut self, timeout: Duration) -> anyhow::Result<()> {
        let timeout = Timespec {
            tv_sec: timeout.as_secs().cast_signed(),
            tv_nsec: timeout.subsec_nanos().into(),
        };
        self.events.clear();
        match epoll::wait(
            &self.epoll,
            rustix::buffer::spare_capacity(&mut self.events),
            Some(&timeout),
        ) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(error).context("waiting for answers"),
        }
    }

    /// The next connection that has been answered, among those that something happened
    /// to.
    ///
    /// # Errors
    /// Where a connection fails or is closed.
    pub fn next_answered(&mut self) -> anyhow::Result<Option<Number>> {
        while let Some(event) = self.events.pop() {
            let (flags, number) = (event.flags, event.data.u64() as Number);
            let connection = &mut self.connections[number];
            if flags.contains(epoll::EventFlags::OUT) {
                connection.write()?;
            }
            if flags.contains(epoll::EventFlags::IN)
                && connection.waits
                && connection.read(&mut self.read)?
            {
                connection.waits = false;
                self.waiting -= 1;
                return Ok(Some(number));
            }
        }
        Ok(None)
    }

    /// How many requests are on their way.
    #[must_use]
    pub const fn waiting(&self) -> usize {
        self.waiting
    }

    /// What an answered connection was answered.
    #[must_use]
    pub fn answer(&self, number: Number) -> Answer<'_> {
        let connection = &self.connections[number];
        let head = connection.head.expect("only answered connections are asked");
        Answer {
            status: head.status,
            body: &connection.kept[head.body_at..],
            bytes: head.ends_at,
            since: connection.since,
        }
    }
}

/// A connection whose events are told by its number.
fn open(epoll: &OwnedFd, address: SocketAddr, number: Number) -> anyhow::Result<TcpStream> {
    let stream = TcpStream::connect(address).with_context(|| format!("connecting to {address}"))?;
    stream.set_nodelay(true)?;
    stream.set_nonblocking(true)?;
    // Edge-triggered: woken once for every answer, not asked to empty the socket every time.
    let interest = epoll::EventFlags::IN | epoll::EventFlags::OUT | epoll::EventFlags::ET;
    epoll::add(epoll, &stream, epoll::EventData::new_u64(number as u64), interest)?;
    Ok(stream)
}

impl From<TcpStream> for Connection {
    fn from(stream: TcpStream) -> Self {
        let (request, kept) = (Vec::new(), Vec::with_capacity(KEPT_BYTES));
        Self {
            stream,
            request,
            sent: 0,
            kept,
            received: 0,
            head: None,
            since: Instant::now(),
            waits: false,
        }
    }
}

impl Connection {
    /// Sends what the socket takes of what is left of the request.
    fn write(&mut self) -> anyhow::Result<()> {
        while self.sent < self.request.len() {
            match self.stream.write(&self.request[self.sent..]) {
                Ok(n) => self.sent += n,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error).context("sending a request"),
            }
        }
        Ok(())
    }

    /// Takes what has come; whether the answer is complete.
    fn read(&mut self, into: &mut [u8]) -> anyhow::Result<bool> {
        loop {
            let n = match self.stream.read(into) {
                Ok(n) => n,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error).context("reading an answer"),
            };
            ensure!(n > 0, "the server closed a connection that waits for an answer");
            self.received += n;
            let room = KEPT_BYTES - self.kept.len();
            self.kept.extend_from_slice(&into[..n.min(room)]);
            if self.head.is_none() {
                self.head = http::head(&self.kept)?;
                ensure!(
                    self.head.is_some() || self.received < KEPT_BYTES,
                    "the head of an answer is over {KEPT_BYTES} bytes"
                );
            }
            if self.head.is_some_and(|head| self.received >= head.ends_at) {
                return Ok(true);
            }
        }
    }
}
