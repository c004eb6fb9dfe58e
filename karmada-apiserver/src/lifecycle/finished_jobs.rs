//! Finished Jobs that say how long they may stay go after that time.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::controller::Controller;
use crate::http::call::Call;
use crate::http::{DeleteOptions, Failure, Propagation};
use crate::server::Inner;
use crate::store::{Event, EventKind, object_key};

const STORAGE: &str = "batch/jobs";
const MANAGER: &str = "kube-controller-manager";

/// Removes finished Jobs.
pub(super) struct FinishedJobs;

impl Controller for FinishedJobs {
    /// Namespace and name of a Job.
    type Key = (String, String);
    const NAME: &'static str = "finished-jobs";

    fn all(&mut self, server: &Inner) -> Vec<Self::Key> {
        let jobs = server.store.list(STORAGE, "").objects;
        jobs.iter().map(|job| (job.namespace().to_owned(), job.name().to_owned())).collect()
    }

    fn keys(&mut self, _: &Inner, resource: &str, event: &Event) -> Vec<Self::Key> {
        let job = &event.object;
        let relevant = resource == STORAGE && event.kind != EventKind::Deleted;
        if relevant { vec![(job.namespace().to_owned(), job.name().to_owned())] } else { Vec::new() }
    }

    async fn reconcile(&mut self, server: &Arc<Inner>, key: &Self::Key) -> Result<Option<Duration>, Failure> {
        let (namespace, name) = key;
        let Some(stored) = server.store.get(STORAGE, &object_key(namespace, name)) else { return Ok(None) };
        let job = stored.value();
        let lifetime = job.pointer("/spec/ttlSecondsAfterFinished").and_then(Value::as_u64);
        let (Some(lifetime), Some(finished), false) = (lifetime, finished(&job), stored.is_deleting()) else {
            return Ok(None);
        };
        let age = Timestamp::now().duration_since(finished);
        let left =
            jiff::SignedDuration::from_secs(i64::try_from(lifetime).unwrap_or(i64::MAX)).saturating_sub(age);
        if let Ok(left) = Duration::try_from(left)
            && !left.is_zero()
        {
            return Ok(Some(left));
        }
        let registry = server.registry();
        let resource = registry
            .resource("batch", "v1", "jobs")
            .ok_or_else(|| Failure::internal("jobs are not served"))?;
        let mut call = Call::internal(server, resource, namespace, name, MANAGER)
            .reviewed_as("ttl-after-finished-controller");
        let options = DeleteOptions {
            propagation: Some(Propagation::Foreground),
            uid: Some(stored.uid().to_owned()),
            ..DeleteOptions::default()
        };
        match call.delete(&options).await {
            Err(failure) if failure.code != http::StatusCode::NOT_FOUND => Err(failure),
            _ => Ok(None),
        }
    }
}

/// Returns when a Job finished, if it did.
fn finished(job: &Value) -> Option<Timestamp> {
    let conditions = job.pointer("/status/conditions").and_then(Value::as_array)?;
    let condition = conditions
        .iter()
        .find(|c| (c["type"] == "Complete" || c["type"] == "Failed") && c["status"] == "True")?;
    condition["lastTransitionTime"].as_str()?.parse().ok()
}
