//! Group `autoscaling.karmada.io`: how many replicas there are over all clusters.

mod behavior;
pub mod constants;
mod cron_federated_hpa;
mod federated_hpa;
mod metric_status;
mod metrics;

pub use behavior::{
    HPAScalingPolicy, HPAScalingPolicyType, HPAScalingRules, HorizontalPodAutoscalerBehavior,
    ScalingPolicySelect,
};
pub use cron_federated_hpa::{
    CronFederatedHPA, CronFederatedHPARule, CronFederatedHPASpec, CronFederatedHPAStatus, ExecutionHistory,
    FailedExecution, SuccessfulExecution,
};
pub use federated_hpa::{
    FederatedHPA, FederatedHPASpec, HorizontalPodAutoscalerCondition, HorizontalPodAutoscalerStatus,
};
pub use metric_status::{
    ContainerResourceMetricStatus, ExternalMetricStatus, MetricStatus, MetricValueStatus, ObjectMetricStatus,
    PodsMetricStatus, ResourceMetricStatus,
};
pub use metrics::{
    ContainerResourceMetricSource, CrossVersionObjectReference, ExternalMetricSource, MetricIdentifier,
    MetricSourceType, MetricSpec, MetricTarget, MetricTargetType, ObjectMetricSource, PodsMetricSource,
    ResourceMetricSource,
};
