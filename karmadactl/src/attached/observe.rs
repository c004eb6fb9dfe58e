//! Health and metrics over HTTP.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use karmada_controllers::metrics::Metrics;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::printer::Printer;

/// What a process that runs control loops does now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Phase {
    Starting,
    /// Another process leads; this one is ready to take over.
    StandingBy,
    Working,
}

/// What is served: metrics, and what the process does now.
#[derive(Clone, Debug)]
pub struct Observed {
    pub metrics: Metrics,
    pub phase: watch::Receiver<Phase>,
    /// Queues are looked at when metrics are asked for.
    pub refresh: Arc<dyn RefreshMetrics>,
}

impl Observed {
    /// What is served of a process without queues that works already.
    pub fn working(metrics: Metrics) -> Self {
        Self { metrics, phase: watch::Sender::new(Phase::Working).subscribe(), refresh: Arc::new(NoQueues) }
    }
}

/// A process without queues.
#[derive(Debug)]
struct NoQueues;

impl RefreshMetrics for NoQueues {
    fn refresh(&self) {}
}

/// Brings gauges up to date before they are printed.
pub trait RefreshMetrics: Send + Sync + std::fmt::Debug {
    fn refresh(&self);
}

/// An address that cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address} for {what}")]
pub struct BindError {
    pub address: SocketAddr,
    pub what: &'static str,
    #[source]
    source: std::io::Error,
}

/// Servers that end when this is dropped.
#[derive(Debug, Default)]
pub struct Endpoints {
    tasks: Vec<JoinHandle<()>>,
    /// Where the metrics are, when they are served.
    pub metrics: Option<SocketAddr>,
    /// Where the health is, when it is served.
    pub health: Option<SocketAddr>,
}

impl Drop for Endpoints {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

/// Serves metrics and health; one server when both have the same address.
///
/// # Errors
/// When an address cannot be listened on.
pub async fn serve(
    observed: Observed,
    metrics: Option<SocketAddr>,
    health: Option<SocketAddr>,
) -> Result<Endpoints, BindError> {
    let mut endpoints = Endpoints::default();
    let is_shared = metrics == health && metrics.is_some_and(|address| address.port() != 0);
    if let Some(address) = metrics {
        let mut router = metrics_router();
        if is_shared {
            router = router.merge(health_router());
        }
        endpoints.metrics = Some(endpoints.listen(router, &observed, address, "metrics").await?);
    }
    if is_shared {
        endpoints.health = endpoints.metrics;
    } else if let Some(address) = health {
        endpoints.health = Some(endpoints.listen(health_router(), &observed, address, "health").await?);
    }
    Ok(endpoints)
}

impl Endpoints {
    /// Says where metrics and health are.
    pub fn tell(&self, printer: &Printer) {
        for (what, address) in [("metrics", self.metrics), ("health", self.health)] {
            if let Some(address) = address {
                printer.progress(&format!("{what}: http://{address}"));
            }
        }
    }

    async fn listen(
        &mut self,
        router: Router<Observed>,
        observed: &Observed,
        address: SocketAddr,
        what: &'static str,
    ) -> Result<SocketAddr, BindError> {
        let failed = |source| BindError { address, what, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let router = router.with_state(observed.clone());
        self.tasks.push(tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::error!(%address, %error, "no longer serving");
            }
        }));
        Ok(address)
    }
}

fn metrics_router() -> Router<Observed> {
    Router::new().route("/metrics", get(metrics_page))
}

fn health_router() -> Router<Observed> {
    Router::new()
        .route("/healthz", get(|| async { "ok" }))
        .route("/livez", get(|| async { "ok" }))
        .route("/readyz", get(readiness))
}

async fn metrics_page(State(observed): State<Observed>) -> Response {
    observed.refresh.refresh();
    match observed.metrics.page() {
        Ok(page) => ([(header::CONTENT_TYPE, page.content_type)], page.text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

async fn readiness(State(observed): State<Observed>) -> Response {
    // A standby is ready: it does what it is there for.
    match *observed.phase.borrow() {
        Phase::Working | Phase::StandingBy => "ok".into_response(),
        Phase::Starting => (StatusCode::SERVICE_UNAVAILABLE, "the caches are not filled yet").into_response(),
    }
}
