//! TCP connections to members, also through an HTTP proxy.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::future::BoxFuture;
use http::Uri;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

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
    #[error("the proxy {url} is not of a supported kind: only http proxies are")]
    Scheme { url: String },
    #[error("the proxy {address} refused the way to {target}: {answer}")]
    Refused { address: String, target: String, answer: String },
}

/// Opens connections; the name in the URI is resolved by the system.
#[derive(Clone, Debug, Default)]
pub(super) struct Dial {
    proxy: Option<Arc<Proxy>>,
}

/// A proxy that is asked to `CONNECT`.
#[derive(Debug)]
struct Proxy {
    address: String,
    /// Header lines of the request, each ended.
    headers: String,
}

impl Dial {
    /// Dials through a proxy if there is one.
    ///
    /// # Errors
    /// When the URL of the proxy is not usable.
    pub(super) fn new(
        proxy_url: Option<&str>,
        headers: &BTreeMap<String, String>,
    ) -> Result<Self, DialError> {
        let Some(url) = proxy_url else { return Ok(Self::default()) };
        let unusable = || DialError::NoHost { url: url.to_owned() };
        let uri: Uri = url.parse().map_err(|_| unusable())?;
        if uri.scheme_str() != Some("http") {
            // A password may be in it.
            let host = uri.host().unwrap_or_default();
            return Err(DialError::Scheme {
                url: format!("{}://{host}", uri.scheme_str().unwrap_or_default()),
            });
        }
        let authority = uri.authority().ok_or_else(unusable)?;
        let mut lines = String::new();
        if let Some((credentials, _)) = authority.as_str().rsplit_once('@') {
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
        let address = format!("{}:{}", authority.host(), authority.port_u16().unwrap_or(80));
        Ok(Self { proxy: Some(Arc::new(Proxy { address, headers: lines })) })
    }
}

impl tower::Service<Uri> for Dial {
    type Response = TokioIo<TcpStream>;
    type Error = DialError;
    type Future = BoxFuture<'static, Result<Self::Response, DialError>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), DialError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let proxy = self.proxy.clone();
        Box::pin(async move {
            let host = uri.host().ok_or_else(|| DialError::NoHost { url: uri.to_string() })?;
            let default_port = if uri.scheme_str() == Some("http") { 80 } else { 443 };
            let target = format!("{host}:{}", uri.port_u16().unwrap_or(default_port));
            let address = proxy.as_ref().map_or(&target, |proxy| &proxy.address).clone();
            let dialing = async {
                let failed = |source| DialError::Connect { address: address.clone(), source };
                let mut stream = TcpStream::connect(&address).await.map_err(failed)?;
                stream.set_nodelay(true).map_err(failed)?;
                if let Some(proxy) = &proxy {
                    pass(&mut stream, proxy, &target).await?;
                }
                Ok(TokioIo::new(stream))
            };
            match tokio::time::timeout(PATIENCE, dialing).await {
                Ok(result) => result,
                Err(_) => Err(DialError::Timeout { address }),
            }
        })
    }
}

/// Asks a proxy for the way to a target.
async fn pass(stream: &mut TcpStream, proxy: &Proxy, target: &str) -> Result<(), DialError> {
    let failed = |source| DialError::Connect { address: proxy.address.clone(), source };
    let request = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n{}\r\n", proxy.headers);
    stream.write_all(request.as_bytes()).await.map_err(failed)?;
    let mut answer = Vec::new();
    // The target does not speak before it is spoken to: what comes is the proxy's answer and no more.
    while !answer.ends_with(b"\r\n\r\n") {
        let read = stream.read_buf(&mut answer).await.map_err(failed)?;
        if read == 0 || answer.len() > LONGEST_ANSWER {
            break;
        }
    }
    let answer = String::from_utf8_lossy(&answer);
    let first = answer.lines().next().unwrap_or_default();
    if first.starts_with("HTTP/1.") && first.split(' ').nth(1) == Some("200") {
        return Ok(());
    }
    Err(DialError::Refused {
        address: proxy.address.clone(),
        target: target.to_owned(),
        answer: first.chars().take(100).collect(),
    })
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
        let dial = Dial::new(Some(&format!("http://u:p%40ss@{address}")), &headers).unwrap();
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
        let dial = Dial::new(Some(&format!("http://{address}")), &BTreeMap::new()).unwrap();
        let error = dial.oneshot("https://m:1".parse().unwrap()).await.unwrap_err();
        assert!(error.to_string().ends_with("refused the way to m:1: HTTP/1.1 403 Forbidden"), "{error}");
        let error = Dial::new(Some("socks5://u:secret@h:1"), &BTreeMap::new()).unwrap_err();
        assert!(error.to_string().contains("socks5://h is not of a supported kind"), "{error}");
    }
}
