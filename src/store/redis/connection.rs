//! The line to a Redis or a cluster: bounded, timed, renewed when it is stuck or leads to
//! another than the one to write to.
//!
//! Commands go as pipelines that touch one slot each, so that one kind of call serves a
//! server and a cluster alike. At most [`MOST_IN_FLIGHT`] are under way: the cluster
//! client stops answering for good when slots move and its channel is full. A connection
//! that has had no success for [`Timing::stuck`] is given up for a new one, as is one whose
//! other end says that it is not the one to write to.

use super::address::{Address, Target};
use super::fault::{Standing, fault, judged};
use super::wire::{Wire, connect, named};
use crate::store::timing::Timing;
use redis::cluster_routing::{
    MultipleNodeRoutingInfo, Route, RoutingInfo, SingleNodeRoutingInfo, SlotAddr,
};
use redis::{Cmd, Pipeline, RedisError, RedisResult, Value};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;

pub use super::fault::Fault;

/// Pipelines under way at most.
pub const MOST_IN_FLIGHT: usize = 64;
/// A connection whose other end cannot write now is replaced once it is this part of
/// [`Timing::stuck`] old: another may have taken that end's place.
const DOUBTED_AFTER_PART: u32 = 3;
/// After a failed connection the next is not tried before this, and later each time it
/// fails again, up to the second.
const CONNECT_AGAIN_AFTER: Duration = Duration::from_millis(100);
const CONNECT_AGAIN_AT_LATEST: Duration = Duration::from_millis(800);
/// Beyond what a command may take, until nobody waits for it any more.
const BESIDE_REPLY: Duration = Duration::from_millis(500);
/// Commands of one pipeline at most, where many are asked at once.
const MOST_IN_A_PIPELINE: usize = 1_000;

/// The line.
#[derive(Debug)]
pub struct Connection {
    address: Address,
    timing: Timing,
    /// Writes nothing, but is refused where writing is.
    check: Ask,
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
    /// Where the wire leads, if sentinels said so.
    leads_to: Option<String>,
    /// Counts wires, so that a fault of an old one does not end a new one.
    generation: u64,
    connected: Instant,
    last_success: Instant,
    /// Since when a cluster was told to ask elsewhere, and when it was last.
    misled: Option<(Instant, Instant)>,
    refused: Option<Refused>,
}

/// A connection that could not be made.
#[derive(Debug, Clone)]
struct Refused {
    when: Instant,
    again_after: Duration,
    fault: Fault,
}

/// Commands that touch one slot, named by a key in it.
#[derive(Debug)]
pub struct Ask {
    /// A key in the slot.
    pub key: String,
    /// What is asked.
    pub commands: Vec<Cmd>,
}

impl Connection {
    /// A line that connects once it is used. `spare` is a key that may be removed at any
    /// time.
    #[must_use]
    pub fn new(address: Address, timing: Timing, spare: String) -> Self {
        let now = Instant::now();
        let state = State {
            wire: None,
            leads_to: None,
            generation: 0,
            connected: now,
            last_success: now,
            misled: None,
            refused: None,
        };
        let mut unlink = redis::cmd("UNLINK");
        unlink.arg(&spare);
        Self {
            address,
            timing,
            check: Ask { key: spare, commands: vec![unlink] },
            permits: Semaphore::new(MOST_IN_FLIGHT),
            state: Mutex::new(state),
            connecting: tokio::sync::Mutex::new(()),
            commands: AtomicU64::new(0),
        }
    }

    /// Whether it leads to a cluster.
    #[must_use]
    pub const fn is_cluster(&self) -> bool {
        self.address.is_cluster()
    }

    /// Learns whether who is there can be written to, and is still the one that sentinels
    /// name: a primary that is cut off from them and from its replicas does not know that
    /// another was put in its place.
    ///
    /// # Errors
    /// Where it cannot, or is not.
    pub async fn check(&self) -> Result<(), Fault> {
        self.ask(&self.check).await?;
        // Sentinels that do not answer say nothing against it.
        let Ok(Some(named)) = self.within(named(&self.address.target)).await else {
            return Ok(());
        };
        let mut state = self.state();
        if state.wire.is_none() || state.leads_to.as_ref() == Some(&named) {
            return Ok(());
        }
        state.wire = None;
        Err(Fault::Elsewhere(format!("the sentinels name another by now, {named}")))
    }

    /// Gives up a connection whose other end cannot do what it should, unless it is a new
    /// one: another may have taken that end's place.
    pub fn doubt(&self) {
        let mut state = self.state();
        if !self.is_cluster() && state.is_led_astray(Standing::Doubtful, &self.timing) {
            state.wire = None;
        }
    }

    /// Gives up a connection whose other end turned out to be a replica that does not say
    /// so by itself.
    pub fn give_up(&self) {
        if !self.is_cluster() {
            self.state().wire = None;
        }
    }

    /// Whom it leads to.
    #[must_use]
    pub fn shown(&self) -> &str {
        &self.address.shown
    }

    /// How long it is waited for.
    #[must_use]
    pub const fn timing(&self) -> &Timing {
        &self.timing
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
        let route =
            SingleNodeRoutingInfo::SpecificNode(Route::with_key(&ask.key, SlotAddr::Master));
        self.send(pipeline, route).await
    }

    /// Asks many slots at once. Gives the replies of each ask, in order. Only for
    /// commands that may be done twice: a cluster client repeats a whole pipeline where
    /// one command of it met a slot that moved.
    ///
    /// # Errors
    /// Where any of them has none.
    pub async fn ask_all(&self, asks: &[Ask]) -> Result<Vec<Vec<Value>>, Fault> {
        match self.address.target {
            Target::Cluster(_) => {
                futures_util::future::try_join_all(asks.iter().map(|ask| self.ask_in_parts(ask)))
                    .await
            }
            Target::Single(_) | Target::Sentinel(_) => {
                let all = Ask {
                    key: String::new(),
                    commands: asks.iter().flat_map(|ask| ask.commands.iter().cloned()).collect(),
                };
                let mut replies = self.ask_in_parts(&all).await?.into_iter();
                Ok(asks
                    .iter()
                    .map(|ask| replies.by_ref().take(ask.commands.len()).collect())
                    .collect())
            }
        }
    }

    /// Asks every master the same. Gives a reply for each.
    ///
    /// # Errors
    /// Where any of them has none.
    pub async fn ask_masters(&self, command: Cmd) -> Result<Vec<Value>, Fault> {
        let _permit =
            self.permits.acquire().await.map_err(|error| Fault::Lasting(error.to_string()))?;
        let (generation, wire) = self.wire().await?;
        self.commands.fetch_add(1, Ordering::Relaxed);
        let asked = async {
            match wire {
                Wire::Single(mut connection) => {
                    Ok(vec![connection.send_packed_command(&command).await?])
                }
                Wire::Cluster(mut connection) => {
                    let masters =
                        RoutingInfo::MultiNode((MultipleNodeRoutingInfo::AllMasters, None));
                    match connection.route_command(command, masters).await? {
                        Value::Map(replies) => {
                            Ok(replies.into_iter().map(|(_, reply)| reply).collect())
                        }
                        Value::Array(replies) => {
                            Ok(replies.into_iter().map(last_of_pair).collect())
                        }
                        reply => Ok(vec![reply]),
                    }
                }
            }
        };
        self.judged(generation, self.within(asked).await)
    }

    async fn ask_in_parts(&self, ask: &Ask) -> Result<Vec<Value>, Fault> {
        let mut replies = Vec::with_capacity(ask.commands.len());
        for part in ask.commands.chunks(MOST_IN_A_PIPELINE) {
            replies.extend(self.ask(&Ask { key: ask.key.clone(), commands: part.to_vec() }).await?);
        }
        Ok(replies)
    }

    async fn send(
        &self,
        pipeline: Pipeline,
        route: SingleNodeRoutingInfo,
    ) -> Result<Vec<Value>, Fault> {
        let _permit =
            self.permits.acquire().await.map_err(|error| Fault::Lasting(error.to_string()))?;
        let (generation, wire) = self.wire().await?;
        let count = pipeline.len();
        self.commands.fetch_add(count as u64, Ordering::Relaxed);
        let asked = async {
            match wire {
                Wire::Single(mut connection) => {
                    connection.send_packed_commands(&pipeline, 0, count).await
                }
                Wire::Cluster(mut connection) => {
                    connection.route_pipeline(pipeline, 0, count, route).await
                }
            }
        };
        self.judged(generation, self.within(asked).await)
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
            if let Some(refused) = state
                .refused
                .as_ref()
                .filter(|refused| refused.when.elapsed() < refused.again_after)
            {
                return Err(refused.fault.clone());
            }
        }
        let connecting = connect(&self.address.target, &self.timing, &self.check.commands[0]);
        let connected = self.within(connecting).await;
        let mut state = self.state();
        match connected {
            Ok((wire, leads_to)) => {
                state.generation += 1;
                state.leads_to = leads_to;
                (state.connected, state.last_success) = (Instant::now(), Instant::now());
                (state.misled, state.refused, state.wire) = (None, None, Some(wire.clone()));
                Ok((state.generation, wire))
            }
            Err(error) => {
                // What a retry cannot mend, such as a wrong password, is said as such.
                let fault = match fault(&error) {
                    Fault::Elsewhere(reason) => Fault::Elsewhere(reason),
                    Fault::Lasting(reason) => {
                        Fault::Lasting(format!("it cannot be reached: {reason}"))
                    }
                    other => Fault::Passing(format!("it cannot be reached: {other}")),
                };
                let before = state
                    .refused
                    .as_ref()
                    .map_or(CONNECT_AGAIN_AFTER / 2, |refused| refused.again_after);
                let again_after = (2 * before).min(CONNECT_AGAIN_AT_LATEST);
                state.refused =
                    Some(Refused { when: Instant::now(), again_after, fault: fault.clone() });
                Err(fault)
            }
        }
    }

    /// Notes how it went, gives up a wire that is of no more use, and says what a fault
    /// means.
    fn judged(
        &self,
        generation: u64,
        outcome: RedisResult<Vec<Value>>,
    ) -> Result<Vec<Value>, Fault> {
        let judged = judged(outcome);
        let mut state = self.state();
        let standing = judged.as_ref().map_or_else(|(standing, _)| *standing, |_| Standing::Sound);
        if standing == Standing::Sound {
            state.last_success = Instant::now();
        } else if state.generation == generation {
            let is_useless = if self.is_cluster() {
                state.is_stuck(standing, &self.timing)
            } else {
                state.is_led_astray(standing, &self.timing)
            };
            if is_useless {
                state.wire = None;
            }
        }
        judged.map_err(|(_, error)| fault(&error))
    }

    /// A little longer than the client's own limits, for the case that they do not hold.
    async fn within<T>(&self, asked: impl Future<Output = RedisResult<T>>) -> RedisResult<T> {
        match tokio::time::timeout(self.timing.reply + BESIDE_REPLY, asked).await {
            Ok(outcome) => outcome,
            Err(_) => Err(RedisError::from(std::io::Error::from(std::io::ErrorKind::TimedOut))),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Some replies of all masters come as pairs of address and reply.
fn last_of_pair(reply: Value) -> Value {
    match reply {
        Value::Array(mut pair) if pair.len() == 2 => pair.pop().unwrap_or_default(),
        other => other,
    }
}

impl State {
    /// Whether the one connection of a server or of sentinels' choice is of no more use:
    /// after any break or silence nothing more can be expected of it, and a name may lead
    /// to another by now.
    fn is_led_astray(&self, standing: Standing, timing: &Timing) -> bool {
        match standing {
            Standing::Sound => false,
            Standing::Doubtful => timing.stuck / DOUBTED_AFTER_PART < self.connected.elapsed(),
            Standing::Wrong | Standing::Silent | Standing::Broken => true,
        }
    }

    /// Whether the many connections of a cluster are of no more use. The client asks for
    /// the slots again by itself; a new one is made where that does not help.
    fn is_stuck(&mut self, standing: Standing, timing: &Timing) -> bool {
        if standing == Standing::Wrong {
            let now = Instant::now();
            let since = self
                .misled
                .filter(|(_, last)| last.elapsed() < timing.stuck)
                .map_or(now, |(since, _)| since);
            self.misled = Some((since, now));
            if timing.stuck < since.elapsed() {
                return true;
            }
        }
        standing == Standing::Broken || timing.stuck < self.last_success.elapsed()
    }
}
