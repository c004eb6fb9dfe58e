//! What to apply: the templates, in an order that works, and the policies for them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::Placement;
use crate::discovery::Scope;
use crate::manifest::Manifest;

/// The group of Karmada's policies.
const POLICY_API: &str = "policy.karmada.io/v1alpha1";
/// Longest name of a policy: Karmada puts it into labels of derived objects.
const MAX_POLICY_NAME: usize = 63;

/// Says whether a kind has namespaces; `None` when nobody knows the kind.
pub type ScopeLookup<'a> = &'a dyn Fn(&str, &str) -> Option<Scope>;

/// Why an object is part of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A template that a policy of the plan carries to the members.
    Template,
    /// Needed in the control plane only, or propagated by Karmada on its own (namespaces, policies of the user).
    Support,
    /// A policy made for the templates.
    Policy,
}

/// An object to apply.
#[derive(Clone, Debug, PartialEq)]
pub struct PlannedObject {
    pub object: Value,
    pub purpose: Purpose,
    /// Where it was read, for errors; nothing for policies that were made.
    pub manifest: Option<usize>,
}

/// Objects in the order in which they are applied.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    pub objects: Vec<PlannedObject>,
}

/// Manifests that make no plan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    #[error("{place}: the server doesn't have a resource type {kind:?} in {api_version:?}")]
    UnknownKind { place: String, kind: String, api_version: String },
    #[error("there is nothing to propagate in the files: only policies and namespaces")]
    NothingToPropagate,
    #[error("{name:?} cannot be the name of a policy")]
    PolicyName { name: String },
}

/// Makes a plan out of manifests: policies first, so that templates are claimed as they appear.
///
/// Objects without a namespace go to `namespace`. There is one PropagationPolicy per namespace and one
/// ClusterPropagationPolicy for what has no namespace, all called `policy_name`.
pub fn plan(
    manifests: &[Manifest],
    placement: &Placement,
    namespace: &str,
    policy_name: &str,
    scope: ScopeLookup<'_>,
) -> Result<Plan, PlanError> {
    check_policy_name(policy_name)?;
    let mut support = Vec::new();
    let mut templates = Vec::new();
    for (index, manifest) in manifests.iter().enumerate() {
        let (api_version, kind) = (manifest.text("/apiVersion"), manifest.text("/kind"));
        let scope = scope(api_version, kind).ok_or_else(|| PlanError::UnknownKind {
            place: manifest.place("kind"),
            kind: kind.to_owned(),
            api_version: api_version.to_owned(),
        })?;
        let mut object = manifest.object.clone();
        if scope == Scope::Namespaced && manifest.text("/metadata/namespace").is_empty() {
            object["metadata"]["namespace"] = json!(namespace);
        }
        let planned = |purpose| PlannedObject { object, purpose, manifest: Some(index) };
        // Karmada carries every namespace to every member by itself, and its own kinds nowhere.
        let stays = (api_version == "v1" && kind == "Namespace") || is_karmada(api_version);
        if stays {
            support.push(planned(Purpose::Support));
        } else {
            templates.push(planned(Purpose::Template));
        }
    }
    if templates.is_empty() {
        return Err(PlanError::NothingToPropagate);
    }
    // Namespaces before what lives in them.
    support.sort_by_key(|planned| planned.object["kind"] != "Namespace");
    let policies = policies(&templates, placement, policy_name);
    Ok(Plan { objects: support.into_iter().chain(policies).chain(templates).collect() })
}

fn policies(templates: &[PlannedObject], placement: &Placement, name: &str) -> Vec<PlannedObject> {
    let mut selectors: BTreeMap<Option<String>, Vec<Value>> = BTreeMap::new();
    for template in templates {
        let object = &template.object;
        let namespace = object["metadata"]["namespace"].as_str().map(str::to_owned);
        let mut selector = json!({
            "apiVersion": object["apiVersion"], "kind": object["kind"], "name": object["metadata"]["name"],
        });
        if let Some(namespace) = &namespace {
            selector["namespace"] = json!(namespace);
        }
        let selectors = selectors.entry(namespace).or_default();
        if !selectors.contains(&selector) {
            selectors.push(selector);
        }
    }
    selectors
        .into_iter()
        .map(|(namespace, selectors)| {
            let spec = json!({ "resourceSelectors": selectors, "placement": placement.to_json() });
            let object = match namespace {
                Some(namespace) => json!({
                    "apiVersion": POLICY_API, "kind": "PropagationPolicy",
                    "metadata": { "name": name, "namespace": namespace }, "spec": spec,
                }),
                None => json!({
                    "apiVersion": POLICY_API, "kind": "ClusterPropagationPolicy",
                    "metadata": { "name": name }, "spec": spec,
                }),
            };
            PlannedObject { object, purpose: Purpose::Policy, manifest: None }
        })
        .collect()
}

fn is_karmada(api_version: &str) -> bool {
    api_version.split_once('/').is_some_and(|(group, _)| group.ends_with(".karmada.io"))
}

fn check_policy_name(name: &str) -> Result<(), PlanError> {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let valid = name.len() <= MAX_POLICY_NAME
        && name.bytes().all(|byte| inner(byte) || byte == b'-' || byte == b'.')
        && name.bytes().next().is_some_and(inner)
        && name.bytes().last().is_some_and(inner);
    if valid { Ok(()) } else { Err(PlanError::PolicyName { name: name.to_owned() }) }
}

/// Returns the name of the policies when the user gave none: that of the only object, else of the first file or directory.
pub fn default_policy_name(manifests: &[Manifest], paths: &[PathBuf]) -> String {
    let first = manifests.first().map(|manifest| manifest.text("/metadata/name")).unwrap_or_default();
    let stem =
        paths.first().and_then(|path| path.file_stem()).map(|stem| stem.to_string_lossy().into_owned());
    let name = match stem {
        Some(stem) if manifests.len() > 1 && stem != "-" && stem != "." => stem,
        _ => first.to_owned(),
    };
    let name: String = name
        .to_lowercase()
        .chars()
        .map(|letter| if letter.is_ascii_alphanumeric() || letter == '.' { letter } else { '-' })
        .take(MAX_POLICY_NAME)
        .collect();
    let name = name.trim_matches(['-', '.']);
    if name.is_empty() { "propagate".to_owned() } else { name.to_owned() }
}

/// The scope of a kind that every cluster has, for dry runs without a server.
///
/// Kinds that are not listed are taken to have namespaces, as most have.
pub fn builtin_scope(api_version: &str, kind: &str) -> Scope {
    const CLUSTER_SCOPED: &[&str] = &[
        "APIService",
        "CSIDriver",
        "CSINode",
        "CertificateSigningRequest",
        "ClusterRole",
        "ClusterRoleBinding",
        "ComponentStatus",
        "CustomResourceDefinition",
        "DeviceClass",
        "FlowSchema",
        "IPAddress",
        "IngressClass",
        "MutatingAdmissionPolicy",
        "MutatingAdmissionPolicyBinding",
        "MutatingWebhookConfiguration",
        "Namespace",
        "Node",
        "PersistentVolume",
        "PriorityClass",
        "PriorityLevelConfiguration",
        "ResourceSlice",
        "RuntimeClass",
        "ServiceCIDR",
        "StorageClass",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
        "ValidatingWebhookConfiguration",
        "VolumeAttachment",
        "VolumeAttributesClass",
    ];
    const KARMADA_CLUSTER_SCOPED: &[&str] = &[
        "Cluster",
        "ClusterOverridePolicy",
        "ClusterPropagationPolicy",
        "ClusterResourceBinding",
        "ClusterTaintPolicy",
        "Remedy",
        "ResourceInterpreterCustomization",
        "ResourceInterpreterWebhookConfiguration",
        "WorkloadRebalancer",
    ];
    let list = if is_karmada(api_version) { KARMADA_CLUSTER_SCOPED } else { CLUSTER_SCOPED };
    if list.contains(&kind) { Scope::Cluster } else { Scope::Namespaced }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::read_text;
    use crate::propagate::{Division, Targets};

    const FILE: &str = "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}}\n---\n\
        {apiVersion: v1, kind: ConfigMap, metadata: {name: c, namespace: other}}\n---\n\
        {apiVersion: v1, kind: Namespace, metadata: {name: other}}\n---\n\
        {apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: r}}\n---\n\
        {apiVersion: policy.karmada.io/v1alpha1, kind: OverridePolicy, metadata: {name: o}}\n";

    fn placement() -> Placement {
        Placement::new(Targets::Names(vec!["m1".into()]), Division::Duplicated).unwrap()
    }

    const KNOWN: ScopeLookup<'static> = &|api_version, kind| Some(builtin_scope(api_version, kind));

    #[test]
    fn there_is_one_policy_per_namespace_and_one_for_what_has_none() {
        let manifests = read_text("f", FILE).unwrap();
        let plan = plan(&manifests, &placement(), "default", "shop", KNOWN).unwrap();
        let summary: Vec<String> = plan
            .objects
            .iter()
            .map(|planned| {
                let metadata = &planned.object["metadata"];
                format!(
                    "{} {}/{}",
                    planned.object["kind"].as_str().unwrap(),
                    metadata["namespace"].as_str().unwrap_or("-"),
                    metadata["name"].as_str().unwrap()
                )
            })
            .collect();
        assert_eq!(
            summary,
            [
                "Namespace -/other",
                "OverridePolicy default/o",
                "ClusterPropagationPolicy -/shop",
                "PropagationPolicy default/shop",
                "PropagationPolicy other/shop",
                "Deployment default/web",
                "ConfigMap other/c",
                "ClusterRole -/r",
            ]
        );
        assert_eq!(
            plan.objects[3].object["spec"],
            json!({
                "resourceSelectors": [{ "apiVersion": "apps/v1", "kind": "Deployment", "namespace": "default", "name": "web" }],
                "placement": { "clusterAffinity": { "clusterNames": ["m1"] } },
            })
        );
    }

    #[test]
    fn files_without_a_template_and_unknown_kinds_are_refused() {
        let manifests = read_text("f", "{apiVersion: v1, kind: Namespace, metadata: {name: other}}").unwrap();
        assert_eq!(plan(&manifests, &placement(), "d", "p", KNOWN), Err(PlanError::NothingToPropagate));
        assert_eq!(
            plan(&manifests, &placement(), "d", "p", &|_, _| None).unwrap_err().to_string(),
            "f:1:24: the server doesn't have a resource type \"Namespace\" in \"v1\""
        );
        assert!(matches!(
            plan(&manifests, &placement(), "d", "P_", KNOWN),
            Err(PlanError::PolicyName { .. })
        ));
    }

    #[test]
    fn policies_are_called_after_the_object_or_the_file() {
        let one = read_text("f", "{apiVersion: v1, kind: ConfigMap, metadata: {name: Conf}}").unwrap();
        let many = read_text("f", FILE).unwrap();
        assert_eq!(default_policy_name(&one, &["x/app.yaml".into()]), "conf");
        assert_eq!(default_policy_name(&many, &["x/My_App.yaml".into()]), "my-app");
        assert_eq!(default_policy_name(&many, &["-".into()]), "web");
    }
}
