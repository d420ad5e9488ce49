//! One connection to whoever is to be written to: made, logged in, and found to take writes.

use super::address::{CONNECTED_WITHIN, REPLIED_WITHIN, Target};
use super::fault::{Fault, Standing, fault, standing};
use redis::aio::MultiplexedConnection;
use redis::cluster_async::ClusterConnection;
use redis::{AsyncConnectionConfig, Cmd, RedisResult, Value};

/// A connection.
#[derive(Clone)]
pub enum Wire {
    /// To one server.
    Single(MultiplexedConnection),
    /// To the nodes of a cluster.
    Cluster(ClusterConnection),
}

/// Connects anew: names are looked up, and sentinels asked, each time. `check` is a command that writes nothing and is refused where
/// writing is: a proxy or a name may still lead to the one that was to be written to before.
///
/// # Errors
/// Where nobody answers, or who answers is not the one to write to.
pub async fn connect(target: &Target, check: &Cmd) -> RedisResult<Wire> {
    let config = AsyncConnectionConfig::new().set_connection_timeout(Some(CONNECTED_WITHIN)).set_response_timeout(Some(REPLIED_WITHIN));
    let connection = match target {
        Target::Single(client) => client.get_multiplexed_async_connection_with_config(&config).await?,
        Target::Sentinel(client) => client.lock().await.get_async_connection_with_config(&config).await?,
        // It finds the one to write to of each slot itself.
        Target::Cluster(client) => return client.get_async_connection().await.map(Wire::Cluster),
    };
    takes_writes(connection, check).await.map(Wire::Single)
}

/// A server that is full, or cannot write now, can be read.
async fn takes_writes(mut connection: MultiplexedConnection, check: &Cmd) -> RedisResult<MultiplexedConnection> {
    let Err(error) = connection.send_packed_command(check).await.and_then(Value::extract_error) else { return Ok(connection) };
    let is_readable = standing(&error) == Standing::Doubtful || matches!(fault(&error), Fault::Full | Fault::Denied(_));
    // Of a cluster's node the first real command says more.
    if is_readable || matches!(error.code(), Some("MOVED" | "ASK")) { Ok(connection) } else { Err(error) }
}

impl std::fmt::Debug for Wire {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Single(_) => "Single",
            Self::Cluster(_) => "Cluster",
        })
    }
}
