//! Something between a client and a Redis, as managed services have: it leads where it is
//! told to, and what was connected stays connected.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// A proxy on a port of its own. What it connected lives as long as the process of the
/// test.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    connections: Arc<AtomicUsize>,
}

#[derive(Debug)]
struct State {
    leads_to: u16,
    /// Connections before this one answer every command by this line, or by nothing where
    /// it is empty.
    answers: Option<(usize, String)>,
}

impl Proxy {
    /// One that leads to this port.
    pub fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State { leads_to: port, answers: None }));
        let connections = Arc::new(AtomicUsize::new(0));
        let (shared, counted) = (Arc::clone(&state), Arc::clone(&connections));
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let number = counted.fetch_add(1, Ordering::SeqCst);
                let port = shared.lock().unwrap().leads_to;
                let Ok(server) = TcpStream::connect(("127.0.0.1", port)) else { continue };
                join(client, server, number, &shared);
            }
        });
        Self { address, state, connections }
    }

    /// Where it leads whoever connects from now on.
    pub fn lead_to(&self, port: u16) {
        self.state.lock().unwrap().leads_to = port;
    }

    /// From now on, whatever is asked on a connection that is there is answered by this
    /// line.
    pub fn those_connected_hear(&self, line: &str) {
        self.state.lock().unwrap().answers = Some((self.connections(), line.to_owned()));
    }

    /// From now on, whatever is asked on a connection that is there has no answer: as
    /// where a balancer forgot it.
    pub fn those_connected_hear_nothing(&self) {
        self.those_connected_hear("");
    }

    /// Connections that were ever made.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    pub fn url(&self) -> String {
        format!("redis://{}", self.address)
    }
}

fn join(client: TcpStream, server: TcpStream, number: usize, state: &Arc<Mutex<State>>) {
    let (mut answers, mut to_client) = (server.try_clone().unwrap(), client.try_clone().unwrap());
    std::thread::spawn(move || {
        drop(std::io::copy(&mut answers, &mut to_client));
        drop(to_client.shutdown(Shutdown::Both));
    });
    let (mut from_client, mut to_server, state) = (client, server, Arc::clone(state));
    std::thread::spawn(move || {
        let mut some = vec![0; 1 << 20];
        let mut pending = Vec::new();
        while let Ok(count @ 1..) = from_client.read(&mut some) {
            let line = state
                .lock()
                .unwrap()
                .answers
                .clone()
                .filter(|(before, _)| number < *before)
                .map(|(_, line)| line);
            let went = match line {
                None => to_server.write_all(&some[..count]),
                Some(line) if line.is_empty() => Ok(()),
                Some(line) => {
                    pending.extend_from_slice(&some[..count]);
                    let answers = format!("-{line}\r\n").repeat(take_commands(&mut pending));
                    from_client.write_all(answers.as_bytes())
                }
            };
            if went.is_err() {
                break;
            }
        }
        drop(to_server.shutdown(Shutdown::Both));
    });
}

/// Takes the whole commands off the front, and gives how many there were.
fn take_commands(bytes: &mut Vec<u8>) -> usize {
    let mut count = 0;
    while let Some(length) = command_length(bytes) {
        bytes.drain(..length);
        count += 1;
    }
    count
}

/// The bytes of the first command: an array of strings, each behind its length.
fn command_length(bytes: &[u8]) -> Option<usize> {
    let (words, mut at) = number_at(bytes, 0)?;
    for _ in 0..words {
        let (length, start) = number_at(bytes, at)?;
        at = start + length + 2;
    }
    (at <= bytes.len()).then_some(at)
}

/// The number in a line behind its first byte, and where the next line begins.
fn number_at(bytes: &[u8], at: usize) -> Option<(usize, usize)> {
    let end = at + bytes.get(at..)?.iter().position(|byte| *byte == b'\r')?;
    let number = std::str::from_utf8(bytes.get(at + 1..end)?).ok()?.parse().ok()?;
    (end + 2 <= bytes.len()).then_some((number, end + 2))
}
