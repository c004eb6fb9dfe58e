//! Whether the pods of a workload are new and ready, and what keeps them from it.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::objects;
use super::trouble::{self, Trouble, Troubles};
use crate::api_error::ApiError;
use crate::error::chain_line;
use crate::raw;

/// Pause between two looks.
const PAUSE: Duration = Duration::from_millis(250);

/// Where a workload has got to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rollout {
    pub is_done: bool,
    /// Such as `1 of 2 pods ready`.
    pub seen: String,
}

/// What did not happen in time.
#[derive(Debug, thiserror::Error)]
pub enum WaitFailure {
    #[error("{what} was not ready within {} seconds: {seen}", .timeout.as_secs())]
    Late {
        what: String,
        timeout: Duration,
        seen: String,
        /// What to do about it.
        hint: Option<String>,
    },
    #[error("cannot look at {what}")]
    Look {
        what: String,
        #[source]
        source: ApiError,
    },
}

/// Waits until all pods of a workload are new and ready; `report` hears what is seen.
///
/// Pods of an old template that never got ready are removed where nobody else would replace them.
///
/// # Errors
/// When that takes too long, with what keeps the pods from it.
pub async fn wait(
    client: &kube::Client,
    namespace: &str,
    kind: &str,
    name: &str,
    timeout: Duration,
    mut report: impl FnMut(&str),
) -> Result<(), WaitFailure> {
    let started = Instant::now();
    let path = format!("{}/{name}", objects::collection("apps/v1", kind, namespace));
    let mut troubles = Troubles::new(client, namespace, name);
    loop {
        let is_late = started.elapsed() >= timeout;
        match look(client, namespace, &path, &mut troubles).await {
            Ok((rollout, None)) if rollout.is_done => {
                report(&rollout.seen);
                return Ok(());
            }
            Ok((rollout, trouble)) => {
                let (seen, hint) = match trouble {
                    Some(trouble) => (format!("{}; {}", rollout.seen, trouble.seen), trouble.hint),
                    None => (rollout.seen, None),
                };
                report(&seen);
                if is_late {
                    return Err(WaitFailure::Late { what: name.to_owned(), timeout, seen, hint });
                }
            }
            // It may be under load, or start anew: what was written is still wanted.
            Err(error) if (error.is_momentary() || error.is_unreachable()) && !is_late => {
                report(&format!("the host cluster does not answer: {}", chain_line(&error)));
            }
            Err(source) => return Err(WaitFailure::Look { what: name.to_owned(), source }),
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Looks at a workload, and at what keeps its pods when they are not ready.
async fn look(
    client: &kube::Client,
    namespace: &str,
    path: &str,
    troubles: &mut Troubles<'_>,
) -> Result<(Rollout, Option<Trouble>), ApiError> {
    let object = raw::read(client, path).await?.unwrap_or_default();
    let rollout = rollout(&object);
    if rollout.is_done {
        return Ok((rollout, None));
    }
    let pods = troubles.pods().await?;
    for pod in trouble::stuck(&object, &pods) {
        let name = pod["metadata"]["name"].as_str().unwrap_or_default();
        objects::delete(client, &format!("{}/{name}", objects::collection("v1", "Pod", namespace))).await?;
    }
    let trouble = troubles.look(&object, &pods).await?;
    Ok((rollout, trouble))
}

impl WaitFailure {
    /// What to do about it.
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::Late { hint, .. } => hint.as_deref(),
            Self::Look { .. } => None,
        }
    }
}

/// Reads the progress of a Deployment or StatefulSet.
pub fn rollout(object: &Value) -> Rollout {
    let number = |pointer: &str| object.pointer(pointer).and_then(Value::as_u64).unwrap_or_default();
    let wanted = object.pointer("/spec/replicas").and_then(Value::as_u64).unwrap_or(1);
    let (ready, updated) = (number("/status/readyReplicas"), number("/status/updatedReplicas"));
    let is_seen = number("/status/observedGeneration") >= number("/metadata/generation");
    // What is left of the old pods may still serve.
    let has_old = number("/status/replicas") > updated;
    Rollout {
        is_done: !object.is_null() && is_seen && ready >= wanted && updated >= wanted && !has_old,
        seen: format!("{ready} of {wanted} pod{} ready", if wanted == 1 { "" } else { "s" }),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_rollout_is_done_when_all_pods_are_new_and_ready() {
        let check = |generation: u64, observed: u64, replicas: u64, updated: u64, ready: u64| {
            rollout(&json!({
                "metadata": {"generation": generation}, "spec": {"replicas": 2},
                "status": {"observedGeneration": observed, "replicas": replicas, "updatedReplicas": updated,
                    "readyReplicas": ready},
            }))
            .is_done
        };
        assert!(check(2, 2, 2, 2, 2));
        assert!(!check(2, 1, 2, 2, 2), "the controller has not seen it");
        assert!(!check(2, 2, 3, 2, 2), "an old pod is left");
        assert!(!check(2, 2, 2, 2, 1));
        assert!(!rollout(&Value::Null).is_done);
    }
}
