//! Argo's Workflow.

use serde_json::Value;

use super::super::{DependentReference, NativeOptions};
use super::rules::{Answer, Rules};
use super::templates::node_claim;
use super::values::{assign, elements, field, guarded, mismatch, number, text};
use crate::api::work::ReplicaRequirements;

/// Volume sources with a secret, and where its name is. A plain secret is looked up under `name`, which is not
/// where pods have it.
const SECRET_SOURCES: [&[&str]; 10] = [
    &["azureFile", "secretName"],
    &["cephfs", "secretRef", "name"],
    &["cinder", "secretRef", "name"],
    &["flexVolume", "secretRef", "name"],
    &["rbd", "secretRef", "name"],
    &["secret", "name"],
    &["scaleIO", "secretRef", "name"],
    &["iscsi", "secretRef", "name"],
    &["storageos", "secretRef", "name"],
    &["csi", "nodePublishSecretRef", "name"],
];

pub(super) const RULES: Rules = Rules {
    replicas: Some(replicas),
    revise: Some(|object, replicas| Ok(assign(object, &["spec", "parallelism"], replicas.into())?)),
    retain: Some(retain),
    dependencies: Some(dependencies),
    health: Some(|object| Ok(health(object))),
    ..Rules::NONE
};

fn replicas(object: &Value, _: NativeOptions) -> Answer<(i64, Option<ReplicaRequirements>)> {
    let replicas = match field(object, &["spec", "parallelism"])? {
        Value::Null => 1,
        Value::Number(_) => number(object, &["spec", "parallelism"])? as i64,
        other => return Err(mismatch(&["spec", "parallelism"], "number", other).into()),
    };
    let claim = node_claim(guarded(object, &["spec"]))?;
    Ok((replicas, claim.map(|claim| ReplicaRequirements { node_claim: Some(claim), ..Default::default() })))
}

/// Keeps whether it is suspended, and its status: the controller in the member needs both.
fn retain(desired: &mut Value, observed: &Value) -> Answer<()> {
    let suspend = field(observed, &["spec", "suspend"])?;
    if !suspend.is_null() {
        assign(desired, &["spec", "suspend"], suspend.clone())?;
    }
    let status = field(observed, &["status"])?;
    if !status.is_null() {
        assign(desired, &["status"], status.clone())?;
    }
    Ok(())
}

fn health(object: &Value) -> bool {
    let phase = guarded(object, &["status", "phase"]);
    !phase.is_null() && !["", "Failed", "Error"].iter().any(|bad| phase == bad)
}

fn dependencies(object: &Value) -> Answer<Vec<DependentReference>> {
    let spec = field(object, &["spec"])?;
    field(spec, &["volumes"])?;
    let mut names = Vec::new();
    for volume in elements(guarded(spec, &["volumes"])) {
        names.push(("ConfigMap", text(volume, &["configMap", "name"])));
        for source in elements(guarded(volume, &["projected", "sources"])) {
            names.push(("ConfigMap", text(source, &["configMap", "name"])));
            names.push(("Secret", text(source, &["secret", "name"])));
        }
        names.extend(SECRET_SOURCES.iter().map(|path| ("Secret", text(volume, path))));
        names.push(("PersistentVolumeClaim", text(volume, &["persistentVolumeClaim", "claimName"])));
    }
    for secret in elements(guarded(spec, &["imagePullSecrets"])) {
        names.push(("Secret", text(secret, &["name"])));
    }
    for path in [&["serviceAccountName"][..], &["executor", "serviceAccountName"]] {
        names
            .push(("ServiceAccount", Some(text(spec, path)).filter(|name| *name != "default").unwrap_or("")));
    }
    for claim in elements(guarded(spec, &["volumeClaimTemplates"])) {
        names.push(("PersistentVolumeClaim", text(claim, &["metadata", "name"])));
    }
    let namespace = text(object, &["metadata", "namespace"]);
    let named = names.into_iter().filter(|(_, name)| !name.is_empty());
    Ok(named.map(|(kind, name)| DependentReference::named("v1", kind, namespace, name)).collect())
}
