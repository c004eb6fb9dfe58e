//! Members that can be switched off: their API server refuses connections and open watches break off.

use std::io;
use std::sync::Arc;

use futures::StreamExt as _;
use http::{Request, Response};
use http_body_util::BodyExt as _;
use kube::Client;
use kube::client::Body;
use tokio::sync::watch;

use super::fleet::Reachability;

/// Makes clients for a bearer token.
pub type Clients = Arc<dyn Fn(&str) -> Client + Send + Sync>;

/// Wraps clients so that they fail while the switch says so.
pub fn switched(clients: Clients, reachability: watch::Receiver<Reachability>) -> Clients {
    Arc::new(move |token| {
        let inner = clients(token);
        let reachability = reachability.clone();
        let service = tower::service_fn(move |request: Request<Body>| {
            forward(inner.clone(), reachability.clone(), request)
        });
        Client::new(service, "default")
    })
}

async fn forward(
    client: Client,
    reachability: watch::Receiver<Reachability>,
    request: Request<Body>,
) -> Result<Response<axum::body::Body>, io::Error> {
    let refused = || io::Error::from(io::ErrorKind::ConnectionRefused);
    if *reachability.borrow() == Reachability::Down {
        return Err(refused());
    }
    let response = client.send(request).await.map_err(io::Error::other)?;
    let (parts, body) = response.into_parts();
    let mut watched = reachability;
    let down = async move {
        // The switch lives as long as its scenario; its end ends the answer too.
        let _ = watched.wait_for(|now| *now == Reachability::Down).await;
    };
    let chunks = body.into_data_stream().take_until(Box::pin(down));
    Ok(Response::from_parts(parts, axum::body::Body::from_stream(chunks)))
}
