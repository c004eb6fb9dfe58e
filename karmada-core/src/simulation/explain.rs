//! Why clusters were taken or refused.

use super::{Record, World};
use crate::{
    propagation::Binding,
    scheduling::{AssumedWorkloads, Explanation, ScheduleContext, ScheduleInput, WorkloadGroups},
};

impl World {
    /// Explains what the scheduler tried for a record of this world: once per attempt, with the
    /// affinity group (empty when there are none).
    pub fn explain(&self, record: &Record, mut each: impl FnMut(&str, &Explanation<'_>)) {
        if record.attempts.is_empty() {
            return;
        }
        // The binding as the scheduler saw it, with the clusters of before.
        let Some(binding) = self.propagate(record.template).binding else { return };
        let (name, status) = match &binding {
            Binding::Namespaced(binding) => (binding.metadata.name.as_deref(), binding.status.as_ref()),
            Binding::Cluster(binding) => (binding.metadata.name.as_deref(), binding.status.as_ref()),
        };
        let last_scheduled = status.and_then(|status| status.last_scheduled_time.as_ref());
        let context = ScheduleContext {
            snapshot: &self.snapshot,
            groups: &WorkloadGroups::default(),
            assumed: &AssumedWorkloads::default(),
            options: &self.schedule,
        };
        for attempt in &record.attempts {
            let input = ScheduleInput {
                name: name.unwrap_or_default(),
                spec: binding.spec(),
                affinity_name: &attempt.affinity_name,
                last_scheduled: last_scheduled.map(|time| time.0),
                estimates: None,
            };
            each(&attempt.affinity_name, &attempt.decision.explain(&context, &input));
        }
    }
}
