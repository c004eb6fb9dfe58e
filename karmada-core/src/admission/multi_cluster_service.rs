//! MultiClusterService.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{
    AdmissionDenied, AdmissionInput, FieldError, Operation,
    cluster::push_cluster_name_messages,
    entry::{decode, deny_if_any},
    load_balancer::validate_addresses,
    object_meta::{Scope, validate_metadata, validate_metadata_update},
};
use crate::{
    api::networking::{
        ClusterSelector, ExposurePort, ExposureType, MultiClusterService, MultiClusterServiceSpec,
        constants::MULTI_CLUSTER_SERVICE_ID_LABEL,
    },
    object::{
        self,
        validation::{dns_1035_label, dns_1123_label},
    },
};

/// Gives a service its identifier, unless it has one.
pub(super) fn mutate(input: &AdmissionInput<'_>) -> Result<Value, AdmissionDenied> {
    let spec = decode::<MultiClusterService>(input.object)?.spec;
    let mut service = input.object.clone();
    service["spec"] = serde_json::to_value(spec).expect("wire types always serialise");
    if object::label(&service, MULTI_CLUSTER_SERVICE_ID_LABEL).unwrap_or_default().is_empty() {
        object::set_label(&mut service, MULTI_CLUSTER_SERVICE_ID_LABEL, input.uuid);
    }
    Ok(service)
}

/// Refuses what is not valid.
pub(super) fn validate(input: &AdmissionInput<'_>) -> Result<(), AdmissionDenied> {
    let service: MultiClusterService = decode(input.object)?;
    let mut errors = Vec::new();
    if let (Operation::Update, Some(old)) = (input.operation, input.old_object) {
        validate_metadata_update(&input.object["metadata"], &old["metadata"], &mut errors);
        let old = decode::<MultiClusterService>(old)?;
        if old.spec.types != service.spec.types {
            let detail = "MultiClusterService types are immutable";
            errors.push(FieldError::invalid_value("spec.types", &old.spec.types, detail));
        }
        let ingress = service.status.iter().flat_map(|status| &status.load_balancer.ingress);
        validate_addresses(
            ingress.map(|ingress| (ingress.ip.as_str(), ingress.hostname.as_str())),
            &mut errors,
        );
    }
    validate_metadata(&input.object["metadata"], Scope::Namespaced, dns_1035_label, &mut errors);
    validate_spec(&service.spec, &mut errors);
    deny_if_any(input.kind, errors)
}

fn validate_spec(spec: &MultiClusterServiceSpec, errors: &mut Vec<FieldError>) {
    let mut names = BTreeSet::new();
    for (index, port) in spec.ports.iter().enumerate() {
        validate_port(port, &format!("spec.ports[{index}]"), &mut names, errors);
    }
    for (index, exposure) in spec.types.iter().enumerate() {
        if !matches!(exposure, ExposureType::CrossCluster | ExposureType::LoadBalancer) {
            let field = format!("spec.types[{index}]");
            errors.push(FieldError::invalid(field, exposure.as_str(), "ExposureType Error"));
        }
    }
    if spec.types.iter().collect::<BTreeSet<_>>().len() > 1 {
        let detail = "MultiClusterService types should not contain more than one type";
        errors.push(FieldError::invalid_value("spec.types", &spec.types, detail));
    }
    validate_clusters(&spec.provider_clusters, "spec.range.providerClusters", errors);
    validate_clusters(&spec.consumer_clusters, "spec.range.consumerClusters", errors);
}

fn validate_port<'a>(
    port: &'a ExposurePort,
    path: &str,
    names: &mut BTreeSet<&'a str>,
    errors: &mut Vec<FieldError>,
) {
    if !port.name.is_empty() {
        let field = format!("{path}.name");
        let messages = dns_1123_label(&port.name).into_iter();
        errors.extend(messages.map(|message| FieldError::invalid(&field, &port.name, message)));
        if !names.insert(&port.name) {
            errors.push(FieldError::duplicate(field, &port.name));
        }
    }
    if !(1..=65535).contains(&port.port) {
        let detail = "must be between 1 and 65535, inclusive";
        errors.push(FieldError::invalid_value(format!("{path}.port"), &port.port, detail));
    }
}

fn validate_clusters(clusters: &[ClusterSelector], path: &str, errors: &mut Vec<FieldError>) {
    for (index, cluster) in clusters.iter().enumerate() {
        push_cluster_name_messages(&cluster.name, &format!("{path}[{index}]"), errors);
    }
}
