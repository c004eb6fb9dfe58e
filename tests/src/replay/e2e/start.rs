//! Bringing up a control plane and members for a scenario, with the shortened timings of the recording.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use karmada_apiserver::server::Limits;
use karmada_controllers::agent::Agent;
use karmada_controllers::members::Connector;
use karmada_controllers::{ControlPlane, ControlPlaneSettings, StatusSettings};
use karmada_core::api::FeatureGates;
use karmadactl::embedded::{ApiOptions, EmbeddedOptions, EmbeddedServer, KarmadaAdmission, Storage};
use karmadactl::join::{JoinOptions, join_cluster};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::agents::{register, start_agent};
use super::client::{PatchKind, Refusal};
use super::fleet::{CONTROL_PLANE, Fleet, Reachability, Switch};
use super::footprint::further_servers;
use super::journal::Journal;
use super::program::Program;
use super::switch::switched;

/// How long members may take to become ready.
const READY: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(50);

/// How members get what is theirs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SyncMode {
    /// The control plane brings it.
    #[default]
    Push,
    /// An agent for each fetches it.
    Pull(RegisteredBy),
}

/// Who gave agents their permissions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegisteredBy {
    Us,
    Upstream,
}

/// The servers of a scenario, with its clusters registered. Control loops come and go ([`Stage::run`]).
pub struct Stage {
    server: EmbeddedServer,
    members: BTreeMap<String, EmbeddedServer>,
    switches: BTreeMap<String, watch::Sender<Reachability>>,
    connector: Connector,
    gates: FeatureGates,
    sync_mode: SyncMode,
    /// What the control loops write.
    journal: Journal,
}

/// The control loops of a stage.
pub struct Loops {
    pub control_plane: ControlPlane,
    agents: Vec<Agent>,
}

/// A fleet that did not start: what failed, and why.
pub(super) type StartError = String;

impl Stage {
    /// Starts the servers of a scenario and registers its clusters.
    pub async fn open(case: &Value, sync_mode: SyncMode) -> Result<Self, StartError> {
        let gates = gates(case)?;
        let admission = KarmadaAdmission { gates: gates.clone(), ..KarmadaAdmission::default() };
        let api = ApiOptions { admission, ..ApiOptions::default() };
        let control_plane = EmbeddedOptions { api, ..options(CONTROL_PLANE) };
        let connector = Connector::new();
        let server = EmbeddedServer::karmada_reaching(&control_plane, connector.clone())
            .await
            .map_err(failed("the control plane"))?;
        let journal = Journal::default();
        let mut members = BTreeMap::new();
        let mut switches = BTreeMap::new();
        for name in clusters(case).map(name_of).chain(further_servers(case)) {
            let member = EmbeddedServer::plain(&options(&name)).await.map_err(failed(&name))?;
            let (sender, receiver) = watch::channel(Reachability::Up);
            let (clients, journal, of) = (member.token_clients(), journal.clone(), name.clone());
            let noted = Arc::new(move |token: &str| journal.noting(&of, clients(token)));
            connector.add_in_process(&member.url(), switched(noted, receiver));
            switches.insert(name.clone(), sender);
            members.insert(name, member);
        }
        let stage = Self { server, members, switches, connector, gates, sync_mode, journal };
        match stage.furnish(case).await {
            Ok(()) => Ok(stage),
            Err(error) => {
                stage.close().await;
                Err(error)
            }
        }
    }

    async fn furnish(&self, case: &Value) -> Result<(), StartError> {
        let mut fleet = self.fleet(case)?;
        install_fixtures(&mut fleet, &case["fixtures"]).await.map_err(refused("the fixtures"))?;
        for cluster in clusters(case) {
            let name = name_of(cluster);
            prepare(&mut fleet, cluster).await.map_err(refused(&name))?;
            match self.sync_mode {
                SyncMode::Push => {
                    let member = &self.members[&name];
                    let join = JoinOptions::new(name.clone(), member.url());
                    join_cluster(&self.server.client(), &member.client(), &join)
                        .await
                        .map_err(failed(&name))?;
                }
                SyncMode::Pull(by) => register(&self.server, &self.members[&name], &name, by).await?,
            }
            describe(&mut fleet, case, cluster).await.map_err(refused(&name))?;
        }
        Ok(())
    }

    /// Connects a scenario with the servers.
    pub fn fleet(&self, case: &Value) -> Result<Fleet, StartError> {
        let clients = self.members.iter().map(|(name, member)| (name.clone(), member.client())).collect();
        let mut fleet = Fleet::new(self.server.client(), clients);
        for (name, switch) in &self.switches {
            fleet = fleet.with_switch(name, Switch(switch.clone()));
        }
        if steps(case).any(|step| step["do"] == "karmadactl") {
            let kubeconfig = self.server.kubeconfig().map_err(failed("the kubeconfig"))?;
            let mut kubeconfigs = BTreeMap::from([(CONTROL_PLANE.to_owned(), kubeconfig)]);
            for (name, member) in &self.members {
                kubeconfigs.insert(name.clone(), member.kubeconfig().map_err(failed(name))?);
            }
            fleet.program = Some(Program::new(&kubeconfigs).map_err(failed("the program's files"))?);
        }
        Ok(fleet)
    }

    /// Starts the control loops and waits until the clusters are ready.
    pub async fn run(&self, case: &Value) -> Result<Loops, StartError> {
        let settings = ControlPlaneSettings {
            connector: self.connector.clone(),
            status: status_settings(),
            gates: self.gates.clone(),
            ..ControlPlaneSettings::default()
        };
        let client = self.journal.noting(CONTROL_PLANE, self.server.client());
        let control_plane = ControlPlane::start(client, settings).await.map_err(failed("the controllers"))?;
        let mut loops = Loops { control_plane, agents: Vec::new() };
        let result = async {
            if self.sync_mode != SyncMode::Push {
                for name in clusters(case).map(name_of) {
                    let (member, switch) = (&self.members[&name], self.switches[&name].subscribe());
                    let agent = start_agent(&self.server, member, switch, &name, &self.journal).await?;
                    loops.agents.push(agent);
                }
            }
            wait_until_ready(&mut self.fleet(case)?, case).await
        };
        match result.await {
            Ok(()) => Ok(loops),
            Err(error) => {
                loops.shutdown().await;
                Err(error)
            }
        }
    }

    /// Returns what the control loops wrote.
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Returns all servers by name.
    pub fn servers(&self) -> impl Iterator<Item = (&str, &EmbeddedServer)> {
        let members = self.members.iter().map(|(name, member)| (name.as_str(), member));
        std::iter::once((CONTROL_PLANE, &self.server)).chain(members)
    }

    /// Stops the servers.
    pub async fn close(self) {
        for member in self.members.values() {
            member.shutdown().await;
        }
        self.server.shutdown().await;
    }
}

impl Loops {
    /// Whether a loop of the control plane or of an agent has something to do.
    pub fn is_busy(&self) -> bool {
        let mut agents = self.agents.iter().flat_map(|agent| agent.runtime().loads());
        self.control_plane.is_busy() || agents.any(|(_, load)| load.is_busy())
    }

    /// Ends the agents, then the controllers.
    pub async fn shutdown(self) {
        for agent in &self.agents {
            agent.shutdown().await;
        }
        self.control_plane.shutdown().await;
    }
}

/// How often and how patiently clusters are looked at, as in the recording.
pub(super) fn status_settings() -> StatusSettings {
    StatusSettings {
        frequency: Duration::from_secs(2),
        thresholds: karmada_core::membership::ReadinessThresholds {
            failure: SignedDuration::from_secs(2),
            success: SignedDuration::from_secs(2),
        },
        ..StatusSettings::default()
    }
}

/// The feature gates that a scenario needs.
fn gates(case: &Value) -> Result<FeatureGates, StartError> {
    let states = case["gates"].as_object().into_iter().flatten();
    let states = states.map(|(name, state)| (name.as_str(), state.as_bool().unwrap_or_default()));
    FeatureGates::from_names(states).map_err(failed("the feature gates"))
}

fn options(name: &str) -> EmbeddedOptions {
    EmbeddedOptions {
        name: name.to_owned(),
        storage: Storage::Memory,
        listen: (Ipv4Addr::LOCALHOST, 0).into(),
        preferred: None,
        api: ApiOptions::default(),
        limits: Limits::default(),
    }
}

pub(super) fn clusters(case: &Value) -> impl Iterator<Item = &Value> {
    case["clusters"].as_array().into_iter().flatten()
}

pub(super) fn steps(case: &Value) -> impl Iterator<Item = &Value> {
    case["steps"].as_array().into_iter().flatten()
}

pub(super) fn name_of(cluster: &Value) -> String {
    cluster["name"].as_str().unwrap_or_default().to_owned()
}

pub(super) fn failed<E: std::error::Error + Send + Sync + 'static>(
    what: &str,
) -> impl FnOnce(E) -> StartError {
    let what = what.to_owned();
    move |error| format!("{what}: {:#}", anyhow::Error::new(error))
}

fn refused(what: &str) -> impl FnOnce(Refusal) -> StartError {
    let what = what.to_owned();
    move |refusal| format!("{what}: {} {}", refusal.code, refusal.message)
}

pub(super) async fn install_fixtures(fleet: &mut Fleet, fixtures: &Value) -> Result<(), Refusal> {
    for fixture in fixtures["objects"].as_array().into_iter().flatten() {
        let targets: Vec<&str> =
            fixture["targets"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let is_target = |name: &String| {
            targets.iter().any(|target| match target.strip_suffix('*') {
                Some(prefix) => name.starts_with(prefix),
                None => name == target,
            })
        };
        for name in fleet.names().iter().filter(|name| is_target(name)) {
            match fleet.server(name)?.create(&fixture["object"]).await {
                Ok(_) => {}
                // The embedded servers may bring it.
                Err(refusal) if refusal.code == 409 => {}
                Err(refusal) => return Err(refusal),
            }
        }
    }
    Ok(())
}

/// Creates the objects that a member has at the start, with their status.
pub(super) async fn prepare(fleet: &mut Fleet, cluster: &Value) -> Result<(), Refusal> {
    let member = fleet.server(&name_of(cluster))?;
    for object in cluster["objects"].as_array().into_iter().flatten() {
        let mut created = member.create(object).await?;
        if object["status"].is_object() {
            created["status"] = object["status"].clone();
            let path = member.path_of(object).await?;
            member.replace(&format!("{path}/status"), &created).await?;
        }
    }
    Ok(())
}

/// Sets labels and spec of a member's Cluster object.
pub(super) async fn describe(fleet: &mut Fleet, case: &Value, cluster: &Value) -> Result<(), Refusal> {
    let path = format!("/apis/cluster.karmada.io/v1alpha1/clusters/{}", name_of(cluster));
    let mut patch = json!({"metadata": {"labels": cluster["labels"]}, "spec": cluster["spec"]});
    if had_no_models(case, &name_of(cluster)) {
        patch["spec"]["resourceModels"] = json!([]);
    }
    fleet.server(CONTROL_PLANE)?.patch(&path, PatchKind::Merge, &patch).await.map(drop)
}

/// Whether the recording ran with a cluster whose resource models were taken away; only what it expects says so.
fn had_no_models(case: &Value, name: &str) -> bool {
    let key = format!("cluster.karmada.io/v1alpha1/clusters/-/{name}");
    let mut recorded = steps(case).filter_map(|step| step["expect"][CONTROL_PLANE].get(&key));
    recorded.next().is_some_and(|cluster| cluster["spec"]["resourceModels"].is_null())
}

pub(super) async fn wait_until_ready(fleet: &mut Fleet, case: &Value) -> Result<(), StartError> {
    let late = Instant::now() + READY;
    loop {
        let mut waiting = None;
        for cluster in clusters(case) {
            let path = format!("/apis/cluster.karmada.io/v1alpha1/clusters/{}", name_of(cluster));
            let server = fleet.server(CONTROL_PLANE).map_err(refused(CONTROL_PLANE))?;
            let found = server.get(&path).await.map_err(refused(&path))?;
            let conditions = found["status"]["conditions"].as_array().into_iter().flatten();
            let mut ready = conditions.filter(|condition| condition["type"] == "Ready");
            let is_ready = ready.next().is_some_and(|condition| condition["status"] == "True");
            // The scheduler needs the summary as well.
            if !is_ready || found["status"]["resourceSummary"]["allocatable"].is_null() {
                waiting = Some((name_of(cluster), found["status"]["conditions"].to_string()));
            }
        }
        match waiting {
            None => return Ok(()),
            Some((name, status)) if Instant::now() >= late => {
                return Err(format!("{name} did not become ready: {status}"));
            }
            Some(_) => sleep(PAUSE).await,
        }
    }
}
