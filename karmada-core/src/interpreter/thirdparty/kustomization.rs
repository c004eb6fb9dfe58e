//! Flux's Kustomization.

use serde_json::Value;

use super::super::DependentReference;
use super::conditions::is_ready;
use super::flux::{Flux, Needs, retain_suspension};
use super::rules::{Answer, Rules};
use super::values::guarded;

const FIELDS: Flux = Flux {
    texts: &["lastAppliedRevision", "lastAttemptedRevision"],
    values: &[],
    reflected: &["conditions", "lastAppliedRevision", "lastAttemptedRevision", "observedGeneration"],
};

pub(super) const RULES: Rules = Rules {
    retain: Some(retain_suspension),
    aggregate: Some(|object, members, _| FIELDS.aggregate(object, members)),
    dependencies: Some(dependencies),
    reflect: Some(|object| FIELDS.reflect(object)),
    health: Some(|object| Ok(is_ready(object, &["ReconciliationSucceeded"]))),
    ..Rules::NONE
};

fn dependencies(object: &Value) -> Answer<Vec<DependentReference>> {
    let references: [&[&str]; 2] =
        [&["spec", "decryption", "secretRef"], &["spec", "kubeConfig", "secretRef"]];
    let mut needs = Needs::of(object).secrets(&references)?;
    let account = guarded(object, &["spec", "serviceAccountName"]);
    if !account.is_null() {
        needs.add("ServiceAccount", account)?;
    }
    Ok(needs.into_references())
}
