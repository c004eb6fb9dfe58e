//! Kruise's SidecarSet.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::super::DependentReference;
use super::members::{Member, sum};
use super::rules::{Answer, Rules};
use super::values::{elements, field, guarded, keep_identity, number_or, status_of, text};

const COUNTERS: [&str; 3] = ["matchedPods", "updatedPods", "readyPods"];

pub(super) const RULES: Rules = Rules {
    replicas: Some(|_, _| Ok((0, None))),
    retain: Some(|_, _| Ok(())),
    aggregate: Some(aggregate),
    dependencies: Some(dependencies),
    reflect: Some(reflect),
    health: Some(health),
    ..Rules::NONE
};

/// Makes an object of identity and status alone.
fn aggregate(object: &mut Value, members: Option<&[Member<'_>]>, _: Timestamp) -> Answer<()> {
    let members = members.unwrap_or_default();
    keep_identity(object);
    *status_of(object)? = Map::new();
    for counter in COUNTERS {
        let total = sum(members, counter)?;
        status_of(object)?.insert(counter.to_owned(), total);
    }
    Ok(())
}

fn reflect(object: &Value) -> Answer<Map<String, Value>> {
    let mut reflected = Map::new();
    let status = field(object, &["status"])?;
    if status.is_null() {
        return Ok(reflected);
    }
    for counter in COUNTERS {
        let value = field(status, &[counter])?;
        reflected.insert(counter.to_owned(), if value.is_null() { json!(0) } else { value.clone() });
    }
    Ok(reflected)
}

fn health(object: &Value) -> Answer<bool> {
    let status = field(object, &["status"])?;
    if status.is_null() {
        return Ok(false);
    }
    let matched = number_or(status, &["matchedPods"], 0.0)?;
    let updated = number_or(status, &["updatedPods"], 0.0)?;
    Ok(matched == 0.0 || updated.total_cmp(&matched).is_eq())
}

/// Returns what the containers and volumes name directly.
fn dependencies(object: &Value) -> Answer<Vec<DependentReference>> {
    let spec = field(object, &["spec"])?;
    let mut names = Vec::new();
    for container in elements(guarded(spec, &["containers"])) {
        for variable in elements(guarded(container, &["env"])) {
            names.push(("ConfigMap", text(variable, &["valueFrom", "configMapKeyRef", "name"])));
            names.push(("Secret", text(variable, &["valueFrom", "secretKeyRef", "name"])));
        }
        for source in elements(guarded(container, &["envFrom"])) {
            names.push(("ConfigMap", text(source, &["configMapRef", "name"])));
            names.push(("Secret", text(source, &["secretRef", "name"])));
        }
    }
    for volume in elements(guarded(spec, &["volumes"])) {
        names.push(("ConfigMap", text(volume, &["configMap", "name"])));
        names.push(("Secret", text(volume, &["secret", "secretName"])));
    }
    let namespace = text(object, &["metadata", "namespace"]);
    let named = names.into_iter().filter(|(_, name)| !name.is_empty());
    Ok(named.map(|(kind, name)| DependentReference::named("v1", kind, namespace, name)).collect())
}
