//! One call of the scheduler.

use karmada_core::{
    api::work::ResourceBindingSpec,
    scheduling::{
        AssumedWorkloads, Decision, ScheduleContext, ScheduleInput, ScheduleOptions, Snapshot,
        WorkloadGroups, schedule,
    },
};

/// Everything around a binding that is the same for all calls.
#[derive(Default)]
pub(crate) struct Surroundings {
    groups: WorkloadGroups,
    assumed: AssumedWorkloads,
    options: ScheduleOptions,
}

impl Surroundings {
    pub(crate) fn schedule(&self, snapshot: &Snapshot, spec: &ResourceBindingSpec) -> Decision {
        self.with_input(snapshot, spec, schedule)
    }

    /// Calls with what the scheduler is called with.
    pub(crate) fn with_input<T>(
        &self,
        snapshot: &Snapshot,
        spec: &ResourceBindingSpec,
        call: impl FnOnce(&ScheduleContext<'_>, &ScheduleInput<'_>) -> T,
    ) -> T {
        let context = ScheduleContext {
            snapshot,
            groups: &self.groups,
            assumed: &self.assumed,
            options: &self.options,
        };
        let input = ScheduleInput {
            name: "checkout-deployment",
            spec,
            affinity_name: "",
            last_scheduled: None,
            estimates: None,
        };
        call(&context, &input)
    }
}
