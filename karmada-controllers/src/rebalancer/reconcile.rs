//! Reconciles one WorkloadRebalancer.

use jiff::Timestamp;
use karmada_core::api::apps::{ObjectReference, WorkloadRebalancer, WorkloadRebalancerStatus};
use karmada_core::api::work::{ClusterResourceBinding, ResourceBinding};
use karmada_core::object::binding_name;
use karmada_core::scheduling::{RebalanceAttempt, rebalance_status, workloads_to_ask};
use kube::api::{DeleteParams, Patch, PatchParams, Preconditions};
use serde_json::json;

use super::Context;
use crate::hub::{Action, ObjectKey, ReconcileError, chain, is_not_found, is_status};

/// What failed and may go better next time.
#[derive(Debug, thiserror::Error)]
#[error("failed to ask for a new schedule of {0} workloads")]
struct Unfinished(usize);

pub(super) async fn reconcile(context: &Context, name: &str) -> Result<Action, ReconcileError> {
    let Some(rebalancer) = context.rebalancers.find(&ObjectKey::new("", name)) else {
        return Ok(Action::Done);
    };
    if rebalancer.metadata.deletion_timestamp.is_some() {
        return Ok(Action::Done);
    }
    let Some(asked_at) = rebalancer.metadata.creation_timestamp.as_ref().map(|time| time.0) else {
        return Ok(Action::Done);
    };
    let before = rebalancer.status.clone().unwrap_or_default();
    let mut attempts = Vec::new();
    for workload in workloads_to_ask(&rebalancer.spec, &before) {
        attempts.push((workload, ask(context, workload, asked_at).await));
    }
    let generation = rebalancer.metadata.generation.unwrap_or_default();
    let decision = rebalance_status(&rebalancer.spec, &before, generation, &attempts, Timestamp::now());
    let mut finished_at = before.finish_time.map(|time| time.0);
    if let Some(status) = decision.status {
        finished_at = status.finish_time.as_ref().map(|time| time.0);
        write(context, &rebalancer, &status).await?;
    }
    if decision.retry {
        let failed = attempts.iter().filter(|(_, attempt)| *attempt == RebalanceAttempt::Failed).count();
        return Err(ReconcileError::decision(format!("rebalance {name}"))(Unfinished(failed)));
    }
    expire(context, &rebalancer, finished_at).await
}

/// Asks for a new schedule in the binding of a workload, unless it was asked for later already.
async fn ask(context: &Context, workload: &ObjectReference, asked_at: Timestamp) -> RebalanceAttempt {
    let hub = &context.hub;
    let key = ObjectKey::new(&workload.namespace, binding_name(&workload.kind, &workload.name));
    let is_namespaced = !workload.namespace.is_empty();
    let known = if is_namespaced {
        hub.bindings.find(&key).map(|binding| binding.spec.reschedule_triggered_at.clone())
    } else {
        hub.cluster_bindings.find(&key).map(|binding| binding.spec.reschedule_triggered_at.clone())
    };
    // An older cache does not say that there is none: the server decides.
    if known.flatten().is_some_and(|time| time.0 >= asked_at) {
        return RebalanceAttempt::Asked;
    }
    let patch =
        json!({"spec": {"rescheduleTriggeredAt": asked_at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()}});
    let (parameters, patch) = (PatchParams::default(), Patch::Merge(&patch));
    let result = if is_namespaced {
        let api = hub.namespaced::<ResourceBinding>(&key.namespace);
        api.patch(&key.name, &parameters, &patch).await.map(|binding| hub.bindings.observe(binding))
    } else {
        let api = hub.all::<ClusterResourceBinding>();
        api.patch(&key.name, &parameters, &patch).await.map(|binding| hub.cluster_bindings.observe(binding))
    };
    match result {
        Ok(()) => RebalanceAttempt::Asked,
        Err(error) if is_not_found(&error) => RebalanceAttempt::NoBinding,
        Err(error) => {
            tracing::warn!(binding = %key, error = chain(&error), "a new schedule could not be asked for");
            RebalanceAttempt::Failed
        }
    }
}

async fn write(
    context: &Context,
    rebalancer: &WorkloadRebalancer,
    status: &WorkloadRebalancerStatus,
) -> Result<(), ReconcileError> {
    let name = rebalancer.metadata.name.clone().unwrap_or_default();
    let api = context.hub.all::<WorkloadRebalancer>();
    // A finish time that is no more has to be taken away.
    let mut status = json!(status);
    if status.get("finishTime").is_none() {
        status["finishTime"] = serde_json::Value::Null;
    }
    let patch = json!({"status": status});
    match api.patch_status(&name, &PatchParams::default(), &Patch::Merge(&patch)).await {
        Ok(written) => {
            context.rebalancers.observe(written);
            Ok(())
        }
        Err(error) if is_not_found(&error) => Ok(()),
        Err(error) => {
            Err(ReconcileError::api(format!("update the status of WorkloadRebalancer {name}"))(error))
        }
    }
}

/// Deletes a finished rebalancer when its time is over.
async fn expire(
    context: &Context,
    rebalancer: &WorkloadRebalancer,
    finished_at: Option<Timestamp>,
) -> Result<Action, ReconcileError> {
    let (Some(seconds), Some(finished_at)) = (rebalancer.spec.ttl_seconds_after_finished, finished_at) else {
        return Ok(Action::Done);
    };
    let end = finished_at + jiff::SignedDuration::from_secs(i64::from(seconds));
    let left = end.duration_since(Timestamp::now());
    if let Ok(left) = std::time::Duration::try_from(left)
        && !left.is_zero()
    {
        return Ok(Action::RequeueAfter(left));
    }
    let name = rebalancer.metadata.name.clone().unwrap_or_default();
    let current = context.rebalancers.find(&ObjectKey::new("", &name));
    let version = current.and_then(|current| current.metadata.resource_version.clone());
    // Whoever changed it in the meantime wants it looked at again.
    let preconditions = Preconditions { resource_version: version, uid: rebalancer.metadata.uid.clone() };
    let parameters = DeleteParams { preconditions: Some(preconditions), ..DeleteParams::background() };
    match context.hub.all::<WorkloadRebalancer>().delete(&name, &parameters).await {
        Ok(_) => Ok(Action::Done),
        Err(error) if is_not_found(&error) || is_status(&error, 409) => Ok(Action::Done),
        Err(error) => {
            Err(ReconcileError::api(format!("delete the finished WorkloadRebalancer {name}"))(error))
        }
    }
}
