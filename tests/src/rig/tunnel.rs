//! How kube-apiserver reaches the Services that an installation names: a proxy that knows where they are.
//!
//! There is no DNS and nobody may listen on port 443 here. kube-apiserver can be told to go through a proxy
//! (its egress selector), so the objects of an installation stay as they are.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, copy_bidirectional};
use tokio::net::{TcpStream, UnixListener, UnixStream};
use tokio_util::task::AbortOnDropHandle;

/// A proxy on a socket in the file system, which runs until it is dropped.
#[derive(Debug)]
pub(super) struct Tunnel {
    socket: PathBuf,
    _task: AbortOnDropHandle<()>,
}

/// Where Services are, by host name and port.
pub(super) type Services = BTreeMap<String, SocketAddr>;

impl Tunnel {
    /// Opens a proxy to these services; every other address is taken for what it says.
    pub(super) fn open(socket: PathBuf, services: Services) -> io::Result<Self> {
        let listener = UnixListener::bind(&socket)?;
        let services = Arc::new(services);
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let services = services.clone();
                tokio::spawn(async move {
                    // Either side may break off; the other one sees it.
                    drop(pass(client, &services).await);
                });
            }
        });
        Ok(Self { socket, _task: AbortOnDropHandle::new(task) })
    }

    /// Returns kube-apiserver's file that sends everything through the proxy but what goes to etcd.
    pub(super) fn egress_selector(&self) -> Value {
        let through = |name: &str| {
            json!({
                "name": name,
                "connection": {
                    "proxyProtocol": "HTTPConnect", "transport": {"uds": {"udsName": self.socket()}},
                },
            })
        };
        json!({
            "apiVersion": "apiserver.k8s.io/v1beta1", "kind": "EgressSelectorConfiguration",
            // Webhooks by URL are asked by the one, Services and aggregated APIs by the other.
            "egressSelections": [through("controlplane"), through("cluster")],
        })
    }

    fn socket(&self) -> &Path {
        &self.socket
    }
}

async fn pass(client: UnixStream, services: &Services) -> io::Result<()> {
    let mut client = BufReader::new(client);
    let mut line = String::new();
    client.read_line(&mut line).await?;
    let target = line.strip_prefix("CONNECT ").and_then(|rest| rest.split(' ').next()).unwrap_or_default();
    let target = target.to_owned();
    while client.read_line(&mut line).await? > 0 && !line.ends_with("\r\n\r\n") {}
    let connected = match services.get(&target) {
        Some(address) => TcpStream::connect(address).await,
        None => TcpStream::connect(&target).await,
    };
    let mut server = match connected {
        Ok(server) => server,
        Err(error) => {
            let answer = format!("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nX-Error: {error}\r\n\r\n");
            return client.write_all(answer.as_bytes()).await;
        }
    };
    server.set_nodelay(true)?;
    client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await?;
    copy_bidirectional(&mut client, &mut server).await.map(drop)
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt as _;
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn services_are_found_by_name_and_others_as_they_say() {
        let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = server.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = server.accept().await {
                tokio::spawn(async move {
                    let (mut reader, mut writer) = stream.split();
                    tokio::io::copy(&mut reader, &mut writer).await
                });
            }
        });
        let directory = tempfile::tempdir().unwrap();
        let services = Services::from([("webhook.ns.svc:443".to_owned(), address)]);
        let tunnel = Tunnel::open(directory.path().join("tunnel"), services).unwrap();
        let ask = async |target: &str| {
            let mut stream = UnixStream::connect(tunnel.socket()).await.unwrap();
            let request = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n");
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut answer = [0; 12];
            stream.read_exact(&mut answer).await.unwrap();
            (String::from_utf8_lossy(&answer).into_owned(), stream)
        };
        for target in ["webhook.ns.svc:443".to_owned(), address.to_string()] {
            let (answer, mut stream) = ask(&target).await;
            assert_eq!(answer, "HTTP/1.1 200");
            stream.write_all(b"x").await.unwrap();
            let mut rest = vec![0; " Connection established\r\n\r\nx".len()];
            stream.read_exact(&mut rest).await.unwrap();
            assert_eq!(rest.last(), Some(&b'x'));
        }
        assert_eq!(ask("nobody.ns.svc.invalid:443").await.0, "HTTP/1.1 502");
    }
}
