//! A control plane and simulated members, joined.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use futures::future::{join_all, try_join_all};
use karmada_apiserver::server::Limits;
use karmada_controllers::ControlPlaneSettings;
use karmada_controllers::hub::Runtime;
use karmada_controllers::members::Connector;
use karmada_controllers::simulated::{self, NodeSettings};
use serde_json::json;

use super::control_plane::{ControlPlaneError, EmbeddedControlPlane};
use super::files::{FileError, create_private_directory, previous_address, write_kubeconfig};
use super::server::{ApiOptions, EmbeddedError, EmbeddedOptions, EmbeddedServer, Storage};
use crate::api_error::ApiError;
use crate::join::{JoinError, JoinOptions, join_cluster};
use crate::raw;

/// File name of the control plane's kubeconfig.
pub const CONTROL_PLANE_KUBECONFIG: &str = "karmada-apiserver.config";

const CONTROL_PLANE: &str = "karmada-apiserver";

/// What to start.
#[derive(Clone, Debug)]
pub struct LocalUpOptions {
    pub members: u32,
    pub storage: Storage,
    /// Where the kubeconfigs go.
    pub directory: PathBuf,
    /// Address of the control plane. Members take any port.
    pub listen: SocketAddr,
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
        let LocalUpOptions { members, storage, directory, listen } = options;
        create_private_directory(&directory)?;
        let control_plane_options = EmbeddedOptions {
            name: CONTROL_PLANE.to_owned(),
            storage: storage.below("control-plane"),
            listen,
            preferred: previous_address(&directory.join(CONTROL_PLANE_KUBECONFIG)),
            api: ApiOptions::default(),
            limits: Limits::default(),
        };
        let connector = Connector::new();
        let names: Vec<String> = (1..=members).map(|number| format!("member{number}")).collect();
        let (server, servers) = futures::join!(
            EmbeddedServer::karmada_reaching(&control_plane_options, connector.clone()),
            join_all(names.iter().map(|name| start_member(name, &storage, &directory))),
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
        write_kubeconfig(&directory.join(CONTROL_PLANE_KUBECONFIG), &server.kubeconfig()?)?;

        let runtime = Runtime::new();
        for member in &members {
            connector.add_in_process(&member.server.url(), member.server.token_clients());
        }
        let client = server.client();
        try_join_all(members.iter().map(|member| prepare_member(&client, member, &directory, &runtime)))
            .await?;
        let control_plane = EmbeddedControlPlane::over(
            server,
            ControlPlaneSettings { connector, ..ControlPlaneSettings::default() },
        )
        .await?;
        Ok(Self { control_plane, members, runtime })
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
    name: &str,
    storage: &Storage,
    directory: &Path,
) -> Result<SimulatedMember, EmbeddedError> {
    let options = EmbeddedOptions {
        name: name.to_owned(),
        storage: storage.below(name),
        listen: (Ipv4Addr::LOCALHOST, 0).into(),
        preferred: previous_address(&directory.join(kubeconfig_name(name))),
        api: ApiOptions::default(),
        limits: Limits::default(),
    };
    Ok(SimulatedMember { name: name.to_owned(), server: EmbeddedServer::plain(&options).await? })
}

fn kubeconfig_name(member: &str) -> String {
    format!("{member}.config")
}

async fn prepare_member(
    control_plane: &kube::Client,
    member: &SimulatedMember,
    directory: &Path,
    runtime: &Runtime,
) -> Result<(), LocalUpError> {
    let name = &member.name;
    write_kubeconfig(&directory.join(kubeconfig_name(name)), &member.server.kubeconfig()?)?;
    simulated::start(member.server.client(), &NodeSettings::new(name), runtime)
        .await
        .map_err(|source| LocalUpError::Nodes { member: name.clone(), source: ApiError(source) })?;
    let options = JoinOptions::new(name.clone(), member.server.url());
    match join_cluster(control_plane, &member.server.client(), &options).await {
        Ok(_) => Ok(()),
        Err(JoinError::Registered { registered_as, .. }) if registered_as == *name => {
            update_endpoint(control_plane, member)
                .await
                .map_err(|source| LocalUpError::Cluster { member: name.clone(), source })
        }
        Err(source) => Err(LocalUpError::Join { member: name.clone(), source }),
    }
}

/// Points the Cluster of an earlier run to where the member listens now.
async fn update_endpoint(control_plane: &kube::Client, member: &SimulatedMember) -> Result<(), ApiError> {
    let path = format!("/apis/cluster.karmada.io/v1alpha1/clusters/{}", member.name);
    let cluster = raw::read(control_plane, &path).await?.unwrap_or_default();
    let url = member.server.url();
    if cluster["spec"]["apiEndpoint"] != url.as_str() {
        raw::merge_patch(control_plane, &path, &json!({ "spec": { "apiEndpoint": url } })).await?;
    }
    Ok(())
}
