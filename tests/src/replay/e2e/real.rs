//! The same scenarios on real clusters: kube-apiservers as control plane and members, and the components that `init`
//! installs.
//!
//! One fleet serves all scenarios. Those that only work in their own namespace share it at the same time; those that
//! change clusters, need other flags or look at everything run alone, and the fleet is restored after them.

use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use anyhow::Context as _;
use karmadactl::install::names::Component;
use serde_json::Value;
use tokio::runtime::Runtime;

use super::super::Outcome;
use super::baseline::Baseline;
use super::fleet::{CONTROL_PLANE, Fleet, Switch, Tempo};
use super::footprint::further_servers;
use super::program::Program;
use super::scenario::{replay, unsupported};
use super::start::{clusters, describe, install_fixtures, name_of, prepare, steps, wait_until_ready};
use crate::process::program_under_test;
use crate::rig::{Binaries, Flags, Installation, RealFleet, Sync};

/// How often a scenario that failed runs again, alone: how busy the machine was, is no difference.
const AGAIN: usize = 1;
/// Steps that others would notice, or that notice others.
const STEPS_ALONE: [&str; 7] =
    ["cluster-down", "cluster-up", "http", "karmadactl", "label-cluster", "set-cluster-condition", "taint"];
/// Kinds that change what becomes of the objects of others.
const KINDS_ALONE: [&str; 5] =
    ["ClusterTaintPolicy", "CustomResourceDefinition", "Node", "Remedy", "ResourceInterpreterCustomization"];
/// Members of the recordings.
const MEMBERS: [&str; 4] = ["member1", "member2", "member3", "member4"];

/// Components that decide by feature gates.
const GATED: [Component; 3] = [Component::Webhook, Component::Scheduler, Component::ControllerManager];
/// The timings of the recording.
const TIMINGS: [&str; 3] = [
    "--cluster-status-update-frequency=2s",
    "--cluster-success-threshold=2s",
    "--cluster-failure-threshold=2s",
];

/// A real fleet, started with the first scenario.
pub struct RealScenarios {
    binaries: Binaries,
    of_members: Binaries,
    /// Carries the gates of the members.
    runtime: Runtime,
    /// Held for writing by scenarios that run alone.
    fleet: RwLock<Option<Running>>,
}

/// Fields are dropped in this order.
struct Running {
    installation: Installation,
    /// Those of the scenario that the components were started with.
    flags: Vec<String>,
    baseline: Baseline,
    fleet: RealFleet,
}

/// Whether a scenario shares the fleet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    Shared,
    Alone,
}

impl RealScenarios {
    /// Prepares for scenarios.
    ///
    /// # Errors
    /// When the system refuses to start a thread.
    pub fn new(binaries: &Binaries, of_members: &Binaries) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        Ok(Self {
            binaries: binaries.clone(),
            of_members: of_members.clone(),
            runtime,
            fleet: RwLock::new(None),
        })
    }

    /// Replays one scenario.
    pub fn run(&self, case: &Value) -> Outcome {
        if let Some(reason) = unsupported(case) {
            return Outcome::Skipped(reason);
        }
        let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()
        {
            Ok(runtime) => runtime,
            Err(error) => return Outcome::Failed(format!("cannot start a runtime: {error}")),
        };
        let run = |turn| match self.run_on(&runtime, case, turn) {
            Ok(outcome) => outcome,
            Err(error) => Outcome::Failed(format!("the fleet: {error:#}")),
        };
        let mut outcome = run(turn(case));
        for _ in 0..AGAIN {
            if !matches!(outcome, Outcome::Failed(_)) {
                break;
            }
            outcome = run(Turn::Alone);
        }
        outcome
    }

    fn run_on(&self, runtime: &Runtime, case: &Value, turn: Turn) -> anyhow::Result<Outcome> {
        let flags = flags(case);
        if turn == Turn::Shared {
            loop {
                let shared = self.fleet.read().unwrap_or_else(PoisonError::into_inner);
                if let Some(running) = shared.as_ref().filter(|running| running.flags == flags) {
                    return runtime.block_on(running.share(case));
                }
                drop(shared);
                let mut fleet = self.fleet.write().unwrap_or_else(PoisonError::into_inner);
                self.ensure(&mut fleet, case, &flags)?;
            }
        }
        let mut fleet = self.fleet.write().unwrap_or_else(PoisonError::into_inner);
        let running = self.ensure(&mut fleet, case, &flags)?;
        let further = further_servers(case);
        let further: Vec<&str> = further.iter().map(String::as_str).collect();
        if !further.is_empty() {
            self.runtime.block_on(running.fleet.add_members(&self.of_members, &further))?;
        }
        let result = runtime.block_on(running.own(case));
        running.fleet.remove_members(&further);
        let (outcome, restored) = result?;
        if restored.is_err() {
            // The next scenario gets a new one.
            *fleet = None;
        }
        Ok(outcome)
    }

    /// Makes the fleet run with these flags.
    fn ensure<'a>(
        &self,
        fleet: &'a mut Option<Running>,
        case: &Value,
        flags: &[String],
    ) -> anyhow::Result<&'a mut Running> {
        let running = match fleet.take() {
            None => self.runtime.block_on(self.start(case, flags))?,
            Some(running) if running.flags == flags => running,
            Some(mut running) => {
                for (component, flags) in flags_of_components(flags) {
                    running.installation.start(component, &flags)?;
                }
                Running { flags: flags.to_vec(), ..running }
            }
        };
        Ok(fleet.insert(running))
    }

    async fn start(&self, case: &Value, flags: &[String]) -> anyhow::Result<Running> {
        let program = program_under_test()?;
        let further = flags_of_components(flags);
        let (real, installation) = RealFleet::start_installed(
            &self.binaries,
            &self.of_members,
            &MEMBERS,
            Sync::Never,
            &program,
            &further,
        )
        .await?;
        let mut fleet = fleet_of(&real, case).await?;
        let refused =
            |refusal: super::client::Refusal| anyhow::anyhow!("{} {}", refusal.code, refusal.message);
        install_fixtures(&mut fleet, &case["fixtures"]).await.map_err(refused)?;
        for cluster in clusters(case) {
            let name = name_of(cluster);
            prepare(&mut fleet, cluster).await.map_err(refused).with_context(|| name.clone())?;
            real.join(&name).await.with_context(|| name.clone())?;
            let mut described = cluster.clone();
            // Taken away again where a scenario needs that.
            if let Some(spec) = described["spec"].as_object_mut() {
                spec.remove("resourceModels");
            }
            describe(&mut fleet, &Value::Null, &described).await.map_err(refused)?;
        }
        wait_until_ready(&mut fleet, case).await.map_err(anyhow::Error::msg)?;
        // What follows from the clusters, as their roles, is made by then.
        tokio::time::sleep(Duration::from_secs(3)).await;
        let baseline = Baseline::take(&mut fleet).await.map_err(refused)?;
        Ok(Running { installation, flags: flags.to_vec(), baseline, fleet: real })
    }
}

impl Running {
    /// Replays a scenario beside others.
    async fn share(&self, case: &Value) -> anyhow::Result<Outcome> {
        let outcome = replay(fleet_of(&self.fleet, case).await?, case).await;
        let mut fleet = fleet_of(&self.fleet, case).await?;
        match self.baseline.clear(&mut fleet, &id(case)).await {
            Ok(()) => Ok(outcome),
            Err(refusal) => anyhow::bail!("cannot clean up: {} {}", refusal.code, refusal.message),
        }
    }

    /// Replays a scenario that has the fleet to itself, and restores the fleet.
    async fn own(&self, case: &Value) -> anyhow::Result<(Outcome, Result<(), String>)> {
        let mut fleet = fleet_of(&self.fleet, case).await?;
        let mut restored = self.baseline.restore(&mut fleet).await;
        if restored.is_ok() {
            // It may have run before.
            restored = self.baseline.wait_until_gone(&mut fleet, &id(case)).await;
        }
        if let Err(left) = restored {
            return Ok((Outcome::Failed(left.clone()), Err(left)));
        }
        for cluster in clusters(case) {
            describe(&mut fleet, case, cluster)
                .await
                .map_err(|refusal| anyhow::anyhow!("{} {}", refusal.code, refusal.message))?;
        }
        wait_until_ready(&mut fleet, case).await.map_err(anyhow::Error::msg)?;
        let outcome = replay(fleet, case).await;
        for member in self.fleet.members.values() {
            member.gate.switch().send_replace(crate::rig::Reachability::Up);
        }
        let mut fleet = fleet_of(&self.fleet, case).await?;
        if let Err(refusal) = self.baseline.clear(&mut fleet, &id(case)).await {
            return Ok((outcome, Err(refusal.message)));
        }
        Ok((outcome, self.baseline.restore(&mut fleet).await))
    }
}

/// Connects a scenario with the fleet.
async fn fleet_of(real: &RealFleet, case: &Value) -> anyhow::Result<Fleet> {
    let (control_plane, members) = real.clients().await?;
    let mut fleet = Fleet::new(control_plane, members);
    fleet.tempo = Tempo::REAL;
    for (name, member) in &real.members {
        fleet = fleet.with_switch(name, Switch(member.gate.switch()));
    }
    if steps(case).any(|step| step["do"] == "karmadactl") {
        let mut kubeconfigs = BTreeMap::new();
        let control_plane = &real.control_plane;
        kubeconfigs.insert(CONTROL_PLANE.to_owned(), control_plane.admin_kubeconfig_at(control_plane.url())?);
        for (name, member) in &real.members {
            let mut kubeconfig = member.cluster.admin_kubeconfig_at(&member.url())?;
            // Commands look for the context of a cluster's name.
            kubeconfig["contexts"][0]["name"] = name.as_str().into();
            kubeconfig["current-context"] = name.as_str().into();
            kubeconfigs.insert(name.clone(), kubeconfig);
        }
        fleet.program = Some(Program::new(&kubeconfigs)?);
    }
    Ok(fleet)
}

fn id(case: &Value) -> String {
    case["name"].as_str().unwrap_or_default().split('-').next().unwrap_or_default().to_owned()
}

/// Adds what every component has to be told on the rig.
fn flags_of_components(flags: &[String]) -> Flags {
    let of_component = |component: Component| {
        let mut all = flags.to_vec();
        if component != Component::Webhook {
            // One that is killed does not give up its lease.
            all.push("--leader-elect=false".to_owned());
        }
        if component == Component::ControllerManager {
            all.extend(TIMINGS.map(str::to_owned));
        }
        (component, all)
    };
    GATED.into_iter().map(of_component).collect()
}

/// The flags that a scenario needs.
fn flags(case: &Value) -> Vec<String> {
    let gates = case["gates"].as_object().into_iter().flatten();
    let gates: Vec<String> = gates.map(|(name, state)| format!("{name}={state}")).collect();
    if gates.is_empty() { Vec::new() } else { vec![format!("--feature-gates={}", gates.join(","))] }
}

fn turn(case: &Value) -> Turn {
    let is_of_cluster = |text: &Value| {
        text.as_str().is_some_and(|text| {
            text.starts_with("cluster.karmada.io/v1alpha1/clusters/") || text.starts_with("v1/nodes/")
        })
    };
    let is_alone = |step: &Value| {
        let objects = step["objects"].as_array().into_iter().flatten();
        let mut kinds = objects.filter_map(|object| object["kind"].as_str());
        step["do"].as_str().is_some_and(|step| STEPS_ALONE.contains(&step))
            || is_of_cluster(&step["ref"])
            || kinds.any(|kind| KINDS_ALONE.contains(&kind))
            || step["expect"][CONTROL_PLANE]
                .as_object()
                .is_some_and(|objects| objects.keys().any(|key| is_of_cluster(&Value::from(key.as_str()))))
    };
    if !flags(case).is_empty() || steps(case).any(is_alone) { Turn::Alone } else { Turn::Shared }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn scenarios_share_the_fleet_unless_they_change_what_others_see() {
        let check = |case: Value, expected: Turn| assert_eq!(turn(&case), expected, "{case}");
        check(json!({"steps": [{"do": "create", "objects": [{"kind": "Deployment"}]}]}), Turn::Shared);
        check(json!({"steps": [{"do": "create", "objects": [{"kind": "Remedy"}]}]}), Turn::Alone);
        check(json!({"steps": [{"do": "taint", "cluster": "member1"}]}), Turn::Alone);
        check(
            json!({"steps": [{"do": "patch", "ref": "cluster.karmada.io/v1alpha1/clusters/-/member1"}]}),
            Turn::Alone,
        );
        check(
            json!({"steps": [{"expect": {"control-plane": {"cluster.karmada.io/v1alpha1/clusters/-/member1": {}}}}]}),
            Turn::Alone,
        );
        check(json!({"steps": [], "gates": {"WorkloadAffinity": true}}), Turn::Alone);
    }

    #[test]
    fn gates_become_flags() {
        let case = json!({"gates": {"A": true, "B": false}});
        assert_eq!(flags(&case), ["--feature-gates=A=true,B=false"]);
        let flags = flags_of_components(&flags(&case));
        for component in GATED {
            assert!(flags[&component].contains(&"--feature-gates=A=true,B=false".to_owned()), "{component}");
        }
        assert!(!flags[&Component::Webhook].iter().any(|flag| flag.contains("leader")));
    }
}
