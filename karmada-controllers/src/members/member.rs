//! One member cluster: its client, caches, work and end.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use karmada_core::api::reserved::MANAGED_LABEL;
use karmada_core::propagation::TemplateKey;
use karmada_core::work::WriteAttempt;
use kube::Client;
use parking_lot::Mutex;
use tokio::sync::watch;

use super::Endpoint;
use crate::hub::{ObjectKey, RestMapping, Runtime, Served, Templates, Unstructured, WorkQueue, chain};

/// Longest time that one call of a member's API server may take.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(10);

/// Longest time that reading what a member serves may take: several requests, one after the other.
const DISCOVERY_TIMEOUT: Duration = Duration::from_secs(40);

/// How long a write that changed nothing is not tried again: the member may be another release then.
const FUTILE_FOR: Duration = Duration::from_mins(10);

/// A call of a member that did not answer in time.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    #[error("no answer from the member within {} s", .0.as_secs())]
    Timeout(Duration),
    /// What the member's API server said, without what kube says around it.
    #[error("{}", api_message(.0))]
    Api(kube::Error),
}

// No `#[from]`: it would make the error its own cause, and the text appear twice.
impl From<kube::Error> for CallError {
    fn from(error: kube::Error) -> Self {
        Self::Api(error)
    }
}

fn api_message(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) => status.message.clone(),
        // What went wrong with a connection is in its causes.
        other => chain(other),
    }
}

impl CallError {
    /// Whether the member answered with the HTTP status `code`.
    pub fn is_status(&self, code: u16) -> bool {
        matches!(self, Self::Api(error) if crate::hub::is_status(error, code))
    }
}

/// One member cluster: its client, caches, work and end.
///
/// Nothing in it is shared with another member: a dead, slow or hostile member fills only
/// its own queue and holds up only its own workers.
pub struct Member {
    pub name: String,
    pub endpoint: Endpoint,
    pub client: Client,
    pub mapping: RestMapping,
    /// Caches of the kinds that were propagated here.
    pub objects: Templates,
    /// Works of the execution namespace that need attention.
    pub queue: Arc<WorkQueue<ObjectKey>>,
    pub runtime: Runtime,
    /// Whether the control plane considers the member ready, as its Cluster object says.
    pub ready: watch::Sender<bool>,
    /// Resource version of each object after our last write: an event that carries it is our own.
    versions: Mutex<HashMap<TemplateKey, String>>,
    /// Writes that the member took and that changed nothing, and when.
    futile: Mutex<HashMap<TemplateKey, (WriteAttempt, Instant)>>,
    looked_at: AtomicBool,
}

impl fmt::Debug for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Member")
            .field("name", &self.name)
            .field("endpoint", &self.endpoint)
            .finish_non_exhaustive()
    }
}

impl Member {
    /// Makes the unit of a member. No request is sent and no task started.
    pub fn new(name: &str, endpoint: Endpoint, client: Client, runtime: Runtime) -> Self {
        Self {
            name: name.to_string(),
            endpoint,
            mapping: RestMapping::new(client.clone()),
            objects: Templates::new(client.clone(), runtime.child(), |_| Vec::new(), is_managed),
            queue: Arc::default(),
            client,
            runtime,
            ready: watch::Sender::new(false),
            versions: Mutex::default(),
            futile: Mutex::default(),
            looked_at: AtomicBool::new(false),
        }
    }

    /// Whether the control plane considers the member ready.
    pub fn is_ready(&self) -> bool {
        *self.ready.borrow()
    }

    /// Notes that the status of the member was looked at.
    pub fn set_looked_at(&self) {
        self.looked_at.store(true, Ordering::Release);
    }

    /// Whether the status of the member was looked at since this unit started.
    pub fn is_looked_at(&self) -> bool {
        self.looked_at.load(Ordering::Acquire)
    }

    /// Waits for a call of the member, not longer than [`CALL_TIMEOUT`].
    ///
    /// # Errors
    /// The call's error, or that it took too long.
    pub async fn call<T>(&self, call: impl Future<Output = Result<T, kube::Error>>) -> Result<T, CallError> {
        within(CALL_TIMEOUT, call).await
    }

    /// Reads which kinds the member serves, not longer than the several requests of it may take.
    ///
    /// # Errors
    /// The call's error, or that it took too long.
    pub async fn discover(&self) -> Result<(), CallError> {
        within(DISCOVERY_TIMEOUT, self.mapping.refresh()).await
    }

    /// Finds how the member serves a kind, asking it when the kind is not known.
    ///
    /// # Errors
    /// As of [`Member::discover`].
    pub async fn find_kind(&self, api_version: &str, kind: &str) -> Result<Option<Served>, CallError> {
        within(DISCOVERY_TIMEOUT, self.mapping.find(api_version, kind)).await
    }

    /// Remembers the version that our write gave an object.
    pub fn record_version(&self, key: TemplateKey, version: Option<String>) {
        if let Some(version) = version {
            self.versions.lock().insert(key, version);
        }
    }

    /// Forgets an object that is no longer ours to keep.
    pub fn forget_version(&self, key: &TemplateKey) {
        self.versions.lock().remove(key);
        self.futile.lock().remove(key);
    }

    /// Remembers that a write of an object changed nothing.
    pub fn record_futile(&self, key: TemplateKey, attempt: WriteAttempt) {
        self.futile.lock().insert(key, (attempt, Instant::now()));
    }

    /// Whether the same write of an object changed nothing a while ago.
    pub fn is_futile(&self, key: &TemplateKey, attempt: WriteAttempt) -> bool {
        self.futile
            .lock()
            .get(key)
            .is_some_and(|(known, when)| *known == attempt && when.elapsed() < FUTILE_FOR)
    }

    /// Forgets which writes changed nothing: a member that was away may be another release now.
    pub fn forget_futile(&self) {
        self.futile.lock().clear();
    }

    /// Returns the version that our last write gave an object.
    pub fn recorded_version(&self, key: &TemplateKey) -> Option<String> {
        self.versions.lock().get(key).cloned()
    }

    /// Ends everything that runs for this member.
    pub async fn stop(&self) {
        self.queue.close();
        self.runtime.shutdown().await;
    }
}

async fn within<T>(
    limit: Duration,
    call: impl Future<Output = Result<T, kube::Error>>,
) -> Result<T, CallError> {
    match tokio::time::timeout(limit, call).await {
        Ok(result) => Ok(result?),
        Err(_) => Err(CallError::Timeout(limit)),
    }
}

/// Whether an object of a member is managed by Karmada; of others only the existence is cached.
fn is_managed(object: &Unstructured) -> bool {
    use kube::ResourceExt;
    object.labels().get(MANAGED_LABEL).is_some_and(|value| value == "true")
}
