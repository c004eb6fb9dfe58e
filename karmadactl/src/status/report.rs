//! The state of one object's way to the members.

use serde::Serialize;

/// How far an object has got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Verdict {
    Healthy,
    PartlyHealthy,
    NotHealthy,
}

/// The state of one object's way to the members.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    pub api_version: String,
    pub kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    pub name: String,
    pub verdict: Verdict,
    /// What the template asks for and what there is in all members, such as `3 replicas, 2 ready`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<PolicyState>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub binding: Option<BindingState>,
    pub clusters: Vec<ClusterState>,
    pub problems: Vec<Problem>,
    /// Warnings of the last events, newest first.
    pub warnings: Vec<Warning>,
}

/// The policy that the object belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PolicyState {
    pub kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    pub name: String,
    pub exists: bool,
}

/// What the scheduler decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BindingState {
    pub name: String,
    pub scheduled: bool,
    /// The scheduler's words.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
}

/// The object in one member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ClusterState {
    pub name: String,
    /// Whether the member answers.
    pub ready: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replicas: Option<i64>,
    pub applied: bool,
    /// Healthy, Unhealthy, or Unknown where nobody can tell.
    pub health: String,
    /// What the member says, such as `1 of 2 ready`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// Whether there is nothing left to wait for.
    pub done: bool,
}

/// Something that is stuck.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// The stage or the cluster.
    pub place: String,
    pub message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// A warning among the events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Warning {
    /// Seconds since it was seen last.
    pub age_seconds: i64,
    pub object: String,
    pub reason: String,
    pub message: String,
    pub count: i64,
}
