//! Rules of the built-in kinds, one file each, and what several of them share.

mod counters;
mod cron_job;
mod daemon_set;
mod deployment;
mod horizontal_pod_autoscaler;
mod ingress;
mod job;
mod load_balancer;
mod persistent_volume;
mod persistent_volume_claim;
mod pod;
mod pod_dependencies;
mod pod_disruption_budget;
mod replica_set;
mod requirements;
mod rules;
mod secret;
mod service;
mod service_account;
mod service_import;
mod stateful_set;
mod typed;

pub(super) use pod_dependencies::pod_dependencies;
pub(super) use requirements::requirements;
pub(super) use rules::rules;
