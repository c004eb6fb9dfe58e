//! Objects that make a control plane of Kubernetes' and Karmada's own programs.

pub mod api_service;
pub mod webhook_configurations;
