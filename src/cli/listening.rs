//! The socket of a server: names are looked up, and the first address that this machine
//! has is taken.

use crate::config::listen::{Host, Listen};
use anyhow::{Context, anyhow, ensure};
use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};

/// The addresses that are meant, at least one, those of IPv4 first: of localhost
/// everybody reaches that.
///
/// # Errors
/// Where the name of the host is none.
pub fn addresses(listen: &Listen) -> anyhow::Result<Vec<SocketAddr>> {
    let name = match &listen.host {
        Host::Address(address) => return Ok(vec![*address]),
        Host::Name(name) => name,
    };
    let found = (name.as_str(), listen.port)
        .to_socket_addrs()
        .with_context(|| format!("cannot listen on {listen}: no such name"))?;
    let mut addresses: Vec<SocketAddr> = Vec::new();
    for address in found {
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    addresses.sort_by_key(SocketAddr::is_ipv6);
    ensure!(!addresses.is_empty(), "cannot listen on {listen}: the name has no address");
    Ok(addresses)
}

/// Connections that may wait to be accepted.
const BACKLOG: i32 = 4_096;

/// Listens on the first address that this machine has. A port in use ends the search: on
/// another address callers would not find us.
///
/// # Errors
/// Where the address is taken, or not of this machine.
pub fn bind(listen: &Listen, addresses: &[SocketAddr]) -> anyhow::Result<TcpListener> {
    let mut failed = anyhow!("no address");
    for address in addresses {
        match TcpListener::bind(address) {
            Ok(listener) => {
                // The library asks for 128: a crowd that connects at once would wait for a
                // second and longer. The system may hold it lower.
                socket2::SockRef::from(&listener).listen(BACKLOG)?;
                return Ok(listener);
            }
            Err(error) => {
                let is_elsewhere =
                    matches!(error.kind(), ErrorKind::AddrNotAvailable | ErrorKind::Unsupported);
                let shown = if listen.to_string() == address.to_string() {
                    String::new()
                } else {
                    format!(" ({address})")
                };
                failed = anyhow!(error).context(format!("cannot listen on {listen}{shown}"));
                if !is_elsewhere {
                    break;
                }
            }
        }
    }
    Err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_looked_up_and_its_first_address_taken() {
        let listen: Listen = "localhost:0".parse().unwrap();
        let addresses = addresses(&listen).unwrap();
        assert!(addresses.iter().all(|address| address.ip().is_loopback()), "{addresses:?}");
        assert!(addresses.is_sorted_by_key(SocketAddr::is_ipv6));
        let bound = bind(&listen, &addresses).unwrap().local_addr().unwrap();
        assert_eq!(bound.ip(), addresses[0].ip());
    }

    #[test]
    fn an_address_of_another_machine_is_passed_over_and_a_port_in_use_is_not() {
        let other: SocketAddr = "192.0.2.1:0".parse().unwrap();
        let near: SocketAddr = "127.0.0.1:0".parse().unwrap();
        let listen: Listen = "name:0".parse().unwrap();
        let taken = bind(&listen, &[other, near]).unwrap();
        assert!(
            bind(&listen, &[other])
                .unwrap_err()
                .to_string()
                .contains("cannot listen on name:0 (192.0.2.1:0)")
        );
        let in_use = taken.local_addr().unwrap();
        assert!(bind(&listen, &[in_use, near]).is_err());
    }
}
