//! Connections to API servers, also through a proxy (HTTP, HTTPS or SOCKS5), and clients that send nothing once a lease is lost.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::future::BoxFuture;
use http::Uri;
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::{TokioExecutor, TokioIo};
use kube::client::{Body, ConfigExt as _};
use kube::{Client, Config};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tower::{BoxError, Layer as _, ServiceExt as _};

use crate::tenure::{Fence, NotLeading};

/// Longest time to get a connection.
const PATIENCE: Duration = Duration::from_secs(5);
/// Longest answer of a proxy to `CONNECT`.
const LONGEST_ANSWER: usize = 8 << 10;

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    #[error("dial tcp {address}")]
    Connect {
        address: String,
        #[source]
        source: io::Error,
    },
    #[error("dial tcp {address}: no answer within {} s", PATIENCE.as_secs())]
    Timeout { address: String },
    #[error("{url:?} names no host")]
    NoHost { url: String },
    #[error("the proxy {url} is not of a supported kind: http, https and socks5 proxies are")]
    Scheme { url: String },
    #[error("the proxy {address} refused the way to {target}: {answer}")]
    Refused { address: String, target: String, answer: String },
}

/// Why there is no client that keeps to a fence.
#[derive(Debug, thiserror::Error)]
pub enum FencedClientError {
    #[error(transparent)]
    Proxy(#[from] DialError),
    #[error("the credentials or certificates are not usable")]
    Config(#[source] Box<kube::Error>),
}

/// Makes a client on whose connections nothing is sent while the fence is closed.
///
/// It is for everything that only the leader may do. The lease itself is renewed by another client.
///
/// # Errors
/// When the proxy, the credentials or the certificates of the configuration are not usable.
pub fn fenced_client(config: &Config, fence: &Fence) -> Result<Client, FencedClientError> {
    let unusable = |source| FencedClientError::Config(Box::new(source));
    let tls = Arc::new(config.rustls_client_config().map_err(unusable)?);
    let proxy = config.proxy_url.as_ref().map(Uri::to_string);
    let dial = Dial::new(proxy.as_deref(), &BTreeMap::new(), &tls)?.with_fence(Some(fence.clone()));
    client_through(config, dial).map_err(unusable)
}

/// Makes a client whose connections are opened by `dial`.
pub(crate) fn client_through(config: &Config, dial: Dial) -> Result<Client, kube::Error> {
    let connector = config.rustls_https_connector_with_connector(dial)?;
    let client: legacy::Client<_, Body> = legacy::Client::builder(TokioExecutor::new()).build(connector);
    let client = config.extra_headers_layer()?.layer(client.map_err(BoxError::from));
    let client = tower::util::option_layer(config.auth_layer()?).layer(client);
    let client = config.base_uri_layer().layer(client);
    Ok(Client::new(client, config.default_namespace.clone()))
}

/// Opens connections; the name in the URI is resolved by the system, or by the proxy on the way.
#[derive(Clone, Debug, Default)]
pub(crate) struct Dial {
    proxy: Option<Arc<Proxy>>,
    fence: Option<Fence>,
}

/// A proxy on the way.
struct Proxy {
    address: String,
    host: String,
    kind: Kind,
}

enum Kind {
    /// Asked to `CONNECT`, with these header lines, each ended.
    Http { headers: String, tls: Option<Arc<ClientConfig>> },
    /// User and password are sent if the proxy wants them.
    Socks { credentials: Option<(Vec<u8>, Vec<u8>)> },
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Headers and credentials are secrets.
        f.debug_struct("Proxy").field("address", &self.address).finish_non_exhaustive()
    }
}

/// A connection: to the server itself, or to the proxy that has opened the way.
pub(crate) struct Way {
    stream: Box<dyn Stream>,
    fence: Option<Fence>,
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

impl Way {
    fn of(stream: impl Stream + 'static) -> Self {
        Self { stream: Box::new(stream), fence: None }
    }
}

impl Dial {
    /// Lets nothing be sent on its connections while the fence is closed: a request that had left its caller when the
    /// process was stopped must not go out when it runs again.
    pub(crate) fn with_fence(self, fence: Option<Fence>) -> Self {
        Self { fence, ..self }
    }

    /// Dials through a proxy if there is one. `tls` is how an HTTPS proxy is trusted: as the server itself.
    ///
    /// # Errors
    /// When the URL of the proxy is not usable.
    pub(crate) fn new(
        proxy_url: Option<&str>,
        headers: &BTreeMap<String, String>,
        tls: &Arc<ClientConfig>,
    ) -> Result<Self, DialError> {
        let Some(url) = proxy_url else { return Ok(Self::default()) };
        let unusable = || DialError::NoHost { url: without_credentials(url) };
        let uri: Uri = url.parse().map_err(|_| unusable())?;
        let authority = uri.authority().ok_or_else(unusable)?;
        let credentials = authority.as_str().rsplit_once('@').map(|(credentials, _)| credentials);
        let (kind, default_port) = match uri.scheme_str() {
            Some("http") => (Kind::Http { headers: header_lines(credentials, headers), tls: None }, 80),
            Some("https") => {
                (Kind::Http { headers: header_lines(credentials, headers), tls: Some(tls.clone()) }, 443)
            }
            Some("socks5" | "socks5h") => {
                let credentials = credentials.map(|both| {
                    let (user, password) = both.split_once(':').unwrap_or((both, ""));
                    (percent_decoded(user), percent_decoded(password))
                });
                (Kind::Socks { credentials }, 1080)
            }
            _ => return Err(DialError::Scheme { url: without_credentials(url) }),
        };
        let address = format!("{}:{}", authority.host(), authority.port_u16().unwrap_or(default_port));
        let host = authority.host().trim_matches(['[', ']']).to_owned();
        Ok(Self { proxy: Some(Arc::new(Proxy { address, host, kind })), fence: None })
    }
}

/// A URL as it may be shown: scheme and host.
fn without_credentials(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let rest = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
    format!("{scheme}://{rest}")
}

fn header_lines(credentials: Option<&str>, headers: &BTreeMap<String, String>) -> String {
    let mut lines = String::new();
    if let Some(credentials) = credentials {
        let encoded = STANDARD.encode(percent_decoded(credentials));
        lines.push_str("Proxy-Authorization: Basic ");
        lines.push_str(&encoded);
        lines.push_str("\r\n");
    }
    for (name, value) in headers {
        let is_line = |text: &str| !text.contains(['\r', '\n']);
        if is_line(name) && is_line(value) {
            for part in [name, ": ", value, "\r\n"] {
                lines.push_str(part);
            }
        }
    }
    lines
}

impl tower::Service<Uri> for Dial {
    type Response = TokioIo<Way>;
    type Error = DialError;
    type Future = BoxFuture<'static, Result<Self::Response, DialError>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), DialError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let (proxy, fence) = (self.proxy.clone(), self.fence.clone());
        Box::pin(async move {
            let host = uri.host().ok_or_else(|| DialError::NoHost { url: uri.to_string() })?;
            let default_port = if uri.scheme_str() == Some("http") { 80 } else { 443 };
            let port = uri.port_u16().unwrap_or(default_port);
            let address = match &proxy {
                Some(proxy) => proxy.address.clone(),
                None => format!("{host}:{port}"),
            };
            let dialing = async {
                let failed = |source| DialError::Connect { address: address.clone(), source };
                let stream = TcpStream::connect(&address).await.map_err(failed)?;
                stream.set_nodelay(true).map_err(failed)?;
                match &proxy {
                    Some(proxy) => proxy.pass(stream, host, port).await,
                    None => Ok(Way::of(stream)),
                }
            };
            match tokio::time::timeout(PATIENCE, dialing).await {
                Ok(result) => result.map(|way| TokioIo::new(Way { fence, ..way })),
                Err(_) => Err(DialError::Timeout { address }),
            }
        })
    }
}

impl Proxy {
    /// Asks the proxy for the way to a target.
    async fn pass(&self, mut stream: TcpStream, host: &str, port: u16) -> Result<Way, DialError> {
        let failed = |source| DialError::Connect { address: self.address.clone(), source };
        let target = format!("{host}:{port}");
        let refused = |answer: &str| DialError::Refused {
            address: self.address.clone(),
            target: target.clone(),
            answer: answer.chars().take(100).collect(),
        };
        match &self.kind {
            Kind::Http { headers, tls: None } => {
                match connect(&mut stream, &target, headers).await.map_err(failed)? {
                    Ok(()) => Ok(Way::of(stream)),
                    Err(answer) => Err(refused(&answer)),
                }
            }
            Kind::Http { headers, tls: Some(tls) } => {
                // The proxy speaks HTTP/1.1, whatever the server speaks.
                let mut tls = ClientConfig::clone(tls);
                tls.alpn_protocols.clear();
                let name = ServerName::try_from(self.host.clone())
                    .map_err(|_| DialError::NoHost { url: self.address.clone() })?;
                let mut stream =
                    TlsConnector::from(Arc::new(tls)).connect(name, stream).await.map_err(failed)?;
                match connect(&mut stream, &target, headers).await.map_err(failed)? {
                    Ok(()) => Ok(Way::of(stream)),
                    Err(answer) => Err(refused(&answer)),
                }
            }
            Kind::Socks { credentials } => {
                let answer = socks(&mut stream, host, port, credentials.as_ref()).await.map_err(failed)?;
                match answer {
                    Ok(()) => Ok(Way::of(stream)),
                    Err(answer) => Err(refused(answer)),
                }
            }
        }
    }
}

/// Asks an HTTP proxy to connect. Returns its first line if it does not.
async fn connect<S>(stream: &mut S, target: &str, headers: &str) -> io::Result<Result<(), String>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let request = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    // The target does not speak before it is spoken to: what comes is the proxy's answer and no more.
    while !answer.ends_with(b"\r\n\r\n") {
        let read = stream.read_buf(&mut answer).await?;
        if read == 0 || answer.len() > LONGEST_ANSWER {
            break;
        }
    }
    let answer = String::from_utf8_lossy(&answer);
    let first = answer.lines().next().unwrap_or_default();
    let is_open = first.starts_with("HTTP/1.") && first.split(' ').nth(1) == Some("200");
    Ok(if is_open { Ok(()) } else { Err(first.to_owned()) })
}

/// Asks a SOCKS5 proxy (RFC 1928, RFC 1929) to connect. Returns why it does not.
async fn socks<S>(
    stream: &mut S,
    host: &str,
    port: u16,
    credentials: Option<&(Vec<u8>, Vec<u8>)>,
) -> io::Result<Result<(), &'static str>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    const VERSION: u8 = 5;
    const NO_CREDENTIALS: u8 = 0;
    const PASSWORD: u8 = 2;
    let methods: &[u8] = if credentials.is_some() { &[NO_CREDENTIALS, PASSWORD] } else { &[NO_CREDENTIALS] };
    stream.write_all(&[&[VERSION, length(methods)], methods].concat()).await?;
    let mut chosen = [0; 2];
    stream.read_exact(&mut chosen).await?;
    match (chosen, credentials) {
        ([VERSION, NO_CREDENTIALS], _) => {}
        ([VERSION, PASSWORD], Some((user, password))) => {
            if user.len().max(password.len()) > u8::MAX.into() {
                return Ok(Err("user or password is longer than 255 bytes"));
            }
            let question =
                [&[1, length(user)], user.as_slice(), &[length(password)], password.as_slice()].concat();
            stream.write_all(&question).await?;
            let mut answer = [0; 2];
            stream.read_exact(&mut answer).await?;
            if answer[1] != 0 {
                return Ok(Err("user or password is wrong"));
            }
        }
        ([VERSION, _], _) => return Ok(Err("it wants other credentials")),
        _ => return Ok(Err("it does not speak SOCKS5")),
    }
    let bare = host.trim_matches(['[', ']']);
    let mut question = vec![VERSION, 1, 0];
    match bare.parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => {
            question.push(1);
            question.extend(address.octets());
        }
        Ok(IpAddr::V6(address)) => {
            question.push(4);
            question.extend(address.octets());
        }
        Err(_) if bare.len() > u8::MAX.into() => return Ok(Err("the name is longer than 255 bytes")),
        Err(_) => {
            question.extend([3, length(bare.as_bytes())]);
            question.extend(bare.as_bytes());
        }
    }
    question.extend(port.to_be_bytes());
    stream.write_all(&question).await?;
    let mut answer = [0; 4];
    stream.read_exact(&mut answer).await?;
    if answer[1] != 0 {
        return Ok(Err(socks_refusal(answer[1])));
    }
    // The address that the proxy connects from is of no interest.
    let rest = match answer[3] {
        1 => 4,
        4 => 16,
        _ => stream.read_u8().await?.into(),
    };
    let mut address = vec![0; rest + size_of::<u16>()];
    stream.read_exact(&mut address).await?;
    Ok(Ok(()))
}

/// The length of what was checked to have at most 255 bytes.
fn length(bytes: &[u8]) -> u8 {
    u8::try_from(bytes.len()).unwrap_or(u8::MAX)
}

fn socks_refusal(code: u8) -> &'static str {
    match code {
        2 => "not allowed",
        3 => "network unreachable",
        4 => "host unreachable",
        5 => "connection refused",
        6 => "it took too long",
        _ => "general failure",
    }
}

impl Connection for Way {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl AsyncRead for Way {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Way {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.fence.as_ref().is_some_and(|fence| !fence.is_open()) {
            return Poll::Ready(Err(io::Error::other(NotLeading)));
        }
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

fn percent_decoded(text: &str) -> Vec<u8> {
    let mut decoded = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        let escaped = (byte == b'%')
            .then(|| tail.get(..2).and_then(|two| std::str::from_utf8(two).ok()))
            .flatten()
            .filter(|two| two.bytes().all(|digit| digit.is_ascii_hexdigit()))
            .and_then(|two| u8::from_str_radix(two, 16).ok());
        if let Some(value) = escaped {
            decoded.push(value);
            rest = &tail[2..];
        } else {
            decoded.push(byte);
            rest = tail;
        }
    }
    decoded
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;
    use tower::ServiceExt as _;

    use super::*;
    use crate::tenure::Tenure;

    fn tls() -> Arc<ClientConfig> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let roots = rustls::RootCertStore::empty();
        Arc::new(builder.unwrap().with_root_certificates(roots).with_no_client_auth())
    }

    /// A proxy that answers one request with these bytes and returns what it was asked.
    async fn proxy(answer: &'static str) -> (String, tokio::task::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut asked = Vec::new();
            while !asked.ends_with(b"\r\n\r\n") {
                stream.read_buf(&mut asked).await.unwrap();
            }
            stream.write_all(answer.as_bytes()).await.unwrap();
            String::from_utf8(asked).unwrap()
        });
        (address.to_string(), asked)
    }

    #[tokio::test]
    async fn a_proxy_is_asked_for_the_way_with_its_headers_and_credentials() {
        let (address, asked) = proxy("HTTP/1.1 200 OK\r\n\r\n").await;
        let headers = BTreeMap::from([("X-Team".to_owned(), "a".to_owned())]);
        let dial = Dial::new(Some(&format!("http://u:p%40ss@{address}")), &headers, &tls()).unwrap();
        dial.oneshot("https://member.example:6443".parse().unwrap()).await.unwrap();
        let credentials = STANDARD.encode("u:p@ss");
        assert_eq!(
            asked.await.unwrap(),
            format!(
                "CONNECT member.example:6443 HTTP/1.1\r\nHost: member.example:6443\r\nProxy-Authorization: Basic {credentials}\r\nX-Team: a\r\n\r\n"
            )
        );
    }

    #[tokio::test]
    async fn a_proxy_that_refuses_is_quoted_and_other_kinds_are_named() {
        let (address, _asked) = proxy("HTTP/1.1 403 Forbidden\r\n\r\n").await;
        let dial = Dial::new(Some(&format!("http://{address}")), &BTreeMap::new(), &tls()).unwrap();
        let error = dial.oneshot("https://m:1".parse().unwrap()).await.err().unwrap();
        assert!(error.to_string().ends_with("refused the way to m:1: HTTP/1.1 403 Forbidden"), "{error}");
        let error = Dial::new(Some("ftp://u:secret@h:1"), &BTreeMap::new(), &tls()).unwrap_err();
        assert!(error.to_string().contains("ftp://h:1 is not of a supported kind"), "{error}");
    }

    #[tokio::test]
    async fn nothing_is_sent_while_the_fence_is_closed() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let uri: Uri = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        let tenure = Tenure::default();
        tenure.extend(tokio::time::Instant::now() + Duration::from_mins(1));
        let dial = Dial::default().with_fence(Some(Fence::of(tenure.clone())));
        let mut way = dial.oneshot(uri).await.unwrap().into_inner();
        way.write_all(b"before").await.unwrap();
        tenure.end();
        let error = way.write_all(b"after").await.unwrap_err();
        assert!(error.to_string().contains("no longer holds its lease"), "{error}");
        drop(way);
        let mut received = Vec::new();
        listener.accept().await.unwrap().0.read_to_end(&mut received).await.unwrap();
        assert_eq!(received, b"before");
    }

    #[tokio::test]
    async fn a_fenced_client_calls_with_its_credentials_while_it_may_and_says_why_it_does_not() {
        let answer = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";
        let (address, asked) = proxy(answer).await;
        let mut config = Config::new(format!("http://{address}/base").parse().unwrap());
        config.auth_info.token = Some("abc".to_owned().into());
        let tenure = Tenure::default();
        let client = fenced_client(&config, &Fence::of(tenure.clone())).unwrap();
        let request = || http::Request::get("/version?x=1").body(Vec::new()).unwrap();
        let error = client.request_text(request()).await.unwrap_err();
        let chain = std::iter::successors(Some(&error as &dyn std::error::Error), |error| error.source());
        let said = chain.map(ToString::to_string).collect::<Vec<_>>().join(": ");
        assert!(said.contains("no longer holds its lease"), "{said}");
        tenure.extend(tokio::time::Instant::now() + Duration::from_mins(1));
        let (address, asked_later) = proxy(answer).await;
        config.cluster_url = format!("http://{address}/base").parse().unwrap();
        let client = fenced_client(&config, &Fence::of(tenure)).unwrap();
        assert_eq!(client.request_text(request()).await.unwrap(), "{}");
        let asked_later = asked_later.await.unwrap();
        assert!(asked_later.starts_with("GET /base/version?x=1 HTTP/1.1\r\n"), "{asked_later}");
        assert!(asked_later.contains("authorization: Bearer abc\r\n"), "{asked_later}");
        asked.abort();
    }

    /// A SOCKS5 proxy that wants a password; returns what it was asked for, and speaks as the target then.
    async fn socks_proxy(code: u8) -> (String, tokio::task::JoinHandle<Vec<u8>>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut greeting = [0; 4];
            stream.read_exact(&mut greeting).await.unwrap();
            assert_eq!(greeting, [5, 2, 0, 2]);
            stream.write_all(&[5, 2]).await.unwrap();
            let mut credentials = [0; 9];
            stream.read_exact(&mut credentials).await.unwrap();
            assert_eq!(&credentials, b"\x01\x01u\x05p@ss:");
            stream.write_all(&[1, 0]).await.unwrap();
            let mut asked = vec![0; 4 + 1 + "member.example".len() + 2];
            stream.read_exact(&mut asked).await.unwrap();
            stream.write_all(&[5, code, 0, 1, 127, 0, 0, 1, 0, 80]).await.unwrap();
            stream.write_all(b"hello").await.unwrap();
            asked
        });
        (address.to_string(), asked)
    }

    #[tokio::test]
    async fn a_socks_proxy_gets_the_name_and_the_way_begins_after_its_answer() {
        let (address, asked) = socks_proxy(0).await;
        let url = format!("socks5://u:p%40ss%3A@{address}");
        let dial = Dial::new(Some(&url), &BTreeMap::new(), &tls()).unwrap();
        let way = dial.oneshot("https://member.example:6443".parse().unwrap()).await.unwrap();
        let mut hello = [0; 5];
        way.into_inner().read_exact(&mut hello).await.unwrap();
        assert_eq!(&hello, b"hello");
        assert_eq!(asked.await.unwrap(), b"\x05\x01\x00\x03\x0emember.example\x19\x2b");
    }

    #[tokio::test]
    async fn a_socks_proxy_that_refuses_says_why() {
        let (address, _asked) = socks_proxy(5).await;
        let url = format!("socks5h://u:p%40ss%3A@{address}");
        let dial = Dial::new(Some(&url), &BTreeMap::new(), &tls()).unwrap();
        let error = dial.oneshot("https://member.example:6443".parse().unwrap()).await.err().unwrap();
        let said = "refused the way to member.example:6443: connection refused";
        assert!(error.to_string().ends_with(said), "{error}");
    }
}
