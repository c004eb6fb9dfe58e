//! A control plane and simulated members, joined.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures::future::{join_all, try_join_all};
use karmada_apiserver::server::Limits;
use karmada_controllers::hub::Runtime;
use karmada_controllers::members::Connector;
use karmada_controllers::simulated;
use karmada_controllers::{ControlPlaneSettings, StatusSettings};
use serde_json::json;

use super::control_plane::{ControlPlaneError, EmbeddedControlPlane};
use super::files::{FileError, create_private_directory, previous_address, write_kubeconfig};
use super::member_options::MemberOptions;
use super::server::{ApiOptions, EmbeddedError, EmbeddedOptions, EmbeddedServer, Storage};
use crate::api_error::ApiError;
use crate::join::{JoinError, JoinOptions, join_cluster};
use crate::raw;
use crate::wait::{Probe, WaitError, wait_until};

/// File name of the control plane's kubeconfig.
pub const CONTROL_PLANE_KUBECONFIG: &str = "karmada-apiserver.config";

pub(super) const CONTROL_PLANE: &str = "karmada-apiserver";

/// What to start.
#[derive(Clone, Debug)]
pub struct LocalUpOptions {
    pub members: Vec<MemberOptions>,
    pub storage: Storage,
    /// Where the kubeconfigs go, if anywhere.
    pub directory: Option<PathBuf>,
    /// Address of the control plane. Members take any port.
    pub listen: SocketAddr,
    /// How many pods a member makes as objects; Deployments beyond that get ready without.
    pub pod_objects: u32,
    /// How the members are looked at.
    pub status: StatusSettings,
}

/// A control plane and its members.
#[derive(Debug)]
pub struct LocalUp {
    pub control_plane: EmbeddedControlPlane,
    pub members: Vec<SimulatedMember>,
    runtime: Runtime,
}

/// A member in this process whose nodes exist on paper.
#[derive(Debug)]
pub struct SimulatedMember {
    pub name: String,
    pub options: MemberOptions,
    pub server: EmbeddedServer,
}

/// Something that did not start.
#[derive(Debug, thiserror::Error)]
pub enum LocalUpError {
    #[error(transparent)]
    File(#[from] FileError),
    #[error(transparent)]
    Server(#[from] EmbeddedError),
    #[error(transparent)]
    ControlPlane(#[from] ControlPlaneError),
    #[error("cannot create the nodes of {member}")]
    Nodes {
        member: String,
        #[source]
        source: ApiError,
    },
    #[error("cannot join {member}")]
    Join {
        member: String,
        #[source]
        source: JoinError,
    },
    #[error("the data of {member} is not that of the cluster {member} which was joined before")]
    OtherMember { member: String },
    #[error("cannot read or update the cluster {member}")]
    Cluster {
        member: String,
        #[source]
        source: ApiError,
    },
}

impl LocalUp {
    /// Starts everything, writes the kubeconfigs and joins the members.
    ///
    /// With storage on disk it goes on where the last run stopped: members that are joined stay
    /// joined, and listen where they listened if those ports are free.
    pub async fn start(options: LocalUpOptions) -> Result<Self, LocalUpError> {
        let LocalUpOptions { members, storage, directory, listen, pod_objects, status } = options;
        if let Some(directory) = &directory {
            create_private_directory(directory)?;
        }
        let control_plane_options = EmbeddedOptions {
            name: CONTROL_PLANE.to_owned(),
            storage: storage.below("control-plane"),
            listen,
            preferred: last_address(directory.as_deref(), CONTROL_PLANE),
            api: ApiOptions::default(),
            limits: Limits::default(),
        };
        let connector = Connector::new();
        let (server, servers) = futures::join!(
            EmbeddedServer::karmada_reaching(&control_plane_options, connector.clone()),
            join_all(members.into_iter().map(|member| start_member(member, &storage, directory.as_deref()))),
        );
        let (members, failed) = split(servers);
        let server = match (server, failed) {
            (Ok(server), None) => server,
            (Ok(server), Some(error)) => {
                server.shutdown().await;
                return Err(give_up(&members, error).await);
            }
            (Err(error), _) => return Err(give_up(&members, error).await),
        };
        if let Some(directory) = &directory {
            write_kubeconfig(&directory.join(CONTROL_PLANE_KUBECONFIG), &server.kubeconfig()?)?;
        }

        let runtime = Runtime::new();
        for member in &members {
            connector.add_in_process(&member.server.url(), member.server.token_clients());
        }
        let client = server.client();
        let prepared = try_join_all(
            members
                .iter()
                .map(|member| prepare_member(&client, member, directory.as_deref(), pod_objects, &runtime)),
        );
        if let Err(error) = prepared.await {
            runtime.shutdown().await;
            server.shutdown().await;
            join_all(members.iter().map(|member| member.server.shutdown())).await;
            return Err(error);
        }
        let control_plane = EmbeddedControlPlane::over(
            server,
            ControlPlaneSettings { connector, status, ..ControlPlaneSettings::default() },
        )
        .await?;
        Ok(Self { control_plane, members, runtime })
    }

    /// Waits until all members are ready to be scheduled to.
    pub async fn wait_until_members_ready(&self, timeout: Duration) -> Result<(), WaitError> {
        let client = self.control_plane.server().client();
        for member in &self.members {
            let path = format!("/apis/cluster.karmada.io/v1alpha1/clusters/{}", member.name);
            wait_until(&format!("the start of {}", member.name), timeout, async || {
                let cluster = raw::read(&client, &path).await?.unwrap_or_default();
                let conditions = cluster["status"]["conditions"].as_array();
                let ready = conditions.into_iter().flatten().find(|condition| condition["type"] == "Ready");
                let ready = ready.map(|condition| condition["status"].as_str().unwrap_or_default());
                Ok(match ready {
                    Some("True") if cluster["metadata"]["finalizers"].is_array() => Probe::Ready(()),
                    other => Probe::NotYet(format!("Ready={}", other.unwrap_or("unknown"))),
                })
            })
            .await?;
        }
        Ok(())
    }

    /// Clients of the members that may do everything, by name.
    pub fn member_clients(&self) -> Vec<(String, kube::Client)> {
        self.members.iter().map(|member| (member.name.clone(), member.server.client())).collect()
    }

    /// Stops the controllers first, the API servers last.
    pub async fn shutdown(&self) {
        self.runtime.shutdown().await;
        self.control_plane.shutdown().await;
        join_all(self.members.iter().map(|member| member.server.shutdown())).await;
    }
}

/// Members that started, and the first reason why one did not.
fn split(
    started: Vec<Result<SimulatedMember, EmbeddedError>>,
) -> (Vec<SimulatedMember>, Option<EmbeddedError>) {
    let mut members = Vec::new();
    let mut failed = None;
    for member in started {
        match member {
            Ok(member) => members.push(member),
            Err(error) => failed = failed.or(Some(error)),
        }
    }
    (members, failed)
}

/// Makes the members that did start let go of their data, so that the caller can try again.
async fn give_up(members: &[SimulatedMember], error: EmbeddedError) -> LocalUpError {
    join_all(members.iter().map(|member| member.server.shutdown())).await;
    error.into()
}

async fn start_member(
    member: MemberOptions,
    storage: &Storage,
    directory: Option<&Path>,
) -> Result<SimulatedMember, EmbeddedError> {
    let name = member.name.clone();
    let options = EmbeddedOptions {
        storage: storage.below(&name),
        listen: (Ipv4Addr::LOCALHOST, 0).into(),
        preferred: last_address(directory, &name),
        api: ApiOptions::default(),
        limits: Limits::default(),
        name: name.clone(),
    };
    Ok(SimulatedMember { name, options: member, server: EmbeddedServer::plain(&options).await? })
}

/// Where a server of this name listened in the last run.
fn last_address(directory: Option<&Path>, name: &str) -> Option<SocketAddr> {
    previous_address(&directory?.join(kubeconfig_name(name)))
}

fn kubeconfig_name(member: &str) -> String {
    format!("{member}.config")
}

async fn prepare_member(
    control_plane: &kube::Client,
    member: &SimulatedMember,
    directory: Option<&Path>,
    pod_objects: u32,
    runtime: &Runtime,
) -> Result<(), LocalUpError> {
    let name = &member.name;
    if let Some(directory) = directory {
        write_kubeconfig(&directory.join(kubeconfig_name(name)), &member.server.kubeconfig()?)?;
    }
    let settings = simulated::Settings { nodes: member.options.node_settings(), pod_objects };
    simulated::start(member.server.client(), &settings, runtime)
        .await
        .map_err(|source| LocalUpError::Nodes { member: name.clone(), source: ApiError(source) })?;
    let MemberOptions { provider, region, zones, .. } = member.options.clone();
    let options =
        JoinOptions { provider, region, zones, ..JoinOptions::new(name.clone(), member.server.url()) };
    match join_cluster(control_plane, &member.server.client(), &options).await {
        Ok(_) => Ok(()),
        Err(JoinError::Registered { registered_as, id, .. }) if registered_as == *name => {
            go_on(control_plane, member, &id).await
        }
        Err(source) => Err(LocalUpError::Join { member: name.clone(), source }),
    }
}

/// Points the Cluster of an earlier run to where the member listens now.
async fn go_on(
    control_plane: &kube::Client,
    member: &SimulatedMember,
    member_id: &str,
) -> Result<(), LocalUpError> {
    let name = &member.name;
    let failed = |source| LocalUpError::Cluster { member: name.clone(), source };
    let path = format!("/apis/cluster.karmada.io/v1alpha1/clusters/{name}");
    let cluster = raw::read(control_plane, &path).await.map_err(failed)?.unwrap_or_default();
    let registered = cluster["spec"]["id"].as_str().unwrap_or_default();
    if !registered.is_empty() && registered != member_id {
        return Err(LocalUpError::OtherMember { member: name.clone() });
    }
    let url = member.server.url();
    if cluster["spec"]["apiEndpoint"] != url.as_str() {
        raw::merge_patch(control_plane, &path, &json!({ "spec": { "apiEndpoint": url } }))
            .await
            .map_err(failed)?;
    }
    Ok(())
}
