//! Claims of storage: bound at once, to volumes that exist on paper.

use k8s_openapi::api::core::v1::PersistentVolume;
use kube::api::{Api, DeleteParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use super::SIMULATED_ANNOTATION;
use super::cluster::{Cluster, is_going};
use super::json::text_at;
use crate::hub::{Action, ObjectKey, ReconcileError, is_not_found, is_status};

/// Looks at one claim.
pub(super) async fn reconcile(cluster: &Cluster, key: ObjectKey) -> Result<Action, ReconcileError> {
    let Some(claim) = cluster.claims.cache.find(&key).filter(|claim| !is_going(claim)) else {
        return Ok(Action::Done);
    };
    let claim = claim.value();
    if text_at(claim, "/status/phase") == "Bound" {
        return Ok(Action::Done);
    }
    let volume = text_at(claim, "/spec/volumeName");
    if volume.is_empty() {
        let volume = volume_for(claim);
        let name = text_at(&volume, "/metadata/name").to_owned();
        create_volume(cluster, &volume).await?;
        // The change comes back by the watch, and then the claim is bound.
        cluster.patch(&cluster.claims, &key, &json!({"spec": {"volumeName": name}})).await?;
        return Ok(Action::Done);
    }
    let spec = &claim["spec"];
    let status = json!({"phase": "Bound", "accessModes": spec["accessModes"],
                        "capacity": spec["resources"]["requests"]});
    cluster.write_status(&cluster.claims, claim, &status).await?;
    Ok(Action::Done)
}

/// Removes the volume that was made for a claim which is gone.
pub(super) async fn release(cluster: &Cluster, volume: ObjectKey) -> Result<Action, ReconcileError> {
    let name = volume.name;
    let volumes: Api<PersistentVolume> = Api::all(cluster.client.clone());
    match volumes.delete(&name, &DeleteParams::default()).await {
        Ok(_) => Ok(Action::Done),
        Err(error) if is_not_found(&error) => Ok(Action::Done),
        Err(error) => Err(ReconcileError::api(format!("delete volume {name}"))(error)),
    }
}

pub(super) fn volume_name(claim: &Value) -> String {
    format!("pvc-{}", text_at(claim, "/metadata/uid"))
}

fn volume_for(claim: &Value) -> Value {
    let spec = &claim["spec"];
    let mut volume = json!({
        "metadata": {"name": volume_name(claim), "annotations": {SIMULATED_ANNOTATION: "true"}},
        "spec": {
            "accessModes": spec["accessModes"], "capacity": spec["resources"]["requests"],
            "persistentVolumeReclaimPolicy": "Delete",
            "hostPath": {"path": format!("/simulated/{}", volume_name(claim))},
            "claimRef": {"apiVersion": "v1", "kind": "PersistentVolumeClaim",
                         "namespace": text_at(claim, "/metadata/namespace"), "name": text_at(claim, "/metadata/name"),
                         "uid": text_at(claim, "/metadata/uid")},
        },
    });
    for kept in ["storageClassName", "volumeMode"] {
        if let Some(value) = spec.get(kept) {
            volume["spec"][kept] = value.clone();
        }
    }
    volume
}

async fn create_volume(cluster: &Cluster, volume: &Value) -> Result<(), ReconcileError> {
    let describe = || format!("create volume {}", text_at(volume, "/metadata/name"));
    let typed: PersistentVolume =
        serde_json::from_value(volume.clone()).map_err(ReconcileError::decision(describe()))?;
    let volumes: Api<PersistentVolume> = Api::all(cluster.client.clone());
    match volumes.create(&PostParams::default(), &typed).await {
        Err(error) if !is_status(&error, 409) => return Err(ReconcileError::api(describe())(error)),
        _ => {}
    }
    let bound = Patch::Merge(json!({"status": {"phase": "Bound"}}));
    let name = text_at(volume, "/metadata/name");
    volumes
        .patch_status(name, &PatchParams::default(), &bound)
        .await
        .map_err(ReconcileError::api(describe()))?;
    Ok(())
}
