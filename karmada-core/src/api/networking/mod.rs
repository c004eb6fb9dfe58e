//! Group `networking.karmada.io`: services and ingresses over several clusters.

pub mod constants;
mod ingress;
mod load_balancer;
mod multi_cluster_ingress;
mod multi_cluster_service;

pub use ingress::{
    HttpIngressPath, HttpIngressRuleValue, IngressBackend, IngressLoadBalancerIngress,
    IngressLoadBalancerStatus, IngressRule, IngressServiceBackend, IngressSpec, IngressTls,
    ServiceBackendPort, TypedLocalObjectReference,
};
pub use load_balancer::{LoadBalancerIngress, LoadBalancerStatus, PortStatus};
pub use multi_cluster_ingress::{MultiClusterIngress, MultiClusterIngressStatus, ServiceLocation};
pub use multi_cluster_service::{
    ClusterSelector, ExposurePort, ExposureRange, ExposureType, MultiClusterService, MultiClusterServiceSpec,
    ServiceStatus,
};
