//! Group `multicluster.x-k8s.io`: services that clusters export and import.

pub mod constants;
mod service_export;
mod service_import;

pub use service_export::{ServiceExport, ServiceExportStatus};
pub use service_import::{
    ClientIPConfig, ClusterStatus, ServiceImport, ServiceImportSpec, ServiceImportStatus, ServiceImportType,
    ServicePort, SessionAffinityConfig,
};
