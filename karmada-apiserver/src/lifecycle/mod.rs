//! The controllers that an API server cannot live without.
//!
//! Each is a [`controller::Controller`]: it is told what changed, keeps a queue of keys, and looks at one key at a time.
//! Nothing runs while nothing changes.

mod aggregation;
mod api_services;
mod bootstrap;
mod bootstrap_tokens;
mod certificates;
mod collector;
mod controller;
pub(crate) mod crds;
mod expiry;
mod finished_jobs;
mod local_services;
mod namespaces;
mod quotas;
mod service_accounts;
mod tokens;

pub(crate) use bootstrap::start;
