//! ServiceImport of the multi-cluster services API.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::DependentReference;
use super::rules::Rules;
use crate::api::LabelSelector;
use crate::object;

/// Label of endpoint slices that names their service.
const SERVICE_NAME_LABEL: &str = "kubernetes.io/service-name";

pub(super) const RULES: Rules =
    Rules { dependencies: Some(|object| Ok(dependencies(object))), ..Rules::NONE };

/// The derived service and its endpoint slices.
fn dependencies(object: &Value) -> Vec<DependentReference> {
    let namespace = object::namespace(object);
    let service = object::derived_service_name(object::name(object));
    let slices = DependentReference {
        label_selector: Some(LabelSelector {
            match_labels: BTreeMap::from([(SERVICE_NAME_LABEL.to_owned(), service.clone())]),
            match_expressions: Vec::new(),
        }),
        ..DependentReference::named("discovery.k8s.io/v1", "EndpointSlice", namespace, "")
    };
    vec![DependentReference::named("v1", "Service", namespace, &service), slices]
}
