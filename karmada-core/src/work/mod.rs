//! From bindings to objects in members, and from their status back.
//!
//! - [`build_works`]: which Works a binding wants, one per cluster.
//! - [`stamp`]: what admission adds to every Work.
//! - [`plan_member_write`]: what to write to a member for a manifest, given what is there;
//!   [`release`]: what to write when the member may keep the object.
//! - [`reflect_status`]: what a member's object tells the Work.
//! - [`aggregate_binding_status`] and [`aggregate_template_status`]: what Works tell the binding and the template.
//! - [`namespace_works`]: the Works of a namespace that goes to every member.

mod binding;
mod bookkeeping;
mod build;
mod completions;
mod condition;
mod conflict;
mod decision;
mod desired;
mod event;
mod failover;
mod impersonation;
mod member;
mod namespaces;
mod prune;
mod quota;
mod reflect;
mod release;
mod stamp;
mod status;
mod targets;
mod usage;

pub use binding::{BindingInput, BindingScope};
pub use bookkeeping::{keep_foreign_metadata, record_managed};
pub use build::{WorksInput, WorksOptions, build_works};
pub use completions::divide_completions;
pub use condition::{applied_condition, dispatching_condition, set_condition};
pub use conflict::{ConflictRule, conflict_rule};
pub use decision::{ClusterFailure, OrphanWork, WorkError, WorkWrite, WorksDecision};
pub use event::{About, Event};
pub use impersonation::{ImpersonationInput, grants_proxy, impersonation_work_names, impersonation_works};
pub use member::{MemberConflict, MemberWrite, may_delete, needs_sync, plan_member_write, sync_event};
pub use namespaces::{NamespaceInput, namespace_works, wants_namespace_works};
pub use prune::{JobTtl, PruneError, prune};
pub use quota::{QuotaUse, QuotaWorks, quota_status, quota_work_name, quota_works};
pub use reflect::{Reflection, reflect_status};
pub use release::release;
pub use stamp::stamp;
pub use status::{
    AggregateError, BindingStatusDecision, TemplateStatusDecision, aggregate_binding_status,
    aggregate_template_status, assemble, fully_applied_condition, is_moving,
};
pub use targets::{expected_clusters, target_clusters};
pub use usage::resource_usage;
