//! A client whose credentials can be exchanged while it is in use.

use std::sync::Arc;
use std::time::Duration;

use http::Request;
use kube::client::Body;
use kube::{Client, Error};
use parking_lot::RwLock;

/// Longest time until an answer begins that is no watch: a connection that nobody cuts off hangs for minutes.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// No answer came in time.
#[derive(Debug, thiserror::Error)]
#[error("no answer within {} seconds", ANSWER_TIMEOUT.as_secs())]
struct NoAnswer;

/// A client whose credentials can be exchanged while it is in use.
///
/// Watches go on with the connection they have; everything else uses the new credentials at once.
#[derive(Clone)]
pub struct RenewableClient {
    current: Arc<RwLock<Client>>,
}

impl std::fmt::Debug for RenewableClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RenewableClient").finish_non_exhaustive()
    }
}

impl RenewableClient {
    /// Starts with these credentials.
    pub fn new(client: Client) -> Self {
        Self { current: Arc::new(RwLock::new(client)) }
    }

    /// Goes on with these credentials.
    pub fn renew(&self, client: Client) {
        *self.current.write() = client;
    }

    /// Makes a client that uses the newest credentials. It must be called within a runtime of tokio.
    pub fn client(&self) -> Client {
        let current = self.current.clone();
        let namespace = current.read().default_namespace().to_owned();
        let service = tower::service_fn(move |request: Request<Body>| {
            let client = current.read().clone();
            async move {
                if is_watch(&request) {
                    return client.send(request).await;
                }
                match tokio::time::timeout(ANSWER_TIMEOUT, client.send(request)).await {
                    Ok(answer) => answer,
                    Err(_) => Err(Error::Service(Box::new(NoAnswer))),
                }
            }
        });
        Client::new(service, namespace)
    }
}

fn is_watch(request: &Request<Body>) -> bool {
    let query = request.uri().query().unwrap_or_default();
    query.split('&').any(|pair| pair.split('=').next() == Some("watch"))
}

#[cfg(test)]
mod tests {
    use http::Response;

    use super::*;

    fn answering(name: &'static str) -> Client {
        let service = tower::service_fn(move |_: Request<Body>| async move {
            Ok::<_, Error>(Response::new(Body::from(name.as_bytes().to_vec())))
        });
        Client::new(service, "default")
    }

    #[tokio::test]
    async fn requests_use_the_newest_credentials() {
        let renewable = RenewableClient::new(answering("old"));
        let client = renewable.client();
        let ask = async || client.request_text(Request::get("/x").body(Vec::new()).unwrap()).await.unwrap();
        assert_eq!(ask().await, "old");
        renewable.renew(answering("new"));
        assert_eq!(ask().await, "new");
    }

    #[tokio::test(start_paused = true)]
    async fn what_hangs_is_given_up_unless_it_is_a_watch() {
        let silent =
            tower::service_fn(|_: Request<Body>| std::future::pending::<Result<Response<Body>, Error>>());
        let client = RenewableClient::new(Client::new(silent, "default")).client();
        let ask = |path: &str| client.request_text(Request::get(path).body(Vec::new()).unwrap());
        let error = ask("/api/v1/pods").await.unwrap_err();
        assert!(crate::hub::chain(&error).contains("no answer within 30 seconds"), "{error:?}");
        let watch = tokio::time::timeout(Duration::from_mins(10), ask("/api/v1/pods?watch=true")).await;
        assert!(watch.is_err());
    }
}
