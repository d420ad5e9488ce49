//! One connection to whoever is to be written to: made, logged in, and found to take
//! writes.

use super::address::Target;
use super::fault::{Fault, Standing, fault, standing};
use crate::store::timing::Timing;
use redis::aio::MultiplexedConnection;
use redis::cluster_async::ClusterConnection;
use redis::{AsyncConnectionConfig, Client, Cmd, RedisResult, Value};

/// A connection.
#[derive(Clone)]
pub enum Wire {
    /// To one server.
    Single(MultiplexedConnection),
    /// To the nodes of a cluster.
    Cluster(ClusterConnection),
}

/// Connects anew: names are looked up, and sentinels asked, each time. `check` is a
/// command that writes nothing and is refused where writing is: a proxy or a name may
/// still lead to the one that was to be written to before. Gives where it leads, too, if
/// sentinels said so.
///
/// # Errors
/// Where nobody answers, or who answers is not the one to write to.
pub async fn connect(
    target: &Target,
    timing: &Timing,
    check: &Cmd,
) -> RedisResult<(Wire, Option<String>)> {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(timing.connect))
        .set_response_timeout(Some(timing.reply));
    let (connection, leads_to) = match target {
        Target::Single(client) => {
            (client.get_multiplexed_async_connection_with_config(&config).await?, None)
        }
        Target::Sentinel(sentinels) => {
            let client = sentinels.lock().await.async_get_client().await?;
            (
                client.get_multiplexed_async_connection_with_config(&config).await?,
                Some(address(&client)),
            )
        }
        // It finds the one to write to of each slot itself.
        Target::Cluster(client) => {
            return client
                .get_async_connection()
                .await
                .map(|connection| (Wire::Cluster(connection), None));
        }
    };
    Ok((Wire::Single(takes_writes(connection, check).await?), leads_to))
}

/// Whom sentinels name now; none where there are no sentinels.
///
/// # Errors
/// Where none of them names anybody who says that it can be written to.
pub async fn named(target: &Target) -> RedisResult<Option<String>> {
    match target {
        Target::Sentinel(sentinels) => {
            sentinels.lock().await.async_get_client().await.map(|client| Some(address(&client)))
        }
        Target::Single(_) | Target::Cluster(_) => Ok(None),
    }
}

fn address(client: &Client) -> String {
    client.get_connection_info().addr().to_string()
}

/// A server that is full, or cannot write now, can be read.
async fn takes_writes(
    mut connection: MultiplexedConnection,
    check: &Cmd,
) -> RedisResult<MultiplexedConnection> {
    let Err(error) = connection.send_packed_command(check).await.and_then(Value::extract_error)
    else {
        return Ok(connection);
    };
    let is_readable = standing(&error) == Standing::Doubtful
        || matches!(fault(&error), Fault::Full | Fault::Denied(_));
    // Of a cluster's node the first real command says more.
    if is_readable || matches!(error.code(), Some("MOVED" | "ASK")) {
        Ok(connection)
    } else {
        Err(error)
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
