//! The scheduler's work.

use std::time::Duration;

use prometheus_client::registry::Registry;

use super::{Counters, Gauges, Histograms, Outcome, count, durations, observe};

/// Why a binding was scheduled, as the metrics name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScheduleType {
    /// The placement changed, or it is the first time.
    Reconcile,
    /// The number of replicas changed.
    Scale,
    /// A fresh schedule was asked for, or clusters changed.
    Reschedule,
}

impl ScheduleType {
    fn name(self) -> &'static str {
        match self {
            Self::Reconcile => "reconcile",
            Self::Scale => "scale",
            Self::Reschedule => "reschedule",
        }
    }
}

/// The scheduler's work.
#[derive(Clone, Debug)]
pub struct SchedulerMetrics {
    attempts: Counters,
    end_to_end: Histograms,
    steps: Histograms,
    incoming: Counters,
    pending: Gauges,
}

impl Default for SchedulerMetrics {
    fn default() -> Self {
        Self {
            attempts: Counters::default(),
            end_to_end: durations(),
            steps: durations(),
            incoming: Counters::default(),
            pending: Gauges::default(),
        }
    }
}

impl SchedulerMetrics {
    /// Counts an attempt, with all it took until the result was written.
    pub fn attempted(&self, type_: ScheduleType, outcome: Outcome, elapsed: Duration) {
        let labels = vec![("result", outcome.name().to_owned()), ("schedule_type", type_.name().to_owned())];
        observe(&self.end_to_end, labels.clone(), elapsed);
        count(&self.attempts, labels);
    }

    /// Counts the decision alone.
    pub fn decided(&self, elapsed: Duration) {
        observe(&self.steps, vec![("schedule_step", "All".to_owned())], elapsed);
    }

    /// Counts a binding that came to the queue.
    pub fn queued(&self, event: &'static str) {
        count(&self.incoming, vec![("event", event.to_owned())]);
    }

    /// Notes how many bindings are in a part of the queue.
    pub fn pending(&self, queue: &'static str, bindings: usize) {
        self.pending.get_or_create(&vec![("queue", queue.to_owned())]).set(bindings as i64);
    }

    pub(super) fn register(&self, registry: &mut Registry) {
        let registry = registry.sub_registry_with_prefix("karmada_scheduler");
        registry.register("schedule_attempts", "Attempts to schedule a binding", self.attempts.clone());
        registry.register(
            "e2e_scheduling_duration_seconds",
            "Time from taking a binding to its written result",
            self.end_to_end.clone(),
        );
        registry.register(
            "scheduling_algorithm_duration_seconds",
            "Time of the decision",
            self.steps.clone(),
        );
        registry.register(
            "queue_incoming_bindings",
            "Bindings that came to the queue",
            self.incoming.clone(),
        );
        registry.register("pending_bindings", "Bindings in the queue", self.pending.clone());
    }
}
