//! A member that is reached through a proxy.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use karmada_apiserver::auth::Authority;
use karmada_tests::faults::{SICK, World, eventually, merge};
use rstest::rstest;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::task::AbortOnDropHandle;

/// A proxy that speaks HTTP's CONNECT and SOCKS5 and lets everybody through. It ends when it is dropped.
struct Proxy {
    port: u16,
    /// Who signed its certificate, in PEM.
    authority: String,
    opened: Arc<AtomicUsize>,
    _server: AbortOnDropHandle<()>,
}

impl Proxy {
    async fn start(scheme: &str) -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let authority = Authority::ephemeral("proxy")?;
        let tls = TlsAcceptor::from(Arc::new(authority.tls(&[address.ip()])?));
        let tls = (scheme == "https").then_some(tls);
        let opened = Arc::new(AtomicUsize::new(0));
        let counter = opened.clone();
        let server = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (tls, counter) = (tls.clone(), counter.clone());
                tokio::spawn(async move {
                    // Whoever hangs up is not missed.
                    drop(match tls {
                        Some(tls) => match tls.accept(stream).await {
                            Ok(stream) => pass(stream, &counter).await,
                            Err(error) => Err(error),
                        },
                        None => pass(stream, &counter).await,
                    });
                });
            }
        });
        let authority = authority.pem().to_owned();
        Ok(Self { port: address.port(), authority, opened, _server: AbortOnDropHandle::new(server) })
    }
}

async fn pass<S>(mut client: S, opened: &AtomicUsize) -> std::io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut begin = [0];
    client.read_exact(&mut begin).await?;
    let (target, answer) = if begin == [5] {
        let methods = client.read_u8().await?;
        client.read_exact(&mut vec![0; methods.into()]).await?;
        client.write_all(&[5, 0]).await?;
        let mut question = [0; 10];
        client.read_exact(&mut question).await?;
        let [5, 1, 0, 1, a, b, c, d, high, low] = question else {
            return Err(std::io::Error::other("no address of version 4"));
        };
        let port = u16::from_be_bytes([high, low]);
        (format!("{}:{port}", Ipv4Addr::new(a, b, c, d)), vec![5, 0, 0, 1, 0, 0, 0, 0, 0, 0])
    } else {
        let mut question = begin.to_vec();
        while !question.ends_with(b"\r\n\r\n") {
            question.push(client.read_u8().await?);
        }
        let text = String::from_utf8_lossy(&question).into_owned();
        let target = text.strip_prefix("CONNECT ").and_then(|rest| rest.split(' ').next());
        let target = target.ok_or_else(|| std::io::Error::other("no CONNECT"))?.to_owned();
        (target, b"HTTP/1.1 200 OK\r\n\r\n".to_vec())
    };
    let mut member = TcpStream::connect(target).await?;
    client.write_all(&answer).await?;
    opened.fetch_add(1, Ordering::SeqCst);
    tokio::io::copy_bidirectional(&mut client, &mut member).await?;
    Ok(())
}

#[rstest]
#[case::http("http")]
#[case::https("https")]
#[case::socks5("socks5")]
#[tokio::test(flavor = "multi_thread")]
async fn a_member_behind_a_proxy_gets_everything_through_it(#[case] scheme: &str) -> anyhow::Result<()> {
    let world = World::start().await?;
    let proxy = Proxy::start(scheme).await?;
    // A proxy with a certificate is trusted as the member is.
    let bundle = [STANDARD.decode(world.sick.ca_bundle())?, proxy.authority.clone().into_bytes()].concat();
    let secret = format!("/api/v1/namespaces/karmada-cluster/secrets/{SICK}");
    merge(&world.client(), &secret, &json!({"data": {"caBundle": STANDARD.encode(bundle)}})).await?;
    let url = format!("{scheme}://127.0.0.1:{}", proxy.port);
    let cluster = format!("/apis/cluster.karmada.io/v1alpha1/clusters/{SICK}");
    merge(&world.client(), &cluster, &json!({"spec": {"proxyURL": url}})).await?;
    eventually("the proxy is used", async || {
        let opened = proxy.opened.load(Ordering::SeqCst);
        Ok(if opened > 0 { Ok(()) } else { Err(json!(opened)) })
    })
    .await?;
    world.propagate("v1", "ConfigMap", &[SICK]).await?;
    world.create_config("through").await?;
    eventually("the object arrives", async || {
        let found = world.find(SICK, "api/v1", "configmaps", "through").await?;
        Ok(if found.is_some() { Ok(()) } else { Err(Value::Null) })
    })
    .await?;
    // The way of requests goes there, too.
    let before = proxy.opened.load(Ordering::SeqCst);
    let request = http::Request::get(format!("{cluster}/proxy/version")).body(kube::client::Body::empty())?;
    let code = world.client().send(request).await?.status();
    assert_ne!(code, http::StatusCode::SERVICE_UNAVAILABLE);
    assert!(proxy.opened.load(Ordering::SeqCst) > before);
    world.shutdown().await;
    Ok(())
}
