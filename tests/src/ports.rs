//! Ports for servers that must be told theirs.

use std::net::{Ipv4Addr, TcpListener};
use std::ops::Range;
use std::process;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Context as _;

/// Below the ports that Linux gives to sockets that name none (32768 on) and the node ports of
/// Kubernetes (30000 on), so that nothing takes one between its choice and its use.
const PORTS: Range<u16> = 20_000..30_000;
/// Apart by these, processes that run at once seldom try the same port.
const OF_A_PROCESS: usize = 97;

/// Returns ports of loopback that are free and were not returned before by this process.
///
/// # Errors
/// When none is left.
pub fn free_ports<const N: usize>() -> anyhow::Result<[u16; N]> {
    let mut ports = [0; N];
    for port in &mut ports {
        *port = free_port()?;
    }
    Ok(ports)
}

/// Returns a loopback address with a port as of [`free_ports`].
///
/// # Errors
/// When none is left.
pub fn free_address() -> anyhow::Result<String> {
    Ok(format!("{}:{}", Ipv4Addr::LOCALHOST, free_port()?))
}

fn free_port() -> anyhow::Result<u16> {
    static NEXT: OnceLock<AtomicUsize> = OnceLock::new();
    let next = NEXT.get_or_init(|| AtomicUsize::new(process::id() as usize * OF_A_PROCESS));
    // Tried by binding: who listened there before may leave connections behind for a minute.
    PORTS
        .map(|_| PORTS.start + (next.fetch_add(1, Ordering::Relaxed) % PORTS.len()) as u16)
        .find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok())
        .with_context(|| format!("none of the ports {PORTS:?} is free"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::net::{Ipv4Addr, TcpListener};

    use super::{PORTS, free_ports};

    #[test]
    fn ports_are_given_once_each_and_outside_those_of_nameless_sockets() {
        let mut seen = BTreeSet::new();
        for _ in 0..50 {
            for port in free_ports::<3>().unwrap() {
                assert!(PORTS.contains(&port) && seen.insert(port), "{port}");
                drop(TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap());
            }
        }
    }
}
