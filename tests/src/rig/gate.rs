//! A TCP proxy in front of an API server, which can be cut off: new connections are refused and open ones break, or nothing
//! passes any longer and nobody is told.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::sleep;

/// Time between two tries to listen again on a port that is still in use.
const PAUSE: Duration = Duration::from_millis(20);

/// Whether an API server answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reachability {
    Up,
    Down,
    /// Nothing passes. Connections of before are lost for good, which neither end hears of.
    Silent,
}

/// A proxy that runs until it is dropped.
#[derive(Debug)]
pub struct Gate {
    address: SocketAddr,
    switch: watch::Sender<Reachability>,
    task: JoinHandle<()>,
}

impl Gate {
    /// Opens a gate to a server on loopback.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn open(server: SocketAddr) -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let switch = watch::Sender::new(Reachability::Up);
        let task = tokio::spawn(keep(listener, address, server, switch.subscribe()));
        Ok(Self { address, switch, task })
    }

    /// Returns where clients connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns what opens and closes the gate.
    pub fn switch(&self) -> watch::Sender<Reachability> {
        self.switch.clone()
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn keep(
    first: TcpListener,
    address: SocketAddr,
    server: SocketAddr,
    mut reachability: watch::Receiver<Reachability>,
) {
    let mut listener = Some(first);
    loop {
        let now = *reachability.borrow_and_update();
        let changed = match (now, listener.take()) {
            (Reachability::Down, _) => reachability.changed().await,
            (_, None) => {
                match TcpListener::bind(address).await {
                    Ok(again) => listener = Some(again),
                    // Whoever has the port gives it back: connections from it are short.
                    Err(_) => sleep(PAUSE).await,
                }
                Ok(())
            }
            (Reachability::Silent, Some(open)) => {
                listener = Some(open);
                reachability.changed().await
            }
            (Reachability::Up, Some(open)) => {
                let changed = tokio::select! {
                    accepted = open.accept() => {
                        if let Ok((client, _)) = accepted {
                            tokio::spawn(pass(client, server, reachability.clone()));
                        }
                        Ok(())
                    }
                    changed = reachability.changed() => changed,
                };
                listener = Some(open);
                changed
            }
        };
        if changed.is_err() {
            return;
        }
    }
}

async fn pass(mut client: TcpStream, server: SocketAddr, mut reachability: watch::Receiver<Reachability>) {
    let Ok(mut inner) = TcpStream::connect(server).await else { return };
    if client.set_nodelay(true).and_then(|()| inner.set_nodelay(true)).is_err() {
        return;
    }
    let is_lost = tokio::select! {
        // Either side may break off; the other one sees it.
        _ = copy_bidirectional(&mut client, &mut inner) => false,
        // Also when the gate is gone.
        now = reachability.wait_for(|now| *now != Reachability::Up) => {
            now.is_ok_and(|now| *now == Reachability::Silent)
        }
    };
    if is_lost {
        // Both ends keep their connection, and hear nothing of the other one.
        drop(reachability.wait_for(|now| *now == Reachability::Down).await);
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    #[tokio::test]
    async fn a_closed_gate_breaks_connections_and_refuses_new_ones_until_it_opens() {
        let server = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = server.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = server.accept().await {
                tokio::spawn(async move {
                    let (mut reader, mut writer) = stream.split();
                    tokio::io::copy(&mut reader, &mut writer).await
                });
            }
        });
        let gate = Gate::open(address).await.unwrap();
        let echo = async || {
            let mut stream = TcpStream::connect(gate.address()).await?;
            stream.write_all(b"x").await?;
            stream.read_u8().await.map(|byte| (stream, byte))
        };
        let (mut open, byte) = echo().await.unwrap();
        assert_eq!(byte, b'x');

        gate.switch().send_replace(Reachability::Down);
        assert_eq!(open.read(&mut [0]).await.unwrap_or_default(), 0);
        let late = tokio::time::Instant::now() + Duration::from_secs(5);
        while TcpStream::connect(gate.address()).await.is_ok() {
            assert!(tokio::time::Instant::now() < late, "connections are still accepted");
            sleep(PAUSE).await;
        }

        gate.switch().send_replace(Reachability::Up);
        while echo().await.is_err() {
            assert!(tokio::time::Instant::now() < late, "connections are still refused");
            sleep(PAUSE).await;
        }

        let (mut open, _) = echo().await.unwrap();
        gate.switch().send_replace(Reachability::Silent);
        let hears = async |stream: &mut TcpStream| {
            tokio::time::timeout(10 * PAUSE, stream.read(&mut [0])).await.is_ok()
        };
        assert!(!hears(&mut open).await, "a lost connection is not told of");
        gate.switch().send_replace(Reachability::Up);
        open.write_all(b"x").await.unwrap();
        assert!(!hears(&mut open).await, "what was lost stays lost");
        assert_eq!(echo().await.unwrap().1, b'x');
    }
}
