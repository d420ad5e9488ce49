//! The line to a Redis or a cluster: bounded, timed, renewed when it is stuck.
//!
//! Commands go as pipelines that touch one slot each, so that one kind of call serves a server and a cluster alike. At most
//! [`MOST_IN_FLIGHT`] are under way: the cluster client stops answering for good when slots move and its channel is full. A connection that
//! has had no success for [`STUCK_AFTER`] is given up for a new one.

use super::address::{Address, CONNECTED_WITHIN, REPLIED_WITHIN, Target};
use crate::store::StoreError;
use redis::aio::MultiplexedConnection;
use redis::cluster_async::ClusterConnection;
use redis::cluster_routing::{MultipleNodeRoutingInfo, Route, RoutingInfo, SingleNodeRoutingInfo, SlotAddr};
use redis::{AsyncConnectionConfig, Cmd, ErrorKind, Pipeline, RedisError, RedisResult, RetryMethod, ServerErrorKind, Value};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;

/// Pipelines under way at most.
pub const MOST_IN_FLIGHT: usize = 64;
/// A connection without any success for so long is replaced.
pub const STUCK_AFTER: Duration = Duration::from_secs(3);
/// After a failed connection the next is not tried before this.
const CONNECT_AGAIN_AFTER: Duration = Duration::from_millis(200);
/// Commands of one pipeline at most, where many are asked at once.
const MOST_IN_A_PIPELINE: usize = 1_000;

/// Why there is no reply.
#[derive(Debug, Clone)]
pub enum Fault {
    /// The same may succeed in a moment. Whether it was done is not known.
    Passing(String),
    /// The script is not known there.
    NoScript,
    /// It has no room.
    Full,
    /// It will not succeed.
    Lasting(String),
}

/// The line.
#[derive(Debug)]
pub struct Link {
    address: Address,
    permits: Semaphore,
    /// Held to copy the wire or to replace it, never while waiting.
    state: Mutex<State>,
    /// Held by who connects; the others wait for what comes of it.
    connecting: tokio::sync::Mutex<()>,
    /// Commands sent, for operators.
    commands: AtomicU64,
}

#[derive(Debug)]
struct State {
    wire: Option<Wire>,
    /// Counts wires, so that a fault of an old one does not end a new one.
    generation: u64,
    last_success: Instant,
    refused: Option<(Instant, String)>,
}

#[derive(Clone)]
enum Wire {
    Single(MultiplexedConnection),
    Cluster(ClusterConnection),
}

/// Commands that touch one slot, named by a key in it.
#[derive(Debug)]
pub struct Ask {
    /// A key in the slot.
    pub key: String,
    /// What is asked.
    pub commands: Vec<Cmd>,
}

impl Link {
    /// A line that connects once it is used.
    #[must_use]
    pub fn new(address: Address) -> Self {
        let state = State { wire: None, generation: 0, last_success: Instant::now(), refused: None };
        let permits = Semaphore::new(MOST_IN_FLIGHT);
        Self { address, permits, state: Mutex::new(state), connecting: tokio::sync::Mutex::new(()), commands: AtomicU64::new(0) }
    }

    /// Whom it leads to.
    #[must_use]
    pub fn shown(&self) -> &str {
        &self.address.shown
    }

    /// Commands sent so far.
    #[must_use]
    pub fn commands(&self) -> u64 {
        self.commands.load(Ordering::Relaxed)
    }

    /// Asks one slot, once. Gives a reply for each command.
    ///
    /// # Errors
    /// Where any of them has none.
    pub async fn ask(&self, ask: &Ask) -> Result<Vec<Value>, Fault> {
        let mut pipeline = Pipeline::with_capacity(ask.commands.len());
        for command in &ask.commands {
            pipeline.add_command(command.clone());
        }
        let route = SingleNodeRoutingInfo::SpecificNode(Route::with_key(&ask.key, SlotAddr::Master));
        self.send(pipeline, route).await
    }

    /// Asks many slots at once. Gives the replies of each ask, in order. Only for commands that may be done twice: a cluster client repeats
    /// a whole pipeline where one command of it met a slot that moved.
    ///
    /// # Errors
    /// Where any of them has none.
    pub async fn ask_all(&self, asks: &[Ask]) -> Result<Vec<Vec<Value>>, Fault> {
        match self.address.target {
            Target::Cluster(_) => futures_util::future::try_join_all(asks.iter().map(|ask| self.ask_in_parts(ask))).await,
            Target::Single(_) => {
                let all = Ask { key: String::new(), commands: asks.iter().flat_map(|ask| ask.commands.iter().cloned()).collect() };
                let mut replies = self.ask_in_parts(&all).await?.into_iter();
                Ok(asks.iter().map(|ask| replies.by_ref().take(ask.commands.len()).collect()).collect())
            }
        }
    }

    /// Asks every master the same. Gives a reply for each.
    ///
    /// # Errors
    /// Where any of them has none.
    pub async fn ask_masters(&self, command: Cmd) -> Result<Vec<Value>, Fault> {
        let _permit = self.permits.acquire().await.map_err(|error| Fault::Lasting(error.to_string()))?;
        let (generation, wire) = self.wire().await?;
        self.commands.fetch_add(1, Ordering::Relaxed);
        let asked = async {
            match wire {
                Wire::Single(mut connection) => Ok(vec![connection.send_packed_command(&command).await?]),
                Wire::Cluster(mut connection) => {
                    let masters = RoutingInfo::MultiNode((MultipleNodeRoutingInfo::AllMasters, None));
                    match connection.route_command(command, masters).await? {
                        Value::Map(replies) => Ok(replies.into_iter().map(|(_, reply)| reply).collect()),
                        Value::Array(replies) => Ok(replies.into_iter().map(last_of_pair).collect()),
                        reply => Ok(vec![reply]),
                    }
                }
            }
        };
        self.judged(generation, within(asked).await)
    }

    async fn ask_in_parts(&self, ask: &Ask) -> Result<Vec<Value>, Fault> {
        let mut replies = Vec::with_capacity(ask.commands.len());
        for part in ask.commands.chunks(MOST_IN_A_PIPELINE) {
            replies.extend(self.ask(&Ask { key: ask.key.clone(), commands: part.to_vec() }).await?);
        }
        Ok(replies)
    }

    async fn send(&self, pipeline: Pipeline, route: SingleNodeRoutingInfo) -> Result<Vec<Value>, Fault> {
        let _permit = self.permits.acquire().await.map_err(|error| Fault::Lasting(error.to_string()))?;
        let (generation, wire) = self.wire().await?;
        let count = pipeline.len();
        self.commands.fetch_add(count as u64, Ordering::Relaxed);
        let asked = async {
            match wire {
                Wire::Single(mut connection) => connection.send_packed_commands(&pipeline, 0, count).await,
                Wire::Cluster(mut connection) => connection.route_pipeline(pipeline, 0, count, route).await,
            }
        };
        self.judged(generation, within(asked).await)
    }

    /// The wire, connected where it is not.
    async fn wire(&self) -> Result<(u64, Wire), Fault> {
        let there = |state: &State| state.wire.clone().map(|wire| (state.generation, wire));
        if let Some(found) = there(&self.state()) {
            return Ok(found);
        }
        let _turn = self.connecting.lock().await;
        {
            let state = self.state();
            if let Some(found) = there(&state) {
                return Ok(found);
            }
            if let Some((when, reason)) = state.refused.as_ref().filter(|(when, _)| when.elapsed() < CONNECT_AGAIN_AFTER) {
                return Err(Fault::Passing(format!("{reason}, {} ms ago", when.elapsed().as_millis())));
            }
        }
        let connected = within(self.connect()).await;
        let mut state = self.state();
        match connected {
            Ok(wire) => {
                state.generation += 1;
                (state.last_success, state.refused, state.wire) = (Instant::now(), None, Some(wire.clone()));
                Ok((state.generation, wire))
            }
            Err(error) => {
                let reason = format!("it cannot be reached: {error}");
                state.refused = Some((Instant::now(), reason.clone()));
                // What a retry cannot mend, such as a wrong password, is said as such.
                Err(if matches!(error.kind(), ErrorKind::AuthenticationFailed | ErrorKind::InvalidClientConfig) {
                    Fault::Lasting(reason)
                } else {
                    Fault::Passing(reason)
                })
            }
        }
    }

    async fn connect(&self) -> RedisResult<Wire> {
        match &self.address.target {
            Target::Single(client) => {
                let config =
                    AsyncConnectionConfig::new().set_connection_timeout(Some(CONNECTED_WITHIN)).set_response_timeout(Some(REPLIED_WITHIN));
                client.get_multiplexed_async_connection_with_config(&config).await.map(Wire::Single)
            }
            Target::Cluster(client) => client.get_async_connection().await.map(Wire::Cluster),
        }
    }

    /// Notes how it went, gives up a wire that is of no more use, and says what a fault means.
    fn judged(&self, generation: u64, outcome: RedisResult<Vec<Value>>) -> Result<Vec<Value>, Fault> {
        let replies = outcome.and_then(|replies| replies.into_iter().map(Value::extract_error).collect::<RedisResult<Vec<_>>>());
        let mut state = self.state();
        match replies {
            Ok(replies) => {
                state.last_success = Instant::now();
                Ok(replies)
            }
            Err(error) => {
                let is_stuck = match self.address.target {
                    // One connection: after any break or silence nothing more can be expected of it.
                    Target::Single(_) => error.is_io_error() || error.is_timeout() || error.is_unrecoverable_error(),
                    Target::Cluster(_) => STUCK_AFTER < state.last_success.elapsed() || error.is_unrecoverable_error(),
                };
                let answered = !(error.is_io_error() || error.is_timeout());
                if answered && !error.is_cluster_error() {
                    state.last_success = Instant::now();
                } else if is_stuck && state.generation == generation {
                    state.wire = None;
                }
                Err(fault(&error))
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A little longer than the client's own limits, for the case that they do not hold.
async fn within<T>(asked: impl Future<Output = RedisResult<T>>) -> RedisResult<T> {
    const WITHIN: Duration = Duration::from_millis(REPLIED_WITHIN.as_millis() as u64 + 500);
    match tokio::time::timeout(WITHIN, asked).await {
        Ok(outcome) => outcome,
        Err(_) => Err(RedisError::from(std::io::Error::from(std::io::ErrorKind::TimedOut))),
    }
}

/// Some replies of all masters come as pairs of address and reply.
fn last_of_pair(reply: Value) -> Value {
    match reply {
        Value::Array(mut pair) if pair.len() == 2 => pair.pop().unwrap_or_default(),
        other => other,
    }
}

fn fault(error: &RedisError) -> Fault {
    match (error.kind(), error.code()) {
        (ErrorKind::Server(ServerErrorKind::NoScript), _) => Fault::NoScript,
        (_, Some("OOM" | "MISCONF")) => Fault::Full,
        (ErrorKind::AuthenticationFailed | ErrorKind::InvalidClientConfig, _) | (_, Some("NOPERM" | "WRONGPASS" | "NOAUTH")) => {
            Fault::Lasting(error.to_string())
        }
        (_, Some("NOREPLICAS")) => Fault::Passing(error.to_string()),
        _ if matches!(error.retry_method(), RetryMethod::NoRetry) && !error.is_io_error() && !error.is_timeout() => {
            Fault::Lasting(error.to_string())
        }
        _ => Fault::Passing(error.to_string()),
    }
}

impl std::fmt::Debug for Wire {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Single(_) => "Single",
            Self::Cluster(_) => "Cluster",
        })
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Passing(reason) | Self::Lasting(reason) => reason,
            Self::NoScript => "a script is not known there",
            Self::Full => "it has no room",
        })
    }
}

impl From<Fault> for StoreError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Full => Self::Full,
            fault => Self::Unavailable(fault.to_string()),
        }
    }
}
