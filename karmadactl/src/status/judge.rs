//! From facts to a report.

use std::collections::BTreeSet;

use jiff::Timestamp;
use karmada_core::interpreter::{
    NativeInterpreter, ObjectKind, Operation, ResourceInterpreter as _, ThirdPartyInterpreter,
};
use serde_json::Value;

use super::facts::Facts;
use super::report::{BindingState, ClusterState, PolicyState, Problem, Report, Verdict, Warning};

/// How many warnings are shown.
const MAX_WARNINGS: usize = 5;

impl Report {
    /// Judges what the control plane has about an object.
    pub fn of(facts: &Facts, now: Timestamp) -> Self {
        let subject = &facts.subject;
        let mut problems = Vec::new();
        let policy = policy(facts, &mut problems);
        let binding = binding(facts, &mut problems);
        let clusters: Vec<ClusterState> =
            facts.targets().iter().map(|cluster| cluster_state(facts, cluster, &mut problems)).collect();
        let is_scheduled = binding.as_ref().is_some_and(|binding| binding.scheduled);
        let done = clusters.iter().filter(|cluster| cluster.done).count();
        let verdict = match done {
            0 => Verdict::NotHealthy,
            _ if done == clusters.len() && is_scheduled => Verdict::Healthy,
            _ => Verdict::PartlyHealthy,
        };
        Self {
            api_version: subject.kind.api_version(),
            kind: subject.kind.kind.clone(),
            namespace: subject.namespace.clone(),
            name: subject.name.clone(),
            verdict,
            template: facts.template.as_ref().map(replicas_of),
            policy,
            binding,
            clusters,
            problems,
            warnings: if verdict == Verdict::Healthy { Vec::new() } else { warnings(&facts.events, now) },
        }
    }
}

fn problem(place: &str, message: impl Into<String>, hint: Option<String>) -> Problem {
    Problem { place: place.to_owned(), message: message.into(), hint }
}

fn policy(facts: &Facts, problems: &mut Vec<Problem>) -> Option<PolicyState> {
    let subject = &facts.subject;
    if facts.template.is_none() {
        problems.push(problem("template", "the object is not in the control plane", None));
    }
    let Some((kind, namespace, name)) = &facts.policy_reference else {
        if facts.template.is_some() {
            let label = format!("{}/{}", subject.kind.qualified_singular(), subject.name);
            problems.push(problem(
                "policy",
                "no policy selects the object, so it goes nowhere",
                Some(format!("make a PropagationPolicy whose resourceSelectors match {label}, or `karmadactl propagate` it")),
            ));
        }
        return None;
    };
    let exists = facts.policy.is_some();
    if !exists {
        problems.push(problem(
            "policy",
            format!("the {kind} {name} is gone; what it placed stays until another policy takes over"),
            None,
        ));
    }
    Some(PolicyState { kind: kind.clone(), namespace: namespace.clone(), name: name.clone(), exists })
}

fn binding(facts: &Facts, problems: &mut Vec<Problem>) -> Option<BindingState> {
    let Some(binding) = &facts.binding else {
        if facts.policy_reference.is_some() && facts.template.is_some() {
            problems.push(problem(
                "binding",
                "there is no binding yet",
                Some(
                    "does the control plane run? `karmadactl serve` and `karmadactl local-up` run it"
                        .to_owned(),
                ),
            ));
        }
        return None;
    };
    let name = binding["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    let condition = condition(&binding["status"], "Scheduled");
    let message =
        condition.and_then(|condition| condition["message"].as_str()).unwrap_or_default().to_owned();
    let is_current = binding["status"]["schedulerObservedGeneration"] == binding["metadata"]["generation"];
    let is_true = condition.is_some_and(|condition| condition["status"] == "True");
    let has_targets = !facts.targets().is_empty();
    if binding.pointer("/spec/suspension/scheduling") == Some(&Value::Bool(true)) {
        problems.push(problem("binding", "scheduling is suspended (spec.suspension.scheduling)", None));
    } else if condition.is_some() && !is_true {
        problems.push(problem("binding", format!("not scheduled: {message}"), unfit_hint(facts)));
    } else if !is_current {
        problems.push(problem("binding", "waits for the scheduler", None));
    } else if !has_targets {
        problems.push(problem("binding", "is scheduled to no cluster", unfit_hint(facts)));
    }
    Some(BindingState { name, scheduled: is_true && is_current && has_targets, message })
}

/// Says which clusters cannot take anything, if there are any.
fn unfit_hint(facts: &Facts) -> Option<String> {
    if facts.clusters.is_empty() {
        return Some("no clusters are registered; `karmadactl join` registers one".to_owned());
    }
    let unfit: Vec<String> = facts
        .clusters
        .iter()
        .filter_map(|(name, cluster)| {
            if !is_ready(cluster) {
                return Some(format!("{name} is not ready"));
            }
            let taints = cluster.pointer("/spec/taints")?.as_array()?;
            let taint = taints.iter().find(|taint| taint["effect"] != "PreferNoSchedule")?;
            let text = |field: &str| taint[field].as_str().unwrap_or_default();
            Some(format!("{name} has the taint {}:{}", text("key"), text("effect")))
        })
        .collect();
    (!unfit.is_empty()).then(|| unfit.join(", "))
}

fn cluster_state(facts: &Facts, name: &str, problems: &mut Vec<Problem>) -> ClusterState {
    let binding = facts.binding.as_ref().unwrap_or(&Value::Null);
    let list =
        |path: &str| binding.pointer(path).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let target = list("/spec/clusters").iter().find(|target| target["name"] == name);
    let item = list("/status/aggregatedStatus").iter().find(|item| item["clusterName"] == name);
    let cluster = facts.clusters.get(name);
    let ready = cluster.is_some_and(is_ready);
    let item = item.unwrap_or(&Value::Null);
    let applied = item["applied"] == true;
    let health = item["health"].as_str().unwrap_or("Unknown").to_owned();
    let mut state = ClusterState {
        name: name.to_owned(),
        ready,
        replicas: target.and_then(|target| target["replicas"].as_i64()),
        applied,
        detail: detail(&item["status"]),
        done: false,
        health,
    };
    let message = match cluster {
        None => Some("the cluster is not registered (any more)".to_owned()),
        Some(cluster) if !ready => Some(not_ready(cluster)),
        Some(_) => None,
    };
    if let Some(message) = message {
        problems.push(problem(name, message, None));
    }
    match stuck(facts, name, item, &state) {
        None => state.done = ready,
        Some((message, hint)) => problems.push(problem(name, message, hint)),
    }
    state
}

/// Says what keeps an object from being done in a member that answers.
fn stuck(
    facts: &Facts,
    cluster: &str,
    item: &Value,
    state: &ClusterState,
) -> Option<(String, Option<String>)> {
    let Some(work) = facts.works.get(cluster) else {
        return Some(("there is no Work for the cluster yet".to_owned(), None));
    };
    let text = |field: &str| work["metadata"][field].as_str().unwrap_or_default();
    let label = format!("{}/{}", text("namespace"), text("name"));
    if work.pointer("/spec/suspendDispatching") == Some(&Value::Bool(true)) {
        return Some((format!("dispatching is suspended (Work {label})"), None));
    }
    let subject = &facts.subject;
    let read_it = || {
        let namespace =
            subject.namespace.as_ref().map_or(String::new(), |namespace| format!(" -n {namespace}"));
        format!(
            "`karmadactl get {} {}{namespace} -s members -C {cluster} -o yaml` shows it there",
            subject.kind.qualified_singular(),
            subject.name
        )
    };
    if !state.applied {
        let applied = condition(&work["status"], "Applied").filter(|condition| condition["status"] != "True");
        let of_work = applied.and_then(|condition| condition["message"].as_str());
        let of_binding = item["appliedMessage"].as_str().filter(|message| !message.is_empty());
        return Some(match of_binding.or(of_work) {
            Some(message) => (format!("not applied: {message}"), None),
            None => (format!("waits to be applied (Work {label})"), None),
        });
    }
    let generation = facts.template.as_ref().and_then(|template| template["metadata"]["generation"].as_i64());
    if let (Some(reported), Some(current)) =
        (item["status"]["resourceTemplateGeneration"].as_i64(), generation)
        && reported < current
    {
        return Some(("the member has not reported the latest change yet".to_owned(), None));
    }
    match state.health.as_str() {
        "Healthy" => None,
        "Unhealthy" => {
            let detail = if state.detail.is_empty() { String::new() } else { format!(": {}", state.detail) };
            Some((format!("applied, not healthy{detail}"), Some(read_it())))
        }
        // Of many kinds nobody can tell: applied is all there is to wait for.
        _ if has_health(facts) => Some(("applied, its health is not known yet".to_owned(), Some(read_it()))),
        _ => None,
    }
}

/// Whether the built-in rules can tell the health of the kind.
fn has_health(facts: &Facts) -> bool {
    let object = serde_json::json!({ "apiVersion": facts.subject.kind.api_version(), "kind": facts.subject.kind.kind });
    let kind = ObjectKind::of(&object);
    NativeInterpreter::default().hook_enabled(kind, Operation::InterpretHealth)
        || ThirdPartyInterpreter::default().hook_enabled(kind, Operation::InterpretHealth)
}

fn condition<'a>(status: &'a Value, condition_type: &str) -> Option<&'a Value> {
    status["conditions"].as_array()?.iter().find(|condition| condition["type"] == condition_type)
}

fn is_ready(cluster: &Value) -> bool {
    condition(&cluster["status"], "Ready").is_some_and(|condition| condition["status"] == "True")
}

fn not_ready(cluster: &Value) -> String {
    let ready = condition(&cluster["status"], "Ready");
    match ready.and_then(|ready| ready["message"].as_str()).filter(|message| !message.is_empty()) {
        Some(message) => format!("the cluster is not ready: {message}"),
        None => "the cluster is not ready".to_owned(),
    }
}

/// What a template asks for and has in all members.
fn replicas_of(template: &Value) -> String {
    match template.pointer("/spec/replicas").and_then(Value::as_i64) {
        None => "in the control plane".to_owned(),
        Some(replicas) => {
            let ready = template.pointer("/status/readyReplicas").and_then(Value::as_i64).unwrap_or_default();
            let plural = if replicas == 1 { "" } else { "s" };
            format!("{replicas} replica{plural}, {ready} ready in all clusters")
        }
    }
}

/// What a member says about the object, in few words.
fn detail(status: &Value) -> String {
    let number = |field: &str| status[field].as_i64();
    if let Some(replicas) = number("replicas").or_else(|| number("desiredNumberScheduled")) {
        let ready = number("readyReplicas").or_else(|| number("numberReady")).unwrap_or_default();
        return format!("{ready} of {replicas} ready");
    }
    let counts: Vec<String> = [("active", "active"), ("succeeded", "succeeded"), ("failed", "failed")]
        .into_iter()
        .filter_map(|(field, word)| number(field).map(|count| format!("{count} {word}")))
        .collect();
    if !counts.is_empty() {
        return counts.join(", ");
    }
    status["phase"].as_str().unwrap_or_default().to_owned()
}

/// Returns the newest warnings, each once.
fn warnings(events: &[Value], now: Timestamp) -> Vec<Warning> {
    let mut warnings: Vec<Warning> = events
        .iter()
        .filter(|event| event["type"] == "Warning")
        .map(|event| {
            let seen = ["lastTimestamp", "eventTime", "firstTimestamp"]
                .into_iter()
                .find_map(|field| event[field].as_str()?.parse::<Timestamp>().ok());
            let about = &event["involvedObject"];
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            Warning {
                age_seconds: seen.map_or(0, |seen| now.as_second() - seen.as_second()).max(0),
                object: format!("{} {}", text(&about["kind"]), text(&about["name"])),
                reason: text(&event["reason"]),
                message: text(&event["message"]),
                count: event["count"].as_i64().unwrap_or(1),
            }
        })
        .collect();
    warnings.sort_by(|left, right| (left.age_seconds, &left.reason).cmp(&(right.age_seconds, &right.reason)));
    let mut seen = BTreeSet::new();
    warnings.retain(|warning| seen.insert((warning.object.clone(), warning.message.clone())));
    warnings.truncate(MAX_WARNINGS);
    warnings
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::super::facts::Subject;
    use super::super::render;
    use super::*;
    use crate::discovery::ResourceKind;

    fn facts() -> Facts {
        let cluster = |status: &str| json!({"status": {"conditions": [{"type": "Ready", "status": status, "message": "cluster is not reachable"}]}});
        let work = |cluster: &str| json!({"metadata": {"name": "web-1", "namespace": format!("karmada-es-{cluster}")}});
        Facts {
            subject: Subject {
                kind: ResourceKind {
                    group: "apps".into(),
                    version: "v1".into(),
                    kind: "Deployment".into(),
                    singular: "deployment".into(),
                    ..ResourceKind::default()
                },
                namespace: Some("shop".into()),
                name: "web".into(),
            },
            template: Some(
                json!({"metadata": {"generation": 2}, "spec": {"replicas": 3}, "status": {"readyReplicas": 2}}),
            ),
            binding: Some(json!({
                "metadata": {"name": "web-deployment", "generation": 4},
                "spec": {"clusters": [{"name": "m2", "replicas": 1}, {"name": "m1", "replicas": 2}]},
                "status": {
                    "schedulerObservedGeneration": 4,
                    "conditions": [{"type": "Scheduled", "status": "True", "message": "ok"}],
                    "aggregatedStatus": [
                        {"clusterName": "m1", "applied": true, "health": "Healthy", "status": {"replicas": 2, "readyReplicas": 2, "resourceTemplateGeneration": 2}},
                        {"clusterName": "m2", "applied": false, "appliedMessage": "quota exceeded", "health": "Unknown"},
                    ],
                },
            })),
            policy_reference: Some(("PropagationPolicy".into(), Some("shop".into()), "web".into())),
            policy: Some(json!({})),
            works: BTreeMap::from([("m1".into(), work("m1")), ("m2".into(), work("m2"))]),
            clusters: BTreeMap::from([
                ("m1".into(), cluster("True")),
                ("m2".into(), cluster("True")),
                ("m3".into(), cluster("False")),
            ]),
            events: vec![json!({
                "type": "Warning", "reason": "SyncFailed", "message": "quota exceeded", "count": 3,
                "involvedObject": {"kind": "Work", "name": "web-1"}, "lastTimestamp": "2026-01-01T00:00:00Z",
            })],
        }
    }

    fn report(facts: &Facts) -> Report {
        Report::of(facts, "2026-01-01T00:01:05Z".parse().unwrap())
    }

    #[test]
    fn one_member_that_refuses_makes_it_partly_healthy() {
        insta::assert_snapshot!(render(&report(&facts())), @r"
        Deployment shop/web is healthy in 1 of 2 clusters

        Template   3 replicas, 2 ready in all clusters
        Policy     PropagationPolicy shop/web
        Binding    web-deployment, scheduled to 2 clusters

        CLUSTER   READY   REPLICAS   APPLIED   HEALTH    STATUS
        m1        yes     2          yes       Healthy   2 of 2 ready
        m2        yes     1          no        Unknown   -

        Stuck:
          m2: not applied: quota exceeded

        Warnings:
          65s ago, 3 times: SyncFailed on Work web-1: quota exceeded
        ");
    }

    #[test]
    fn healthy_everywhere_has_nothing_to_say() {
        let mut facts = facts();
        facts.binding.as_mut().unwrap()["status"]["aggregatedStatus"][1] =
            json!({"clusterName": "m2", "applied": true, "health": "Healthy"});
        let report = report(&facts);
        assert_eq!((report.verdict, report.problems, report.warnings), (Verdict::Healthy, vec![], vec![]));
    }

    #[test]
    fn each_stage_can_be_the_one_that_is_stuck() {
        let messages = |change: &dyn Fn(&mut Facts)| {
            let mut facts = facts();
            change(&mut facts);
            report(&facts)
                .problems
                .into_iter()
                .map(|problem| format!("{}: {}", problem.place, problem.message))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            messages(&|facts| {
                facts.policy_reference = None;
                facts.binding = None;
            }),
            ["policy: no policy selects the object, so it goes nowhere"]
        );
        assert_eq!(messages(&|facts| facts.binding = None), ["binding: there is no binding yet"]);
        assert_eq!(
            messages(&|facts| {
                let binding = facts.binding.as_mut().unwrap();
                binding["spec"]["clusters"] = json!([]);
                binding["status"]["conditions"][0] =
                    json!({"type": "Scheduled", "status": "False", "message": "0/3 clusters are available"});
            }),
            ["binding: not scheduled: 0/3 clusters are available"]
        );
        assert_eq!(
            messages(&|facts| drop(facts.works.remove("m2"))),
            ["m2: there is no Work for the cluster yet"]
        );
        assert_eq!(
            messages(&|facts| {
                facts.binding.as_mut().unwrap()["spec"]["clusters"] = json!([{"name": "m3"}, {"name": "m9"}]);
            }),
            [
                "m3: the cluster is not ready: cluster is not reachable",
                "m3: there is no Work for the cluster yet",
                "m9: the cluster is not registered (any more)",
                "m9: there is no Work for the cluster yet",
            ]
        );
    }

    #[test]
    fn kinds_without_health_are_done_when_they_are_applied() {
        let mut facts = facts();
        let item = json!({"clusterName": "m2", "applied": true, "health": "Unknown"});
        facts.binding.as_mut().unwrap()["status"]["aggregatedStatus"][1] = item;
        assert_eq!(report(&facts).verdict, Verdict::PartlyHealthy);
        facts.subject.kind =
            ResourceKind { version: "v1".into(), kind: "ConfigMap".into(), ..ResourceKind::default() };
        assert_eq!(report(&facts).verdict, Verdict::Healthy);
    }
}
