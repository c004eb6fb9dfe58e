//! Reserved names, and labels and annotations that belong to no single group.

/// Namespace of Karmada's own objects.
pub const SYSTEM_NAMESPACE: &str = "karmada-system";
/// Namespace of cluster credentials and leases, in the control plane and in members.
pub const CLUSTER_NAMESPACE: &str = "karmada-cluster";
/// Prefix of the namespace that holds a cluster's Works.
pub const EXECUTION_NAMESPACE_PREFIX: &str = "karmada-es-";
/// Service account in the control plane that impersonates users in members.
pub const IMPERSONATOR_NAME: &str = "karmada-impersonator";
/// Name of the scheduler a policy gets when it names none.
pub const DEFAULT_SCHEDULER_NAME: &str = "default-scheduler";

/// Label of objects Karmada created for itself; the value is `true`.
pub const SYSTEM_LABEL: &str = "karmada.io/system";
/// Label of objects in members that Karmada owns; the value is `true`.
pub const MANAGED_LABEL: &str = "karmada.io/managed";
/// Value of labels that are set or absent.
pub const LABEL_TRUE: &str = "true";
/// Label of host objects made by `init`, used to remove them again.
pub const BOOTSTRAPPING_LABEL: &str = "karmada.io/bootstrapping";
/// Label of a namespace that is not created in every member by itself.
pub const SKIP_AUTO_PROPAGATION_LABEL: &str = "namespace.karmada.io/skip-auto-propagation";

/// Label of a template that a controller propagates instead of a policy.
pub const CLAIMED_BY_LABEL: &str = "resourcetemplate.karmada.io/claimed-by";
/// Label that keeps the replicas of the member's object; the value is `true`.
pub const RETAIN_REPLICAS_LABEL: &str = "resourcetemplate.karmada.io/retain-replicas";
/// Label that protects an object from deletion.
pub const DELETION_PROTECTION_LABEL: &str = "resourcetemplate.karmada.io/deletion-protected";
/// The one value of the deletion protection label that protects.
pub const DELETION_PROTECTION_ALWAYS: &str = "Always";

/// Annotation of a manifest: uid of its template.
pub const TEMPLATE_UID_ANNOTATION: &str = "resourcetemplate.karmada.io/uid";
/// Annotation of a manifest: generation of its template.
pub const TEMPLATE_GENERATION_ANNOTATION: &str = "resourcetemplate.karmada.io/generation";
/// Annotation of a manifest: comma separated keys of the labels Karmada set.
pub const MANAGED_LABELS_ANNOTATION: &str = "resourcetemplate.karmada.io/managed-labels";
/// Annotation of a manifest: comma separated keys of the annotations Karmada set.
pub const MANAGED_ANNOTATIONS_ANNOTATION: &str = "resourcetemplate.karmada.io/managed-annotations";
/// Annotation of search and proxy results: the cluster an object was cached from.
pub const CACHED_FROM_CLUSTER_ANNOTATION: &str = "resource.karmada.io/cached-from-cluster";
/// Annotation of metrics: the cluster they were queried from.
pub const QUERY_FROM_CLUSTER_ANNOTATION: &str = "resource.karmada.io/query-from-cluster";
