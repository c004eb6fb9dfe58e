//! The metrics an autoscaler follows, and what they were last.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{api::LabelSelector, object::Quantity};

string_enum! {
    /// Where a metric comes from.
    MetricSourceType as text {
        /// One object.
        Object = "Object",
        /// Every pod of the target.
        Pods = "Pods",
        /// A resource of the pods.
        Resource = "Resource",
        /// A resource of one container of the pods.
        ContainerResource = "ContainerResource",
        /// Something outside the cluster.
        External = "External",
    }
}

string_enum! {
    /// How a metric is compared.
    MetricTargetType as text {
        /// Percent of what the pods ask for.
        Utilization = "Utilization",
        /// The value itself.
        Value = "Value",
        /// The value divided by the number of pods.
        AverageValue = "AverageValue",
    }
}

/// A metric and its target; the field that `type` names is set.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct MetricSpec {
    /// Which of the sources it is.
    #[serde(rename = "type")]
    pub type_: MetricSourceType,
    /// A metric of one object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object: Option<ObjectMetricSource>,
    /// A metric of every pod.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pods: Option<PodsMetricSource>,
    /// A resource of the pods.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<ResourceMetricSource>,
    /// A resource of one container.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub container_resource: Option<ContainerResourceMetricSource>,
    /// A metric from outside.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external: Option<ExternalMetricSource>,
}

/// A metric of one object.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ObjectMetricSource {
    /// The object.
    pub described_object: CrossVersionObjectReference,
    /// What the metric should be.
    pub target: MetricTarget,
    /// The metric.
    pub metric: MetricIdentifier,
}

/// A metric of every pod of the target.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct PodsMetricSource {
    /// The metric.
    pub metric: MetricIdentifier,
    /// What the metric should be.
    pub target: MetricTarget,
}

/// A resource that the pods ask for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ResourceMetricSource {
    /// The resource.
    pub name: String,
    /// How much of it should be used.
    pub target: MetricTarget,
}

/// A resource that one container of the pods asks for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ContainerResourceMetricSource {
    /// The resource.
    pub name: String,
    /// How much of it should be used.
    pub target: MetricTarget,
    /// The container.
    pub container: String,
}

/// A metric from outside of Kubernetes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ExternalMetricSource {
    /// The metric.
    pub metric: MetricIdentifier,
    /// What the metric should be.
    pub target: MetricTarget,
}

/// Names a metric.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct MetricIdentifier {
    /// Its name.
    pub name: String,
    /// Labels of the metric.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selector: Option<LabelSelector>,
}

/// What a metric should be.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct MetricTarget {
    /// Which of the fields counts.
    #[serde(rename = "type")]
    pub type_: MetricTargetType,
    /// The value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Quantity>,
    /// The value for one pod.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub average_value: Option<Quantity>,
    /// Percent of what the pods ask for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub average_utilization: Option<i32>,
}

/// Names an object of any kind in the same namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct CrossVersionObjectReference {
    /// Kind.
    pub kind: String,
    /// Name.
    pub name: String,
    /// Group and version.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub api_version: String,
}
