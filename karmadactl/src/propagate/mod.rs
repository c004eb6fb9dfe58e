//! Applying templates together with the policies that carry them to member clusters.

mod apply;
mod follow;
mod placement;
mod plan;

pub use apply::{Applied, ApplyError, ApplyOptions, Conflicts, Persistence, apply_plan};
pub use follow::{ClusterState, FollowError, Followed, ObjectState, Stage, Verdict, follow};
pub use placement::{Division, Placement, PlacementError, Targets, parse_selector};
pub use plan::{
    Plan, PlanError, PlannedObject, Purpose, ScopeLookup, builtin_scope, default_policy_name, plan,
};
