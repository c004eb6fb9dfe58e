//! What control loops ask servers to write, noted on the way.

use std::sync::Arc;

use http::Method;
use http::Request;
use kube::Client;
use kube::client::Body;
use parking_lot::Mutex;

/// A request that would change something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// The server as scenarios name it.
    pub server: String,
    pub method: Method,
    /// Path and query.
    pub path: String,
    pub body: String,
    /// Code of the answer; 0 where there was none.
    pub code: u16,
}

impl std::fmt::Display for Write {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {} {} ({}) {}", self.server, self.method, self.path, self.code, self.body)
    }
}

/// The writes of those whose clients note them, in order.
#[derive(Clone, Debug, Default)]
pub struct Journal {
    writes: Arc<Mutex<Vec<Write>>>,
}

impl Journal {
    /// Wraps a client of a server so that its writes are noted. It must be called within a runtime of tokio.
    pub fn noting(&self, server: &str, client: Client) -> Client {
        let (journal, server) = (self.clone(), server.to_owned());
        let namespace = client.default_namespace().to_owned();
        let service = tower::service_fn(move |request: Request<Body>| {
            pass(journal.clone(), server.clone(), client.clone(), request)
        });
        Client::new(service, namespace)
    }

    /// Returns what was written since the last time. Leases only say that somebody lives and are left out.
    pub fn take(&self) -> Vec<Write> {
        std::mem::take(&mut *self.writes.lock())
    }
}

async fn pass(
    journal: Journal,
    server: String,
    client: Client,
    request: Request<Body>,
) -> Result<http::Response<Body>, kube::Error> {
    if request.method() == Method::GET || request.uri().path().contains("/leases") {
        return client.send(request).await;
    }
    let (parts, body) = request.into_parts();
    let (method, path) = (parts.method.clone(), parts.uri.to_string());
    let bytes = body.collect_bytes().await?;
    let body = String::from_utf8_lossy(&bytes).into_owned();
    let answer = client.send(Request::from_parts(parts, Body::from(bytes))).await;
    let code = answer.as_ref().map_or(0, |answer| answer.status().as_u16());
    journal.writes.lock().push(Write { server, method, path, body, code });
    answer
}
