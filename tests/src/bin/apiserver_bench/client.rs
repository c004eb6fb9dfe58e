//! A client that costs little: one TLS connection that is kept, HTTP/1.1, bodies as bytes.

use std::sync::Arc;

use anyhow::{Context as _, bail};
use base64::Engine as _;
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HOST};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// Where a server listens and who calls it.
#[derive(Clone, Debug)]
pub(crate) struct Endpoint {
    /// `host:port`.
    authority: String,
    tls: Arc<ClientConfig>,
}

/// One open connection.
#[derive(Debug)]
pub(crate) struct Connection {
    authority: String,
    sender: SendRequest<Full<Bytes>>,
}

impl Endpoint {
    /// Reads a kubeconfig whose files are embedded.
    pub(crate) fn from_kubeconfig(kubeconfig: &Value) -> anyhow::Result<Self> {
        let text = |pointer: &str| {
            kubeconfig.pointer(pointer).and_then(Value::as_str).with_context(|| format!("no {pointer}"))
        };
        let pem = |pointer: &str| -> anyhow::Result<Vec<u8>> {
            Ok(base64::engine::general_purpose::STANDARD.decode(text(pointer)?)?)
        };
        let mut roots = RootCertStore::empty();
        let ca = pem("/clusters/0/cluster/certificate-authority-data")?;
        for certificate in CertificateDer::pem_slice_iter(&ca) {
            roots.add(certificate?)?;
        }
        let chain = pem("/users/0/user/client-certificate-data")?;
        let chain = CertificateDer::pem_slice_iter(&chain).collect::<Result<Vec<_>, _>>()?;
        let key = PrivateKeyDer::from_pem_slice(&pem("/users/0/user/client-key-data")?)?;
        let tls = ClientConfig::builder().with_root_certificates(roots).with_client_auth_cert(chain, key)?;
        let authority = text("/clusters/0/cluster/server")?
            .strip_prefix("https://")
            .context("the server's address is no HTTPS URL")?
            .to_owned();
        Ok(Self { authority, tls: Arc::new(tls) })
    }

    /// Opens a connection.
    pub(crate) async fn connect(&self) -> anyhow::Result<Connection> {
        let stream = TcpStream::connect(&self.authority).await?;
        stream.set_nodelay(true)?;
        let (host, _) = self.authority.rsplit_once(':').context("no port")?;
        let name = ServerName::try_from(host.to_owned())?;
        let stream = TlsConnector::from(self.tls.clone()).connect(name, stream).await?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(async move {
            // A connection that breaks fails the request that is under way.
            drop(connection.await);
        });
        Ok(Connection { authority: self.authority.clone(), sender })
    }
}

impl Connection {
    /// Sends a request and returns the answer with its body still to come.
    pub(crate) async fn send(
        &mut self,
        method: Method,
        path: &str,
        content_type: &str,
        body: Bytes,
    ) -> anyhow::Result<Response<Incoming>> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, &self.authority)
            .header(ACCEPT, "application/json")
            .header(CONTENT_TYPE, content_type)
            .body(Full::new(body))?;
        self.sender.ready().await?;
        Ok(self.sender.send_request(request).await?)
    }

    /// Sends a request and reads the answer to its end.
    ///
    /// # Errors
    /// Also when the answer is no success.
    pub(crate) async fn call(
        &mut self,
        method: Method,
        path: &str,
        content_type: &str,
        body: Bytes,
    ) -> anyhow::Result<Bytes> {
        let (status, body) = self.answer(method, path, content_type, body).await?;
        if !status.is_success() {
            bail!("{path}: {status}: {}", String::from_utf8_lossy(&body));
        }
        Ok(body)
    }

    /// Sends a request and reads the answer to its end, whatever its status.
    pub(crate) async fn answer(
        &mut self,
        method: Method,
        path: &str,
        content_type: &str,
        body: Bytes,
    ) -> anyhow::Result<(StatusCode, Bytes)> {
        let response = self.send(method, path, content_type, body).await?;
        let status = response.status();
        Ok((status, response.into_body().collect().await?.to_bytes()))
    }

    /// Reads.
    pub(crate) async fn get(&mut self, path: &str) -> anyhow::Result<Bytes> {
        self.call(Method::GET, path, "application/json", Bytes::new()).await
    }

    /// Reads a list, forgetting it on the way. Returns how many bytes came.
    pub(crate) async fn drain(&mut self, path: &str) -> anyhow::Result<usize> {
        let response = self.send(Method::GET, path, "application/json", Bytes::new()).await?;
        let status = response.status();
        if !status.is_success() {
            bail!("{path}: {status}");
        }
        let mut body = response.into_body();
        let mut bytes = 0;
        while let Some(frame) = body.frame().await {
            bytes += frame?.data_ref().map_or(0, Bytes::len);
        }
        Ok(bytes)
    }
}
