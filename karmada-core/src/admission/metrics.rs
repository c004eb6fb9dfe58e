//! The metrics of a FederatedHPA.

use super::{
    FieldError, cron_federated_hpa::validate_reference, path_segment::validate_required_segment,
    resource_name::validate_container_name,
};
use crate::{
    api::autoscaling::{
        ContainerResourceMetricSource, MetricIdentifier, MetricSourceType, MetricSpec, MetricTarget,
        MetricTargetType, ObjectMetricSource, PodsMetricSource, ResourceMetricSource,
    },
    object::validation::dns_1123_label,
};

const SOURCES: [&str; 4] = ["ContainerResource", "Object", "Pods", "Resource"];

/// Checks one metric: its type, and the one source that belongs to it.
pub(super) fn validate_metric(metric: &MetricSpec, path: &str, errors: &mut Vec<FieldError>) {
    let type_field = format!("{path}.type");
    let own = field_of(&metric.type_);
    if metric.type_.is_unset() {
        errors.push(FieldError::required(&type_field, "must specify a metric source type"));
    }
    if own.is_none() {
        errors.push(FieldError::not_supported(&type_field, metric.type_.as_str(), &SOURCES));
    }
    let present = validate_sources(metric, path, errors);
    match own {
        // An unknown type is told again where its source would be, as upstream does.
        None => errors.push(FieldError::not_supported(type_field, metric.type_.as_str(), &SOURCES)),
        Some(own) if !present.contains(&own) => errors.push(FieldError::required(
            format!("{path}.{own}"),
            "must populate information for the given metric source",
        )),
        Some(_) => {}
    }
    if present.len() > 1 {
        for other in present.into_iter().filter(|present| Some(*present) != own) {
            let detail = "must populate the given metric source only";
            errors.push(FieldError::forbidden(format!("{path}.{other}"), detail));
        }
    }
}

fn field_of(type_: &MetricSourceType) -> Option<&'static str> {
    match type_ {
        MetricSourceType::Object => Some("object"),
        MetricSourceType::Pods => Some("pods"),
        MetricSourceType::Resource => Some("resource"),
        MetricSourceType::ContainerResource => Some("containerResource"),
        MetricSourceType::External | MetricSourceType::Unset | MetricSourceType::Other(_) => None,
    }
}

/// Checks the first source and returns the fields of all that are there.
fn validate_sources(metric: &MetricSpec, path: &str, errors: &mut Vec<FieldError>) -> Vec<&'static str> {
    let present = [
        metric.object.as_ref().map(|_| "object"),
        metric.pods.as_ref().map(|_| "pods"),
        metric.resource.as_ref().map(|_| "resource"),
        metric.container_resource.as_ref().map(|_| "containerResource"),
    ];
    let present: Vec<&'static str> = present.into_iter().flatten().collect();
    if let Some(first) = present.first() {
        let path = format!("{path}.{first}");
        match (&metric.object, &metric.pods, &metric.resource, &metric.container_resource) {
            (Some(object), ..) => validate_object(object, &path, errors),
            (_, Some(pods), ..) => validate_pods(pods, &path, errors),
            (_, _, Some(resource), _) => validate_resource(resource, &path, errors),
            (_, _, _, Some(container)) => validate_container(container, &path, errors),
            _ => {}
        }
    }
    present
}

fn validate_object(source: &ObjectMetricSource, path: &str, errors: &mut Vec<FieldError>) {
    validate_reference(&source.described_object, &format!("{path}.describedObject"), errors);
    validate_identifier(&source.metric, path, errors);
    validate_target(&source.target, path, errors);
    if source.target.value.is_none() && source.target.average_value.is_none() {
        errors.push(FieldError::required(
            format!("{path}.target.averageValue"),
            "must set either a target value or averageValue",
        ));
    }
}

fn validate_pods(source: &PodsMetricSource, path: &str, errors: &mut Vec<FieldError>) {
    validate_identifier(&source.metric, path, errors);
    validate_target(&source.target, path, errors);
    if source.target.average_value.is_none() {
        errors.push(FieldError::required(
            format!("{path}.target.averageValue"),
            "must specify a positive target averageValue",
        ));
    }
}

fn validate_resource(source: &ResourceMetricSource, path: &str, errors: &mut Vec<FieldError>) {
    if source.name.is_empty() {
        errors.push(FieldError::required(format!("{path}.name"), "must specify a resource name"));
    }
    validate_resource_target(&source.target, path, errors);
}

fn validate_container(source: &ContainerResourceMetricSource, path: &str, errors: &mut Vec<FieldError>) {
    let field = format!("{path}.name");
    if source.name.is_empty() {
        errors.push(FieldError::required(field, "must specify a resource name"));
    } else {
        validate_container_name(&source.name, &field, errors);
    }
    let field = format!("{path}.container");
    if source.container.is_empty() {
        errors.push(FieldError::required(field, "must specify a container"));
    } else {
        let messages = dns_1123_label(&source.container).into_iter();
        errors.extend(messages.map(|message| FieldError::invalid(&field, &source.container, message)));
    }
    validate_resource_target(&source.target, path, errors);
}

fn validate_identifier(identifier: &MetricIdentifier, path: &str, errors: &mut Vec<FieldError>) {
    let field = format!("{path}.metric.name");
    validate_required_segment(&identifier.name, &field, "must specify a metric name", errors);
}

fn validate_resource_target(target: &MetricTarget, path: &str, errors: &mut Vec<FieldError>) {
    validate_target(target, path, errors);
    match (target.average_utilization, target.average_value) {
        (None, None) => errors.push(FieldError::required(
            format!("{path}.target.averageUtilization"),
            "must set either a target raw value or a target utilization",
        )),
        (Some(_), Some(_)) => errors.push(FieldError::forbidden(
            format!("{path}.target.averageValue"),
            "may not set both a target raw value and a target utilization",
        )),
        _ => {}
    }
}

fn validate_target(target: &MetricTarget, path: &str, errors: &mut Vec<FieldError>) {
    let path = format!("{path}.target");
    let field = format!("{path}.type");
    if target.type_.is_unset() {
        errors.push(FieldError::required(&field, "must specify a metric target type"));
    }
    if !MetricTargetType::KNOWN.contains(&target.type_) {
        let detail = "must be either Utilization, Value, or AverageValue";
        errors.push(FieldError::invalid(field, target.type_.as_str(), detail));
    }
    for (name, quantity) in [("value", target.value), ("averageValue", target.average_value)] {
        if let Some(quantity) = quantity.filter(|quantity| quantity.sign() <= 0) {
            errors.push(FieldError::invalid_value(format!("{path}.{name}"), &quantity, "must be positive"));
        }
    }
    if let Some(utilization) = target.average_utilization.filter(|utilization| *utilization < 1) {
        let field = format!("{path}.averageUtilization");
        errors.push(FieldError::invalid_value(field, &utilization, "must be greater than 0"));
    }
}
