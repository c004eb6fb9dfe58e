//! Flux's sources: GitRepository, Bucket, HelmChart, HelmRepository and OCIRepository.

use serde_json::Value;

use super::super::DependentReference;
use super::conditions::is_ready;
use super::flux::{Flux, Needs, retain_suspension};
use super::rules::{Answer, Rules};
use super::values::field;

const SUCCEEDED: &[&str] = &["Succeeded"];

const GIT_REPOSITORY: Flux = Flux {
    texts: &[],
    values: &["artifact"],
    reflected: &[
        "conditions",
        "artifact",
        "observedGeneration",
        "observedIgnore",
        "observedRecurseSubmodules",
    ],
};

const BUCKET: Flux = Flux {
    texts: &["url"],
    values: &["artifact"],
    reflected: &["conditions", "artifact", "observedGeneration", "observedIgnore", "url"],
};

/// Upstream reads the observed generation from a variable that does not exist, so it is never collected.
const HELM_CHART: Flux = Flux {
    texts: &["url", "observedChartName", "observedSourceArtifactRevision"],
    values: &["artifact"],
    reflected: &["conditions", "artifact", "observedChartName", "observedSourceArtifactRevision", "url"],
};

const HELM_REPOSITORY: Flux = Flux {
    texts: &["url"],
    values: &["artifact"],
    reflected: &["conditions", "artifact", "observedGeneration", "url"],
};

const OCI_REPOSITORY: Flux = Flux {
    texts: &["url"],
    values: &["artifact"],
    reflected: &["conditions", "artifact", "observedGeneration", "url"],
};

pub(super) const GIT_REPOSITORY_RULES: Rules = Rules {
    retain: Some(retain_suspension),
    aggregate: Some(|object, members, _| GIT_REPOSITORY.aggregate(object, members)),
    dependencies: Some(|object| secrets(object, &[&["spec", "secretRef"], &["spec", "verify", "secretRef"]])),
    reflect: Some(|object| GIT_REPOSITORY.reflect(object)),
    health: Some(|object| Ok(is_ready(object, SUCCEEDED))),
    ..Rules::NONE
};

pub(super) const BUCKET_RULES: Rules = Rules {
    retain: Some(retain_suspension),
    aggregate: Some(|object, members, _| BUCKET.aggregate(object, members)),
    dependencies: Some(|object| secrets(object, &[&["spec", "secretRef"]])),
    reflect: Some(|object| BUCKET.reflect(object)),
    health: Some(|object| Ok(is_ready(object, SUCCEEDED))),
    ..Rules::NONE
};

pub(super) const HELM_CHART_RULES: Rules = Rules {
    retain: Some(retain_suspension),
    aggregate: Some(|object, members, _| HELM_CHART.aggregate(object, members)),
    dependencies: Some(|object| secrets(object, &[&["spec", "verify", "secretRef"]])),
    reflect: Some(|object| HELM_CHART.reflect(object)),
    health: Some(|object| Ok(is_ready(object, &["Succeeded", "ChartPullSucceeded"]))),
    ..Rules::NONE
};

pub(super) const HELM_REPOSITORY_RULES: Rules = Rules {
    retain: Some(retain_suspension),
    aggregate: Some(|object, members, _| HELM_REPOSITORY.aggregate(object, members)),
    dependencies: Some(|object| secrets(object, &[&["spec", "secretRef"]])),
    reflect: Some(|object| HELM_REPOSITORY.reflect(object)),
    health: Some(|object| Ok(is_ready(object, SUCCEEDED))),
    ..Rules::NONE
};

pub(super) const OCI_REPOSITORY_RULES: Rules = Rules {
    retain: Some(retain_suspension),
    aggregate: Some(|object, members, _| OCI_REPOSITORY.aggregate(object, members)),
    dependencies: Some(oci_repository_dependencies),
    reflect: Some(|object| OCI_REPOSITORY.reflect(object)),
    health: Some(|object| Ok(is_ready(object, SUCCEEDED))),
    ..Rules::NONE
};

fn secrets(object: &Value, references: &[&[&str]]) -> Answer<Vec<DependentReference>> {
    Ok(Needs::of(object).secrets(references)?.into_references())
}

/// Returns the secrets and the account; an absent account is an error, an empty one is none.
fn oci_repository_dependencies(object: &Value) -> Answer<Vec<DependentReference>> {
    let references: [&[&str]; 3] =
        [&["spec", "secretRef"], &["spec", "verify", "secretRef"], &["spec", "certSecretRef"]];
    let mut needs = Needs::of(object).secrets(&references)?;
    needs.add("ServiceAccount", field(object, &["spec", "serviceAccountName"])?)?;
    Ok(needs.into_references())
}
