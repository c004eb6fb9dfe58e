//! Kruise's StatefulSet.

use jiff::Timestamp;
use serde_json::Value;

use super::gated::{Gated, is_rolled_out};
use super::members::Member;
use super::rules::{Answer, Rules};
use super::templates::{some_template_dependencies, workload_replicas};
use super::values::assign;

const FIELDS: Gated = Gated {
    counters: &[
        "replicas",
        "readyReplicas",
        "currentReplicas",
        "updatedReplicas",
        "availableReplicas",
        "updatedReadyReplicas",
    ],
    texts: &["updateRevision", "currentRevision"],
};

pub(super) const RULES: Rules = Rules {
    replicas: Some(|object, options| workload_replicas(object, &["spec", "replicas"], options)),
    revise: Some(|object, replicas| Ok(assign(object, &["spec", "replicas"], replicas.into())?)),
    aggregate: Some(aggregate),
    dependencies: Some(|object| some_template_dependencies(object, &["spec", "template"])),
    reflect: Some(|object| FIELDS.reflect(object)),
    health: Some(is_rolled_out),
    ..Rules::NONE
};

/// Sets the status; the texts stay as they are when nothing is known of members.
fn aggregate(object: &mut Value, members: Option<&[Member<'_>]>, _: Timestamp) -> Answer<()> {
    match members {
        Some(members) => FIELDS.aggregate(object, members),
        None => Gated { texts: &[], ..FIELDS }.aggregate(object, &[]),
    }
}
