//! Changing the taints of a cluster, also when somebody else changes it at the same time.

use serde_json::{Value, json};

use super::change::{Existing, TaintError, TaintOutcome, change_taints};
use super::{TaintChange, TaintSpec};
use crate::api_error::ApiError;
use crate::change::{PatchType, Writer};
use crate::discovery::{ResourceKind, Scope};

/// The taint of a cluster that gets no new work.
const UNSCHEDULABLE: &str = "cluster.karmada.io/unschedulable";
/// How often a change is tried again when the cluster changed in between.
const ATTEMPTS: usize = 5;

/// Whether a cluster gets new work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    Cordoned,
    Uncordoned,
}

impl Mark {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Cordoned => "cordoned",
            Self::Uncordoned => "uncordoned",
        }
    }
}

/// Whether there was something to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cordoned {
    Now,
    Already,
}

/// Taints that were not changed.
#[derive(Debug, thiserror::Error)]
pub enum TaintWriteError {
    #[error(transparent)]
    Taint(#[from] TaintError),
    #[error(transparent)]
    Api(#[from] ApiError),
}

/// Says that a cluster gets no new work, or that it does.
pub async fn mark_cluster(writer: &Writer, cluster: &str, mark: Mark) -> Result<Cordoned, TaintWriteError> {
    let spec =
        TaintSpec { key: UNSCHEDULABLE.to_owned(), value: String::new(), effect: "NoSchedule".to_owned() };
    update(writer, cluster, |taints| {
        let is_cordoned =
            taints.iter().any(|taint| taint["key"] == UNSCHEDULABLE && taint["effect"] == "NoSchedule");
        let change = match (mark, is_cordoned) {
            (Mark::Cordoned, true) | (Mark::Uncordoned, false) => return Ok((None, Cordoned::Already)),
            (Mark::Cordoned, false) => TaintChange { added: vec![spec.clone()], removed: Vec::new() },
            (Mark::Uncordoned, true) => TaintChange { added: Vec::new(), removed: vec![spec.clone()] },
        };
        let (taints, _) = change_taints(cluster, taints, &change, Existing::Refused)?;
        Ok((Some(taints), Cordoned::Now))
    })
    .await
}

/// Changes the taints of a cluster.
pub async fn taint_cluster(
    writer: &Writer,
    cluster: &str,
    change: &TaintChange,
    existing: Existing,
) -> Result<TaintOutcome, TaintWriteError> {
    update(writer, cluster, |taints| {
        let (taints, outcome) = change_taints(cluster, taints, change, existing)?;
        Ok((Some(taints), outcome))
    })
    .await
}

async fn update<T>(
    writer: &Writer,
    name: &str,
    change: impl Fn(&[Value]) -> Result<(Option<Vec<Value>>, T), TaintError>,
) -> Result<T, TaintWriteError> {
    let kind = cluster_kind();
    let mut attempt = 1;
    loop {
        let cluster = writer.read(&kind, None, name).await?;
        let current = cluster.pointer("/spec/taints").and_then(Value::as_array);
        let (taints, outcome) = change(current.map(Vec::as_slice).unwrap_or_default())?;
        let Some(taints) = taints else { return Ok(outcome) };
        if writer.dry_run.is_client() {
            return Ok(outcome);
        }
        // An empty list is written as none.
        let taints = if taints.is_empty() { Value::Null } else { Value::Array(taints) };
        let patch = json!({
            "metadata": { "resourceVersion": cluster["metadata"]["resourceVersion"] },
            "spec": { "taints": taints },
        });
        match writer.patch(&kind, None, name, None, PatchType::Merge, &patch).await {
            Ok(_) => return Ok(outcome),
            Err(error) if error.code() == Some(409) && attempt < ATTEMPTS => attempt += 1,
            Err(error) => return Err(error.into()),
        }
    }
}

fn cluster_kind() -> ResourceKind {
    ResourceKind {
        group: "cluster.karmada.io".to_owned(),
        version: "v1alpha1".to_owned(),
        kind: "Cluster".to_owned(),
        plural: "clusters".to_owned(),
        singular: "cluster".to_owned(),
        scope: Scope::Cluster,
        ..ResourceKind::default()
    }
}
