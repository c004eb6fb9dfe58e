//! What the controllers count, under the names that Karmada's components have for it.
//!
//! [`Metrics`] is what controllers write to; it costs an atomic addition each. [`Metrics::page`] prints all of it in
//! the text format that Prometheus reads. Gauges are computed when a page is asked for.

mod cluster;
mod resource;
mod runtime;
mod scheduler;

use std::fmt;
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

pub use cluster::ClusterMetrics;
pub use resource::{Creation, ResourceMetrics, ResourceTotals};
pub use runtime::{Role, RuntimeMetrics};
pub use scheduler::{ScheduleType, SchedulerMetrics};

pub(crate) type Labels = Vec<(&'static str, String)>;
pub(crate) type Counters = Family<Labels, Counter>;
pub(crate) type Gauges = Family<Labels, Gauge>;
pub(crate) type Histograms = Family<Labels, Histogram, fn() -> Histogram>;

/// How an attempt ended, as metrics name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Success,
    Error,
}

impl Outcome {
    /// Returns the outcome of a result.
    pub fn of<T, E>(result: &Result<T, E>) -> Self {
        if result.is_ok() { Self::Success } else { Self::Error }
    }

    /// Returns the value of the label `result`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Error => "error",
        }
    }
}

/// Everything that is counted.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    pub clusters: ClusterMetrics,
    pub resources: ResourceMetrics,
    pub runtime: RuntimeMetrics,
    pub scheduler: SchedulerMetrics,
}

impl Metrics {
    /// Prints all metrics, and the type of their text.
    ///
    /// # Errors
    /// None that a string can cause.
    pub fn page(&self) -> Result<Page, fmt::Error> {
        let mut registry = Registry::default();
        let build = Gauges::default();
        build
            .get_or_create(&vec![
                ("git_version", format!("v{}", env!("CARGO_PKG_VERSION"))),
                ("compiler", "rustc".to_owned()),
                ("platform", format!("{}/{}", std::env::consts::OS, std::env::consts::ARCH)),
            ])
            .set(1);
        registry.register("karmada_build_info", "The version that runs", build);
        self.clusters.register(&mut registry);
        self.resources.register(&mut registry);
        self.runtime.register(&mut registry);
        self.scheduler.register(&mut registry);
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry)?;
        Ok(Page { content_type: "application/openmetrics-text; version=1.0.0; charset=utf-8", text })
    }
}

/// A printed page of metrics.
#[derive(Clone, Debug)]
pub struct Page {
    pub content_type: &'static str,
    pub text: String,
}

/// A family of durations, from a millisecond to half a minute.
pub(crate) fn durations() -> Histograms {
    Histograms::new_with_constructor(|| Histogram::new(exponential_buckets(0.001, 2.0, 15)))
}

pub(crate) fn observe(family: &Histograms, labels: Labels, elapsed: Duration) {
    family.get_or_create(&labels).observe(elapsed.as_secs_f64());
}

pub(crate) fn count(family: &Counters, labels: Labels) {
    family.get_or_create(&labels).inc();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_upstreams_names() {
        let metrics = Metrics::default();
        metrics.scheduler.attempted(ScheduleType::Reconcile, Outcome::Success, Duration::from_millis(3));
        metrics.resources.applied_policy(Outcome::Success, Duration::from_millis(1));
        metrics.resources.created("apps/v1", "Deployment", "m1", Outcome::Success, Creation::First);
        metrics.clusters.observe("m1", &karmada_core::api::cluster::ClusterStatus::default());
        metrics.runtime.reconciled("binding", "success", Duration::from_millis(1));
        let page = metrics.page().unwrap().text;
        for line in [
            "karmada_build_info{",
            "karmada_scheduler_schedule_attempts_total{result=\"success\",schedule_type=\"reconcile\"} 1",
            "karmada_scheduler_e2e_scheduling_duration_seconds_count{result=\"success\",schedule_type=\"reconcile\"} 1",
            "policy_apply_attempts_total{result=\"success\"} 1",
            "resource_apply_policy_duration_seconds_count{} 1",
            "create_resource_to_cluster{apiversion=\"apps/v1\",kind=\"Deployment\",member_cluster=\"m1\",recreate=\"false\",result=\"success\"} 1",
            "cluster_ready_state{cluster_name=\"m1\"} 0",
            "controller_runtime_reconcile_total{controller=\"binding\",result=\"success\"} 1",
        ] {
            assert!(page.contains(line), "{line} is missing:\n{page}");
        }
    }
}
