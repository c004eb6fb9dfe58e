//! What a kind's file provides, and the list of all kinds.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::super::{DependentReference, InterpretError, NativeOptions, ObjectKind};
use super::members::Member;
use super::{
    advanced_cron_job, broadcast_job, clone_set, daemon_set, flink_deployment, helm_release, kustomization,
    kyverno, mpi_job, notebook, ray_cluster, ray_job, ray_service, sidecar_set, sources, spark_application,
    stateful_set, training_job, united_deployment, volcano_job, workflow,
};
use crate::api::work::{Component, ReplicaRequirements};

/// The answer of a rule.
pub(super) type Answer<T> = Result<T, InterpretError>;

type Replicas = fn(&Value, NativeOptions) -> Answer<(i64, Option<ReplicaRequirements>)>;
type Components = fn(&Value, NativeOptions) -> Answer<Vec<Component>>;
type Revise = fn(&mut Value, i64) -> Answer<()>;
type Retain = fn(&mut Value, &Value) -> Answer<()>;
type Aggregate = fn(&mut Value, Option<&[Member<'_>]>, Timestamp) -> Answer<()>;
type Dependencies = fn(&Value) -> Answer<Vec<DependentReference>>;
type Reflect = fn(&Value) -> Answer<Map<String, Value>>;
type Health = fn(&Value) -> Answer<bool>;

/// The rules of one kind; what is `None` has no rule.
#[derive(Clone, Copy, Default)]
pub(super) struct Rules {
    /// Wanted replicas and what one needs.
    pub(super) replicas: Option<Replicas>,
    /// The parts of a workload with several pod templates.
    pub(super) components: Option<Components>,
    /// Sets other replicas.
    pub(super) revise: Option<Revise>,
    /// Takes over what is kept of a member's object.
    pub(super) retain: Option<Retain>,
    /// Sets a status made of those of the members.
    pub(super) aggregate: Option<Aggregate>,
    /// What the object needs.
    pub(super) dependencies: Option<Dependencies>,
    /// The part of a member's status that is collected.
    pub(super) reflect: Option<Reflect>,
    /// Whether a member's object is healthy.
    pub(super) health: Option<Health>,
}

impl Rules {
    /// No rule at all.
    pub(super) const NONE: Self = Self {
        replicas: None,
        components: None,
        revise: None,
        retain: None,
        aggregate: None,
        dependencies: None,
        reflect: None,
        health: None,
    };
}

/// Every kind that has rules.
pub(super) const KINDS: [(&str, &str, &Rules); 27] = [
    ("apps.kruise.io/v1alpha1", "AdvancedCronJob", &advanced_cron_job::RULES),
    ("apps.kruise.io/v1alpha1", "BroadcastJob", &broadcast_job::RULES),
    ("apps.kruise.io/v1alpha1", "CloneSet", &clone_set::RULES),
    ("apps.kruise.io/v1alpha1", "DaemonSet", &daemon_set::RULES),
    ("apps.kruise.io/v1alpha1", "SidecarSet", &sidecar_set::RULES),
    ("apps.kruise.io/v1alpha1", "UnitedDeployment", &united_deployment::RULES),
    ("apps.kruise.io/v1beta1", "StatefulSet", &stateful_set::RULES),
    ("argoproj.io/v1alpha1", "Workflow", &workflow::RULES),
    ("batch.volcano.sh/v1alpha1", "Job", &volcano_job::RULES),
    ("flink.apache.org/v1beta1", "FlinkDeployment", &flink_deployment::RULES),
    ("helm.toolkit.fluxcd.io/v2beta1", "HelmRelease", &helm_release::RULES),
    ("kubeflow.org/v1", "Notebook", &notebook::RULES),
    ("kubeflow.org/v1", "PyTorchJob", &training_job::PYTORCH_RULES),
    ("kubeflow.org/v1", "TFJob", &training_job::TF_RULES),
    ("kubeflow.org/v2beta1", "MPIJob", &mpi_job::RULES),
    ("kustomize.toolkit.fluxcd.io/v1", "Kustomization", &kustomization::RULES),
    ("kyverno.io/v1", "ClusterPolicy", &kyverno::RULES),
    ("kyverno.io/v1", "Policy", &kyverno::RULES),
    ("ray.io/v1", "RayCluster", &ray_cluster::RULES),
    ("ray.io/v1", "RayJob", &ray_job::RULES),
    ("ray.io/v1", "RayService", &ray_service::RULES),
    ("source.toolkit.fluxcd.io/v1", "GitRepository", &sources::GIT_REPOSITORY_RULES),
    ("source.toolkit.fluxcd.io/v1beta2", "Bucket", &sources::BUCKET_RULES),
    ("source.toolkit.fluxcd.io/v1beta2", "HelmChart", &sources::HELM_CHART_RULES),
    ("source.toolkit.fluxcd.io/v1beta2", "HelmRepository", &sources::HELM_REPOSITORY_RULES),
    ("source.toolkit.fluxcd.io/v1beta2", "OCIRepository", &sources::OCI_REPOSITORY_RULES),
    ("sparkoperator.k8s.io/v1beta2", "SparkApplication", &spark_application::RULES),
];

/// Returns the rules of a kind, exactly of its group and version.
pub(super) fn rules(kind: ObjectKind<'_>) -> Option<&'static Rules> {
    let known =
        KINDS.iter().find(|(api_version, name, _)| *name == kind.kind && *api_version == kind.api_version);
    known.map(|(_, _, rules)| *rules)
}
