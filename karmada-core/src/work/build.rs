//! From a binding to one Work per cluster.

use std::collections::BTreeMap;

use serde_json::Value;

use super::desired::DesiredWork;
use super::failover::preserved_labels;
use super::targets::clusters_to_purge;
use super::{
    About, BindingInput, ClusterFailure, Event, OrphanWork, WorkError, WorksDecision, conflict_rule,
    divide_completions, expected_clusters, target_clusters,
};
use crate::api::cluster::Cluster;
use crate::api::policy::constants::{
    APPLIED_CLUSTER_OVERRIDES_ANNOTATION, APPLIED_OVERRIDES_ANNOTATION, APPLY_OVERRIDE_POLICY_FAILED,
    APPLY_OVERRIDE_POLICY_SUCCEED,
};
use crate::api::policy::{ClusterOverridePolicy, OverridePolicy, ReplicaSchedulingType};
use crate::api::reserved::TEMPLATE_GENERATION_ANNOTATION;
use crate::api::work::constants::{CONFLICT_RESOLUTION_ANNOTATION, SYNC_WORK_FAILED, SYNC_WORK_SUCCEED};
use crate::api::work::{ResourceBindingSpec, TargetCluster, Work};
use crate::causes::text_with_causes;
use crate::interpreter::{ObjectKind, Operation, ResourceInterpreter};
use crate::object::{self, cluster_of_execution_namespace, execution_namespace, set_nested, work_name};
use crate::overriding::{AppliedOverrides, apply_overrides};

/// What decides about a binding's Works.
#[derive(Clone, Copy)]
pub struct WorksInput<'a> {
    /// The binding.
    pub binding: BindingInput<'a>,
    /// The template; none when it is gone.
    pub template: Option<&'a Value>,
    /// The clusters by name.
    pub clusters: &'a BTreeMap<String, &'a Cluster>,
    /// All cluster-scoped override policies.
    pub cluster_override_policies: &'a [ClusterOverridePolicy],
    /// The override policies of the template's namespace.
    pub override_policies: &'a [OverridePolicy],
    /// The Works with the binding's id label, and those with the names that its Works have or would have.
    pub existing: &'a [&'a Work],
    /// Knows how to set replicas.
    pub interpreter: &'a dyn ResourceInterpreter,
    /// Feature gates.
    pub options: WorksOptions,
}

/// Feature gates of the building of Works.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WorksOptions {
    /// Whether state moves along with a workload that moves to another cluster.
    pub stateful_failover_injection: bool,
}

/// Decides which Works a binding wants.
///
/// Orphans are to be deleted first. A failure for one cluster does not stop the others.
pub fn build_works(input: &WorksInput<'_>) -> WorksDecision {
    let mut decision = WorksDecision { orphans: orphans(input), ..Default::default() };
    if waits_for_purge(input) {
        decision.waits_for_purge = true;
        return decision;
    }
    let Some(template) = input.template else { return decision };
    let targets = target_clusters(input.binding.spec);
    let completions = completions(template, input.binding.spec, &targets);
    let name = work_name(object::kind(template), object::name(template), object::namespace(template));
    let existing = by_cluster(input, &name);
    for target in targets {
        let existing = existing.get(target.name.as_str()).copied();
        let write = desired_work(input, template, target, completions.as_ref(), &mut decision.events)
            .and_then(|desired| write_of(desired, existing, &target.name));
        match write {
            Ok(write) => decision.writes.extend(write),
            Err(error) => decision.failures.push(ClusterFailure { cluster: target.name.clone(), error }),
        }
    }
    decision.events.extend(outcome_events(input.binding, &decision.failures));
    decision
}

fn write_of(
    desired: DesiredWork,
    existing: Option<&Work>,
    cluster: &str,
) -> Result<Option<super::WorkWrite>, WorkError> {
    if existing.is_some_and(|work| work.metadata.deletion_timestamp.is_some()) {
        return Err(WorkError::Terminating { namespace: desired.namespace, name: desired.name });
    }
    desired.into_write(existing).map_err(|source| WorkError::Prune { cluster: cluster.to_owned(), source })
}

fn outcome_events(binding: BindingInput<'_>, failures: &[ClusterFailure]) -> Vec<Event> {
    let about = [About::Binding, About::Template];
    if failures.is_empty() {
        let message = format!("Sync work of {} successful.", binding.title());
        return about.map(|about| Event::normal(about, SYNC_WORK_SUCCEED, message.clone())).into();
    }
    let texts: Vec<_> = failures.iter().map(|failure| text_with_causes(&failure.error)).collect();
    let message = if texts.len() == 1 { texts.concat() } else { format!("[{}]", texts.join(", ")) };
    about.map(|about| Event::warning(about, SYNC_WORK_FAILED, message.clone())).into()
}

/// Returns the binding's Works in clusters that should not have one.
fn orphans(input: &WorksInput<'_>) -> Vec<OrphanWork> {
    let expected = expected_clusters(input.binding.spec);
    let own = own_works(input);
    own.filter(|(cluster, _)| !expected.contains(cluster))
        .map(|(_, work)| OrphanWork {
            namespace: work.metadata.namespace.clone().unwrap_or_default(),
            name: work.metadata.name.clone().unwrap_or_default(),
        })
        .collect()
}

fn waits_for_purge(input: &WorksInput<'_>) -> bool {
    let purged = clusters_to_purge(input.binding.spec);
    !purged.is_empty() && own_works(input).any(|(cluster, _)| purged.contains(cluster))
}

/// Returns the Works that carry the binding's id, with their clusters.
fn own_works<'a>(input: &WorksInput<'a>) -> impl Iterator<Item = (&'a str, &'a Work)> {
    let (key, id) = input.binding.id_label();
    input.existing.iter().copied().filter_map(move |work| {
        let own = work.metadata.labels.as_ref()?.get(key)? == id && !id.is_empty();
        let cluster = cluster_of_execution_namespace(work.metadata.namespace.as_deref()?).ok()?;
        own.then_some((cluster, work))
    })
}

/// Returns the Works of a name by the cluster they are for.
fn by_cluster<'a>(input: &WorksInput<'a>, name: &str) -> BTreeMap<&'a str, &'a Work> {
    let named = input.existing.iter().copied().filter(|work| work.metadata.name.as_deref() == Some(name));
    named
        .filter_map(|work| {
            let namespace = work.metadata.namespace.as_deref()?;
            Some((cluster_of_execution_namespace(namespace).ok()?, work))
        })
        .collect()
}

fn completions(
    template: &Value,
    spec: &ResourceBindingSpec,
    targets: &[&TargetCluster],
) -> Option<BTreeMap<String, i64>> {
    let strategy = spec.placement.as_ref()?.replica_scheduling.as_ref()?;
    let divided = strategy.replica_scheduling_type == ReplicaSchedulingType::Divided;
    (object::kind(template) == "Job" && spec.replicas > 0 && divided)
        .then(|| divide_completions(template, targets))
        .flatten()
}

fn desired_work(
    input: &WorksInput<'_>,
    template: &Value,
    target: &TargetCluster,
    completions: Option<&BTreeMap<String, i64>>,
    events: &mut Vec<Event>,
) -> Result<DesiredWork, WorkError> {
    let binding = input.binding;
    let mut manifest = revised(input, template, target)?;
    if let Some(completions) = completions.and_then(|shares| shares.get(&target.name)) {
        // The path was there when the completions were read.
        let _ = set_nested(&mut manifest, &["spec", "completions"], (*completions).into());
    }
    let applied = overridden(input, &mut manifest, &target.name, events)?;
    if input.options.stateful_failover_injection {
        for (key, value) in preserved_labels(binding.spec, &target.name).into_iter().flatten() {
            object::set_label(&mut manifest, key, value);
        }
    }
    let rule = conflict_rule(&manifest, &binding.spec.conflict_resolution);
    let mut annotations: BTreeMap<String, String> = binding
        .name_annotations()
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect();
    annotations.insert(CONFLICT_RESOLUTION_ANNOTATION.to_owned(), rule.annotation().to_owned());
    let (label, id) = binding.id_label();
    object::set_label(&mut manifest, label, id);
    for (key, value) in &annotations {
        object::set_annotation(&mut manifest, key, value);
    }
    if let Some(generation) =
        template.pointer("/metadata/generation").and_then(Value::as_i64).filter(|number| *number > 0)
    {
        object::set_annotation(&mut manifest, TEMPLATE_GENERATION_ANNOTATION, &generation.to_string());
    }
    let overrides = [
        (APPLIED_CLUSTER_OVERRIDES_ANNOTATION, applied.cluster_annotation()),
        (APPLIED_OVERRIDES_ANNOTATION, applied.annotation()),
    ];
    annotations.extend(overrides.into_iter().filter_map(|(key, text)| Some((key.to_owned(), text?))));
    Ok(DesiredWork {
        namespace: execution_namespace(&target.name),
        name: work_name(object::kind(template), object::name(template), object::namespace(template)),
        labels: BTreeMap::from([(label.to_owned(), id.to_owned())]),
        annotations,
        owners: Vec::new(),
        suspend_dispatching: Some(is_suspended(binding.spec, &target.name)),
        preserve_resources_on_deletion: Some(binding.spec.preserve_resources_on_deletion.unwrap_or_default()),
        manifest,
    })
}

fn revised(input: &WorksInput<'_>, template: &Value, target: &TargetCluster) -> Result<Value, WorkError> {
    let revises = input.binding.spec.is_workload()
        && input.interpreter.hook_enabled(ObjectKind::of(template), Operation::ReviseReplica);
    if !revises {
        return Ok(template.clone());
    }
    input
        .interpreter
        .revise_replica(template.clone(), i64::from(target.replicas))
        .map_err(|source| WorkError::Revise { cluster: target.name.clone(), source })
}

fn overridden(
    input: &WorksInput<'_>,
    manifest: &mut Value,
    cluster: &str,
    events: &mut Vec<Event>,
) -> Result<AppliedOverrides, WorkError> {
    let known = input.clusters.get(cluster);
    let known = known.ok_or_else(|| WorkError::ClusterNotFound { name: cluster.to_owned() })?;
    apply_with_events(manifest, known, input.cluster_override_policies, input.override_policies, events)
}

/// Applies override policies and says so in events about the template.
pub(super) fn apply_with_events(
    manifest: &mut Value,
    cluster: &Cluster,
    cluster_policies: &[ClusterOverridePolicy],
    policies: &[OverridePolicy],
    events: &mut Vec<Event>,
) -> Result<AppliedOverrides, WorkError> {
    let namespace = object::namespace(manifest).to_owned();
    let cluster_name = cluster.metadata.name.as_deref().unwrap_or_default();
    match apply_overrides(manifest, cluster, cluster_policies, policies) {
        Ok(applied) => {
            let of_cluster = applied.cluster_policies.iter().map(|rule| {
                format!(
                    "Apply cluster override policy({}) for cluster({cluster_name}) succeed.",
                    rule.policy_name
                )
            });
            let of_namespace = applied.policies.iter().map(|rule| {
                format!(
                    "Apply override policy({namespace}/{}) for cluster({cluster_name}) succeed.",
                    rule.policy_name
                )
            });
            let mut messages: Vec<String> = of_cluster.chain(of_namespace).collect();
            messages.dedup();
            events.extend(
                messages
                    .into_iter()
                    .map(|text| Event::normal(About::Template, APPLY_OVERRIDE_POLICY_SUCCEED, text)),
            );
            Ok(applied)
        }
        Err(source) => {
            events.push(Event::warning(
                About::Template,
                APPLY_OVERRIDE_POLICY_FAILED,
                text_with_causes(&source),
            ));
            Err(WorkError::Override { cluster: cluster_name.to_owned(), source })
        }
    }
}

fn is_suspended(spec: &ResourceBindingSpec, cluster: &str) -> bool {
    let Some(suspension) = &spec.suspension else { return false };
    let listed = suspension.policy.dispatching_on_clusters.as_ref();
    suspension.policy.dispatching == Some(true)
        || listed.is_some_and(|clusters| clusters.cluster_names.iter().any(|name| name == cluster))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::api::policy::PurgeMode;
    use crate::api::work::constants::RESOURCE_BINDING_ID_LABEL;
    use crate::api::work::{GracefulEvictionTask, ResourceBinding};
    use crate::interpreter::Interpreter;
    use crate::work::WorkWrite;

    fn binding(clusters: &[(&str, i32)]) -> ResourceBinding {
        let mut binding = ResourceBinding::default();
        binding.metadata.name = Some("web-deployment".to_owned());
        binding.metadata.namespace = Some("n".to_owned());
        binding.metadata.labels =
            Some(BTreeMap::from([(RESOURCE_BINDING_ID_LABEL.to_owned(), "id".to_owned())]));
        let target = |(name, replicas): &(&str, i32)| TargetCluster {
            name: (*name).to_owned(),
            replicas: *replicas,
            components: Vec::new(),
        };
        binding.spec.clusters = clusters.iter().map(target).collect();
        binding.spec.replicas = 1;
        binding
    }

    fn template() -> Value {
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "web", "namespace": "n", "uid": "u", "generation": 2},
            "spec": {"replicas": 9}, "status": {"replicas": 9},
        })
    }

    fn decide(binding: &ResourceBinding, existing: &[Work]) -> WorksDecision {
        let clusters: Vec<Cluster> = ["a", "b"]
            .iter()
            .map(|name| {
                let mut cluster = Cluster::default();
                cluster.metadata.name = Some((*name).to_owned());
                cluster
            })
            .collect();
        let clusters =
            clusters.iter().map(|cluster| (cluster.metadata.name.clone().unwrap(), cluster)).collect();
        build_works(&WorksInput {
            binding: BindingInput::from(binding),
            template: Some(&template()),
            clusters: &clusters,
            cluster_override_policies: &[],
            override_policies: &[],
            existing: &existing.iter().collect::<Vec<_>>(),
            interpreter: &Interpreter::default(),
            options: WorksOptions::default(),
        })
    }

    fn written(decision: &WorksDecision) -> Vec<Work> {
        decision.writes.iter().map(WorkWrite::work).cloned().collect()
    }

    #[test]
    fn gives_every_target_its_share_and_then_rests() {
        let binding = binding(&[("a", 3), ("b", 4)]);
        let works = written(&decide(&binding, &[]));
        let replicas: Vec<_> =
            works.iter().map(|work| work.spec.workload.manifests[0]["spec"]["replicas"].clone()).collect();
        assert_eq!(replicas, vec![json!(3), json!(4)]);
        let manifest = &works[0].spec.workload.manifests[0];
        assert_eq!(manifest.get("status"), None);
        assert_eq!(manifest["metadata"]["annotations"]["resourcetemplate.karmada.io/generation"], "2");
        assert_eq!(decide(&binding, &works).writes, vec![]);
    }

    #[test]
    fn deletes_works_of_clusters_that_are_no_targets_any_more() {
        let works = written(&decide(&binding(&[("a", 3), ("b", 4)]), &[]));
        let decision = decide(&binding(&[("a", 3)]), &works);
        let orphan = OrphanWork {
            namespace: "karmada-es-b".to_owned(),
            name: works[1].metadata.name.clone().unwrap(),
        };
        assert_eq!(decision.orphans, vec![orphan]);
        assert_eq!(decision.writes, vec![]);
    }

    #[test]
    fn waits_until_a_purged_cluster_is_empty() {
        let works = written(&decide(&binding(&[("a", 3)]), &[]));
        let mut moved = binding(&[("b", 3)]);
        moved.spec.graceful_eviction_tasks = vec![GracefulEvictionTask {
            from_cluster: "a".to_owned(),
            purge_mode: PurgeMode::Directly,
            ..Default::default()
        }];
        let decision = decide(&moved, &works);
        assert!(decision.waits_for_purge);
        assert_eq!((decision.orphans.len(), decision.writes.len()), (1, 0));
        assert_eq!(decide(&moved, &[]).writes.len(), 1);
    }

    #[test]
    fn goes_on_with_other_clusters_when_one_fails() {
        let decision = decide(&binding(&[("ghost", 1), ("b", 1)]), &[]);
        assert_eq!(decision.writes.len(), 1);
        assert_eq!(decision.failures[0].cluster, "ghost");
        assert_eq!(decision.events[0].message, "clusters.cluster.karmada.io \"ghost\" not found");
    }
}
