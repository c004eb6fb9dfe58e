//! Writes the status of a Work.

use karmada_core::api::work::{Work, WorkStatus};
use kube::ResourceExt;
use kube::api::PatchParams;
use serde_json::json;

use super::Context;
use crate::hub::{Action, ReconcileError, Status, is_not_found, status_patch};

/// Writes the status if it is news, conditions and reflected status in one write.
pub(super) async fn write(
    context: &Context,
    work: &Work,
    status: WorkStatus,
) -> Result<Action, ReconcileError> {
    if work.status.as_ref() == Some(&status) {
        return Ok(Action::Done);
    }
    let (namespace, name) = (work.namespace().unwrap_or_default(), work.name_any());
    let api = context.hub.namespaced::<Work>(&namespace);
    let patch = status_patch(json!({"status": status}), Status::from(work.status.as_ref()));
    match api.patch_status(&name, &PatchParams::default(), &patch).await {
        Ok(written) => {
            context.hub.works.observe(written);
            Ok(Action::Done)
        }
        Err(error) if is_not_found(&error) => Ok(Action::Done),
        Err(error) => {
            Err(ReconcileError::api(format!("update the status of Work {namespace}/{name}"))(error))
        }
    }
}
