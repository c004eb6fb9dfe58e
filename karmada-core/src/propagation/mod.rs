//! The detector: which policy propagates a template, and the binding it makes.
//!
//! Start at [`reconcile_template`] and [`reconcile_policy`]: each is one decision, from what the
//! caches know to what to write.

mod affinity;
mod binding;
mod change;
mod claim;
mod decision;
mod dependencies;
mod filter;
mod lookup;
mod matching;
mod policy;
mod policy_ref;
mod preemption;
mod template;

pub use affinity::{ClusterFacts, CompiledAffinity, cluster_matches};
pub use binding::{Binding, BindingView, merge_suspension};
pub use change::{Change, classify_change, is_changed_by_karmada, is_specification_changed};
pub use claim::{Claimant, claim_patch, claimant, unclaim_patch};
pub use decision::{Event, EventType, PropagationError, TemplateKey, Write};
pub use dependencies::{
    AttachedEvent, AttachedWrite, DependenciesDecision, DependenciesError, DependenciesInput,
    DependencyIndex, DependencyLookup, DependencyObject, WantedDependencies, interpret_failed_event,
    reconcile_dependencies, wanted_dependencies,
};
pub use filter::{NamespaceFilter, NamespacePatternError, SkippedApis, SkippedApisError};
pub use lookup::{Lookup, Snapshot};
pub use matching::{
    ImplicitPriority, best_cluster_policy, best_policy, matches_selectors, selector_priority,
    selectors_priority,
};
pub use policy::{
    PolicyBinding, PolicyDecision, PolicyDeletionInput, PolicyInput, reconcile_policy,
    reconcile_policy_deletion,
};
pub use policy_ref::PolicyRef;
pub use preemption::{PreemptionDecision, policies_to_retry_preemption, preempt};
pub use template::{TemplateDecision, TemplateInput, TemplateOutcome, reconcile_template};
