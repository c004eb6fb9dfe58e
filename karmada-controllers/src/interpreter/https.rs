//! Calls of interpreter webhooks: JSON over HTTPS, with bounded time, answers and number.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Limited};
use k8s_openapi::api::core::v1::Service;
use karmada_core::api::config::{ResourceInterpreterContext, ServiceReference};
use karmada_core::interpreter::webhook::{Endpoint, EndpointError, Hook, endpoint};
use karmada_core::propagation::TemplateKey;
use kube::{Client, Config};
use parking_lot::Mutex;
use serde_json::Value;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::hub::{Hub, is_not_found};
use crate::members::pem_certificates;

/// How long an answer may take when the configuration does not say.
///
/// DEVIATION: upstream then waits without limit, and its API documents ten seconds.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);
/// Bytes of an answer: objects are smaller, and patches of them in base64 are.
const MAX_ANSWER: usize = 16 << 20;
/// Characters of an error's text that are shown.
const MAX_TEXT: usize = 256;
/// Questions that one server is asked at the same time; more wait their turn, within their time.
const CONCURRENT: usize = 64;
/// Servers whose connections are kept.
const KEPT: usize = 64;
const JSON: &str = "application/json";

/// A webhook gave no readable answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum AskError {
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    #[error("failed to read the service {namespace}/{name}")]
    Service {
        namespace: String,
        name: String,
        #[source]
        source: Box<kube::Error>,
    },
    #[error("{url:?} is no https address")]
    Url { url: String },
    #[error("clientConfig.caBundle holds no readable PEM certificate")]
    CaBundle,
    #[error("failed to prepare connections to {url}")]
    Client {
        url: String,
        #[source]
        source: Box<kube::Error>,
    },
    #[error("failed to write the question")]
    Question(#[source] serde_json::Error),
    #[error("failed to make the request")]
    Request(#[source] http::Error),
    #[error("POST {url} failed")]
    Post {
        url: String,
        #[source]
        source: Box<kube::Error>,
    },
    #[error("no answer from {url} within {} s", .timeout.as_secs())]
    Timeout { url: String, timeout: Duration },
    #[error("{url} has not answered in time before, and is asked one question at a time until it does")]
    Silent { url: String },
    #[error("{url} answered {status}: {text}")]
    Status { url: String, status: StatusCode, text: String },
    #[error("the answer of {url} has more than {MAX_ANSWER} bytes")]
    TooLong { url: String },
    #[error("the answer of {url} broke off")]
    BrokenOff {
        url: String,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    #[error("the answer of {url} is no ResourceInterpreterContext")]
    Unreadable {
        url: String,
        #[source]
        source: serde_json::Error,
    },
}

/// What connections can be shared for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct ServerKey {
    base: String,
    server_name: Option<String>,
    bundle: Vec<u8>,
}

#[derive(Clone)]
struct Server {
    client: Client,
    turns: Arc<Semaphore>,
    patience: Arc<Patience>,
}

/// What is known of a server's answers.
///
/// A server that lets one question wait to its end would let all of them; so only one waits at a time until it answers
/// again, and the others fail at once and come back.
#[derive(Debug)]
struct Patience {
    is_silent: AtomicBool,
    last_hope: Semaphore,
}

/// A question that is put. One that is given up makes the server count as silent.
struct Exchange<'a> {
    patience: &'a Patience,
    is_over: bool,
    _turn: Option<SemaphorePermit<'a>>,
}

impl Patience {
    fn new() -> Self {
        Self { is_silent: AtomicBool::new(false), last_hope: Semaphore::new(1) }
    }

    /// Begins a question, unless another one is waiting for a silent server.
    fn begin(&self) -> Option<Exchange<'_>> {
        let turn = if self.is_silent.load(Ordering::Acquire) {
            Some(self.last_hope.try_acquire().ok()?)
        } else {
            None
        };
        Some(Exchange { patience: self, is_over: false, _turn: turn })
    }
}

impl Exchange<'_> {
    /// The server, or the network, has said something.
    fn end(mut self) {
        self.is_over = true;
        self.patience.is_silent.store(false, Ordering::Release);
    }
}

impl Drop for Exchange<'_> {
    fn drop(&mut self) {
        if !self.is_over {
            self.patience.is_silent.store(true, Ordering::Release);
        }
    }
}

/// Asks webhooks over connections that are kept.
pub(super) struct WebhookClient {
    hub: Arc<Hub>,
    servers: Mutex<HashMap<ServerKey, Server>>,
}

impl std::fmt::Debug for WebhookClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WebhookClient").field("servers", &self.servers.lock().len()).finish_non_exhaustive()
    }
}

impl WebhookClient {
    /// Makes a client that looks services up in the control plane.
    pub(super) fn new(hub: Arc<Hub>) -> Self {
        Self { hub, servers: Mutex::default() }
    }

    /// Asks a webhook and returns what it says.
    ///
    /// # Errors
    /// When there is no readable answer in time.
    pub(super) async fn ask(
        &self,
        hook: &Hook,
        question: &ResourceInterpreterContext,
    ) -> Result<ResourceInterpreterContext, AskError> {
        let timeout = hook.timeout().unwrap_or(DEFAULT_TIMEOUT);
        let config = &hook.webhook().client_config;
        let mut url = config.url.clone().unwrap_or_else(|| hook.uid().to_owned());
        let exchange = async {
            let service = match &config.service {
                Some(reference) if config.url.is_none() => self.service(reference).await?,
                _ => None,
            };
            let endpoint = endpoint(config, service.as_ref())?;
            url.clone_from(&endpoint.url);
            let bundle = config.ca_bundle.as_ref().map(|bundle| bundle.0.as_slice()).unwrap_or_default();
            self.post(&endpoint, bundle, hook, question).await
        };
        match tokio::time::timeout(timeout, exchange).await {
            Ok(answer) => answer,
            Err(_) => Err(AskError::Timeout { url, timeout }),
        }
    }

    /// Returns the service if the control plane has it.
    async fn service(&self, reference: &ServiceReference) -> Result<Option<Value>, AskError> {
        let ServiceReference { namespace, name, .. } = reference;
        if let Some(services) = self.hub.templates.informer("v1", "Service")
            && services.is_synced()
        {
            let key = TemplateKey {
                api_version: "v1".to_owned(),
                kind: "Service".to_owned(),
                namespace: namespace.clone(),
                name: name.clone(),
            };
            return Ok(self.hub.templates.find(&key).map(|service| service.value().clone()));
        }
        match self.hub.namespaced::<Service>(namespace).get(name).await {
            Ok(service) => serde_json::to_value(service).map(Some).map_err(AskError::Question),
            Err(error) if is_not_found(&error) => Ok(None),
            Err(source) => Err(AskError::Service {
                namespace: namespace.clone(),
                name: name.clone(),
                source: Box::new(source),
            }),
        }
    }

    async fn post(
        &self,
        endpoint: &Endpoint,
        bundle: &[u8],
        hook: &Hook,
        question: &ResourceInterpreterContext,
    ) -> Result<ResourceInterpreterContext, AskError> {
        let url = &endpoint.url;
        let (base, path) = split(url).ok_or_else(|| AskError::Url { url: url.clone() })?;
        let server_name = endpoint.server_name.clone();
        let server = self.server(ServerKey { base, server_name, bundle: bundle.to_vec() })?;
        let asking = server.patience.begin().ok_or_else(|| AskError::Silent { url: url.clone() })?;
        let answer = exchange(&server, endpoint, path, hook, question).await;
        asking.end();
        let (status, body) = answer?;
        if !status.is_success() {
            let text = String::from_utf8_lossy(&body[..body.len().min(4 * MAX_TEXT)]);
            let text = text.trim().chars().take(MAX_TEXT).collect();
            return Err(AskError::Status { url: url.clone(), status, text });
        }
        serde_json::from_slice(&body).map_err(|source| AskError::Unreadable { url: url.clone(), source })
    }

    fn server(&self, key: ServerKey) -> Result<Server, AskError> {
        if let Some(server) = self.servers.lock().get(&key) {
            return Ok(server.clone());
        }
        let uri: Uri = key.base.parse().map_err(|_| AskError::Url { url: key.base.clone() })?;
        let mut config = Config::new(uri);
        config.tls_server_name.clone_from(&key.server_name);
        // A question that is put again could be answered otherwise; whoever asked tries again.
        config.default_retry = false;
        if !key.bundle.is_empty() {
            config.root_cert = Some(pem_certificates(&key.bundle).ok_or(AskError::CaBundle)?);
        }
        let client = Client::try_from(config)
            .map_err(|source| AskError::Client { url: key.base.clone(), source: Box::new(source) })?;
        let server = Server {
            client,
            turns: Arc::new(Semaphore::new(CONCURRENT)),
            patience: Arc::new(Patience::new()),
        };
        let mut servers = self.servers.lock();
        // Those of configurations that are gone; what is in use comes back with the next question.
        if servers.len() >= KEPT {
            servers.clear();
        }
        servers.insert(key, server.clone());
        Ok(server)
    }
}

/// Puts a question and returns the answer as it is.
async fn exchange(
    server: &Server,
    endpoint: &Endpoint,
    path: String,
    hook: &Hook,
    question: &ResourceInterpreterContext,
) -> Result<(StatusCode, Bytes), AskError> {
    let url = &endpoint.url;
    // The semaphore is never closed.
    let _turn = server.turns.acquire().await;
    let body = serde_json::to_vec(question).map_err(AskError::Question)?;
    let request = Request::post(with_timeout(path, hook.timeout()))
        .header(CONTENT_TYPE, JSON)
        .header(ACCEPT, JSON)
        .body(body.into())
        .map_err(AskError::Request)?;
    let response = server
        .client
        .send(request)
        .await
        .map_err(|source| AskError::Post { url: url.clone(), source: Box::new(source) })?;
    let status = response.status();
    let body = Limited::new(response.into_body(), MAX_ANSWER).collect().await.map_err(|source| {
        if source.is::<http_body_util::LengthLimitError>() {
            AskError::TooLong { url: url.clone() }
        } else {
            AskError::BrokenOff { url: url.clone(), source }
        }
    })?;
    Ok((status, body.to_bytes()))
}

/// Splits an https address into its server and the path on it.
fn split(url: &str) -> Option<(String, String)> {
    let uri: Uri = url.parse().ok()?;
    let authority = uri.authority()?.as_str();
    if uri.scheme_str() != Some("https") || authority.contains('@') {
        return None;
    }
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    Some((format!("https://{authority}"), path.to_owned()))
}

/// Tells the webhook how long it has, when the configuration says.
fn with_timeout(path: String, timeout: Option<Duration>) -> String {
    let Some(timeout) = timeout else { return path };
    let separator = if path.contains('?') { '&' } else { '?' };
    format!("{path}{separator}timeout={}s", timeout.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_server_and_a_path() {
        let check = |url, expected: Option<(&str, &str)>| {
            assert_eq!(split(url), expected.map(|(base, path)| (base.to_owned(), path.to_owned())), "{url}");
        };
        check("https://h.io/a?b=c", Some(("https://h.io", "/a?b=c")));
        check("https://[::1]:8443", Some(("https://[::1]:8443", "/")));
        check("http://h.io/a", None);
        check("https://user:secret@h.io/a", None);
        check("nonsense", None);
    }

    #[test]
    fn a_silent_server_is_asked_one_question_at_a_time_until_it_answers() {
        let patience = Patience::new();
        let (first, second) = (patience.begin().unwrap(), patience.begin().unwrap());
        drop(first);
        let probe = patience.begin().unwrap();
        assert!(patience.begin().is_none());
        drop(probe);
        assert!(patience.begin().is_some());
        second.end();
        let (_one, _other) = (patience.begin().unwrap(), patience.begin().unwrap());
    }

    #[test]
    fn the_webhook_is_told_its_time_only_when_it_is_configured() {
        let seven = Some(Duration::from_secs(7));
        assert_eq!(with_timeout("/a".to_owned(), None), "/a");
        assert_eq!(with_timeout("/a".to_owned(), seven), "/a?timeout=7s");
        assert_eq!(with_timeout("/a?b".to_owned(), seven), "/a?b&timeout=7s");
    }
}
