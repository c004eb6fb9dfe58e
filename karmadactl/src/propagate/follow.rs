//! Following templates until they are applied and healthy in every cluster they were scheduled to.

use std::time::{Duration, Instant};

use karmada_core::api::policy::constants::{
    CLUSTER_PROPAGATION_POLICY_NAME_ANNOTATION, PROPAGATION_POLICY_NAME_ANNOTATION,
};
use serde_json::Value;

use super::{Applied, Purpose};
use crate::api_error::ApiError;
use crate::discovery::Scope;
use crate::raw;

/// Pause between two looks at the bindings.
const PAUSE: Duration = Duration::from_millis(200);

/// How far an object has got in one cluster.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// The member did not report the current object yet.
    Waiting,
    /// The member refused the object.
    Failed(String),
    /// The object is there and not (or not known to be) healthy.
    Unhealthy,
    Healthy,
}

/// An object in one cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterState {
    pub cluster: String,
    /// Replicas the scheduler gave the cluster, for kinds that have replicas.
    pub replicas: Option<i64>,
    pub stage: Stage,
}

/// How far a template has got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectState {
    /// `deployment.apps/web`.
    pub label: String,
    /// What is waited for before clusters are known.
    pub pending: Option<String>,
    pub clusters: Vec<ClusterState>,
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Everywhere,
    Partly,
    Nowhere,
}

/// The last state seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Followed {
    pub objects: Vec<ObjectState>,
    pub verdict: Verdict,
}

/// The control plane stopped answering.
#[derive(Debug, thiserror::Error)]
#[error("cannot follow {label}")]
pub struct FollowError {
    pub label: String,
    #[source]
    pub source: Box<ApiError>,
}

/// Follows the templates among `applied` until all are healthy everywhere or the time is up.
///
/// `report` sees every look at the bindings.
pub async fn follow(
    client: &kube::Client,
    applied: &[Applied],
    timeout: Duration,
    mut report: impl FnMut(&[ObjectState]),
) -> Result<Followed, FollowError> {
    let started = Instant::now();
    let templates: Vec<&Applied> =
        applied.iter().filter(|applied| applied.planned.purpose == Purpose::Template).collect();
    loop {
        let mut objects = Vec::new();
        for template in &templates {
            let policy = policy_of(applied, template);
            let binding = read_binding(client, template).await?;
            objects.push(object_state(template, policy, binding.as_ref()));
        }
        report(&objects);
        let verdict = verdict(&objects);
        if verdict == Verdict::Everywhere || started.elapsed() >= timeout {
            return Ok(Followed { objects, verdict });
        }
        tokio::time::sleep(PAUSE.min(timeout.saturating_sub(started.elapsed()))).await;
    }
}

/// The policy made for the template's namespace.
fn policy_of<'a>(applied: &'a [Applied], template: &Applied) -> Option<&'a Value> {
    applied
        .iter()
        .filter(|other| other.planned.purpose == Purpose::Policy)
        .map(|other| &other.object)
        .find(|policy| policy["metadata"]["namespace"] == template.object["metadata"]["namespace"])
}

async fn read_binding(client: &kube::Client, template: &Applied) -> Result<Option<Value>, FollowError> {
    let metadata = &template.object["metadata"];
    let name = binding_name(metadata["name"].as_str().unwrap_or_default(), &template.kind.kind);
    let path = match (template.kind.scope, metadata["namespace"].as_str()) {
        (Scope::Namespaced, Some(namespace)) => {
            format!("/apis/work.karmada.io/v1alpha2/namespaces/{namespace}/resourcebindings/{name}")
        }
        _ => format!("/apis/work.karmada.io/v1alpha2/clusterresourcebindings/{name}"),
    };
    raw::read(client, &path)
        .await
        .map_err(|source| FollowError { label: label(template), source: Box::new(source) })
}

/// Name of the binding of a template.
fn binding_name(name: &str, kind: &str) -> String {
    format!("{name}-{kind}").to_lowercase().replace(':', ".")
}

fn label(template: &Applied) -> String {
    let name = template.object["metadata"]["name"].as_str().unwrap_or_default();
    format!("{}/{name}", template.kind.qualified_singular())
}

fn object_state(template: &Applied, policy: Option<&Value>, binding: Option<&Value>) -> ObjectState {
    let pending =
        |text: String| ObjectState { label: label(template), pending: Some(text), clusters: Vec::new() };
    let Some(binding) = binding else { return pending("waits for its policy".to_owned()) };
    if let Some(policy) = policy
        && binding["spec"]["placement"] != policy["spec"]["placement"]
    {
        return pending(match other_policy(binding, policy) {
            Some(other) => format!("belongs to another policy: {other}"),
            None => "waits for its policy".to_owned(),
        });
    }
    if binding["status"]["schedulerObservedGeneration"] != binding["metadata"]["generation"] {
        return pending("waits to be scheduled".to_owned());
    }
    let conditions = binding["status"]["conditions"].as_array().map(Vec::as_slice).unwrap_or_default();
    let scheduled = conditions.iter().find(|condition| condition["type"] == "Scheduled");
    if let Some(condition) = scheduled.filter(|condition| condition["status"] != "True") {
        return pending(format!(
            "is not scheduled: {}",
            condition["message"].as_str().unwrap_or("no reason given")
        ));
    }
    let targets = binding["spec"]["clusters"].as_array().map(Vec::as_slice).unwrap_or_default();
    if targets.is_empty() {
        return pending("is scheduled to no cluster".to_owned());
    }
    let reported = binding["status"]["aggregatedStatus"].as_array().map(Vec::as_slice).unwrap_or_default();
    let generation = template.object["metadata"]["generation"].as_i64();
    let mut clusters: Vec<ClusterState> = targets
        .iter()
        .map(|target| {
            let item = reported.iter().find(|item| item["clusterName"] == target["name"]);
            ClusterState {
                cluster: target["name"].as_str().unwrap_or_default().to_owned(),
                replicas: target["replicas"].as_i64(),
                stage: item.map_or(Stage::Waiting, |item| stage(item, generation)),
            }
        })
        .collect();
    clusters.sort_by(|left, right| left.cluster.cmp(&right.cluster));
    ObjectState { label: label(template), pending: None, clusters }
}

/// Names the policy that claimed the object when it is not ours.
fn other_policy(binding: &Value, policy: &Value) -> Option<String> {
    let annotations = &binding["metadata"]["annotations"];
    let claim = annotations[PROPAGATION_POLICY_NAME_ANNOTATION]
        .as_str()
        .or_else(|| annotations[CLUSTER_PROPAGATION_POLICY_NAME_ANNOTATION].as_str())?;
    (policy["metadata"]["name"] != claim).then(|| claim.to_owned())
}

fn stage(item: &Value, template_generation: Option<i64>) -> Stage {
    if item["applied"] != true {
        return match item["appliedMessage"].as_str() {
            Some(message) if !message.is_empty() => Stage::Failed(message.to_owned()),
            _ => Stage::Waiting,
        };
    }
    // What the member reported of an older template says nothing about this one.
    let reported = item["status"]["resourceTemplateGeneration"].as_i64();
    if let (Some(reported), Some(current)) = (reported, template_generation)
        && reported < current
    {
        return Stage::Waiting;
    }
    if item["health"] == "Healthy" { Stage::Healthy } else { Stage::Unhealthy }
}

fn verdict(objects: &[ObjectState]) -> Verdict {
    let all = objects.iter().all(|object| {
        object.pending.is_none() && object.clusters.iter().all(|cluster| cluster.stage == Stage::Healthy)
    });
    let any =
        objects.iter().any(|object| object.clusters.iter().any(|cluster| cluster.stage == Stage::Healthy));
    match (all, any) {
        (true, _) => Verdict::Everywhere,
        (false, true) => Verdict::Partly,
        (false, false) => Verdict::Nowhere,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discovery::ResourceKind;
    use crate::propagate::PlannedObject;
    use serde_json::json;

    fn template() -> Applied {
        let object = json!({ "metadata": { "name": "web", "namespace": "d", "generation": 2 } });
        Applied {
            planned: PlannedObject { object: object.clone(), purpose: Purpose::Template, manifest: None },
            kind: ResourceKind { group: "apps".into(), kind: "Deployment".into(), ..ResourceKind::default() },
            object,
        }
    }

    fn binding(items: Value) -> Value {
        json!({
            "metadata": { "generation": 2, "annotations": { "propagationpolicy.karmada.io/name": "p" } },
            "spec": { "placement": { "a": 1 }, "clusters": [{ "name": "m2", "replicas": 1 }, { "name": "m1", "replicas": 2 }] },
            "status": {
                "schedulerObservedGeneration": 2,
                "conditions": [{ "type": "Scheduled", "status": "True" }],
                "aggregatedStatus": items,
            },
        })
    }

    fn policy() -> Value {
        json!({ "metadata": { "name": "p" }, "spec": { "placement": { "a": 1 } } })
    }

    #[test]
    fn each_cluster_is_followed_from_waiting_to_healthy() {
        let items = json!([
            { "clusterName": "m1", "applied": true, "health": "Healthy", "status": { "resourceTemplateGeneration": 2 } },
            { "clusterName": "m2", "applied": true, "health": "Unhealthy", "status": { "resourceTemplateGeneration": 2 } },
        ]);
        let state = object_state(&template(), Some(&policy()), Some(&binding(items)));
        let stages: Vec<_> = state
            .clusters
            .iter()
            .map(|cluster| (cluster.cluster.as_str(), cluster.replicas, &cluster.stage))
            .collect();
        assert_eq!(stages, [("m1", Some(2), &Stage::Healthy), ("m2", Some(1), &Stage::Unhealthy)]);
        assert_eq!(verdict(&[state]), Verdict::Partly);
    }

    #[test]
    fn what_a_member_said_about_an_older_template_does_not_count() {
        let old =
            json!({ "applied": true, "health": "Healthy", "status": { "resourceTemplateGeneration": 1 } });
        assert_eq!(stage(&old, Some(2)), Stage::Waiting);
        assert_eq!(stage(&json!({ "applied": true, "health": "Healthy" }), Some(2)), Stage::Healthy);
        assert_eq!(stage(&json!({ "appliedMessage": "no" }), Some(2)), Stage::Failed("no".into()));
    }

    #[test]
    fn before_clusters_are_known_the_state_says_what_is_missing() {
        let pending = |policy: &Value, binding: Option<&Value>| {
            object_state(&template(), Some(policy), binding).pending.unwrap()
        };
        assert_eq!(pending(&policy(), None), "waits for its policy");
        let mut other = policy();
        other["spec"]["placement"] = json!({});
        assert_eq!(pending(&other, Some(&binding(json!([])))), "waits for its policy");
        other["metadata"]["name"] = json!("q");
        assert_eq!(pending(&other, Some(&binding(json!([])))), "belongs to another policy: p");
        let mut unscheduled = binding(json!([]));
        unscheduled["status"]["conditions"] =
            json!([{ "type": "Scheduled", "status": "False", "message": "0/3 fit" }]);
        assert_eq!(pending(&policy(), Some(&unscheduled)), "is not scheduled: 0/3 fit");
        unscheduled["status"]["schedulerObservedGeneration"] = json!(1);
        assert_eq!(pending(&policy(), Some(&unscheduled)), "waits to be scheduled");
    }

    #[test]
    fn bindings_are_named_after_template_and_kind() {
        assert_eq!(binding_name("system:View", "ClusterRole"), "system.view-clusterrole");
    }
}
