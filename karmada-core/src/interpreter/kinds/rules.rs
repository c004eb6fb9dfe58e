//! What a kind's file provides, and the list of all kinds.

use jiff::Timestamp;
use serde_json::Value;

use super::super::{DependentReference, InterpretError, NativeOptions, ObjectKind};
use super::{
    cron_job, daemon_set, deployment, horizontal_pod_autoscaler, ingress, job, persistent_volume,
    persistent_volume_claim, pod, pod_disruption_budget, replica_set, secret, service, service_account,
    service_import, stateful_set,
};
use crate::api::work::{AggregatedStatusItem, ReplicaRequirements};

type Answer<T> = Result<T, InterpretError>;
type Replicas = fn(&Value, NativeOptions) -> Answer<(i64, Option<ReplicaRequirements>)>;
type Retain = fn(Value, &Value) -> Answer<Value>;
type Aggregate = fn(&Value, Option<&[AggregatedStatusItem]>, Timestamp) -> Answer<Value>;
type Dependencies = fn(&Value) -> Answer<Vec<DependentReference>>;
type Reflect = fn(&Value) -> Answer<Option<Value>>;
type Health = fn(&Value) -> Answer<bool>;

/// The rules of one kind; what is `None` has no rule.
#[derive(Clone, Copy, Default)]
pub(in super::super) struct Rules {
    /// Wanted replicas and what one needs.
    pub(in super::super) replicas: Option<Replicas>,
    /// Path of the field that holds the replicas; it is only changed where it is.
    pub(in super::super) revise: Option<&'static [&'static str]>,
    /// What is kept of a member's object.
    pub(in super::super) retain: Option<Retain>,
    /// The template with a status made of those of the members.
    pub(in super::super) aggregate: Option<Aggregate>,
    /// What the object needs.
    pub(in super::super) dependencies: Option<Dependencies>,
    /// The part of a member's status that is collected.
    pub(in super::super) reflect: Option<Reflect>,
    /// Whether a member's object is healthy.
    pub(in super::super) health: Option<Health>,
}

impl Rules {
    /// No rule at all.
    pub(super) const NONE: Self = Self {
        replicas: None,
        revise: None,
        retain: None,
        aggregate: None,
        dependencies: None,
        reflect: None,
        health: None,
    };
}

/// Returns the rules of a kind, exactly of its group and version.
pub(in super::super) fn rules(kind: ObjectKind<'_>) -> Option<&'static Rules> {
    let rules = match (kind.api_version, kind.kind) {
        ("apps/v1", "Deployment") => &deployment::RULES,
        ("apps/v1", "ReplicaSet") => &replica_set::RULES,
        ("apps/v1", "StatefulSet") => &stateful_set::RULES,
        ("apps/v1", "DaemonSet") => &daemon_set::RULES,
        ("batch/v1", "Job") => &job::RULES,
        ("batch/v1", "CronJob") => &cron_job::RULES,
        ("v1", "Pod") => &pod::RULES,
        ("v1", "Service") => &service::RULES,
        ("v1", "ServiceAccount") => &service_account::RULES,
        ("v1", "Secret") => &secret::RULES,
        ("v1", "PersistentVolume") => &persistent_volume::RULES,
        ("v1", "PersistentVolumeClaim") => &persistent_volume_claim::RULES,
        ("networking.k8s.io/v1", "Ingress") => &ingress::RULES,
        ("policy/v1", "PodDisruptionBudget") => &pod_disruption_budget::RULES,
        ("autoscaling/v2", "HorizontalPodAutoscaler") => &horizontal_pod_autoscaler::RULES,
        ("multicluster.x-k8s.io/v1alpha1", "ServiceImport") => &service_import::RULES,
        _ => return None,
    };
    Some(rules)
}
