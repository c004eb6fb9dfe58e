//! The registration of a cluster in pull mode.

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use karmada_controllers::credentials::{CertificateOrder, IssueError, Issued, Subject, issue, random_suffix};
use karmada_core::membership::{AGENTS_GROUP, RBAC_GENERATOR_USER};
use kube::config::{KubeConfigOptions, Kubeconfig, KubeconfigError};
use kube::{Client, Config};
use serde_json::{Value, json};

use super::access::{self, agent_user};
use super::discovery::{ClusterInfo, DiscoveryError, DiscoveryOptions, discover};
use super::objects::{Ensured, ObjectError, delete, ensure, ensure_exists, label, read};
use super::{footprint, path_of};
use crate::error::chain_line;
use crate::join::Mode;
use crate::join::footprint::check_cluster_name;
use crate::raw;

/// How long a certificate may take.
const CERTIFICATE_PATIENCE: Duration = Duration::from_mins(5);
/// How long the certificate that prepares the agent's permissions is good: no shorter ones are issued.
const PREPARING: Duration = Duration::from_mins(10);
/// Pause between two looks at the agent's Deployment.
const PAUSE: Duration = Duration::from_millis(250);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How the agent is to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentOptions {
    pub cluster_name: String,
    /// Namespace of the credentials, in both clusters.
    pub cluster_namespace: String,
    /// Namespace of the agent in the member.
    pub namespace: String,
    /// Where the control plane finds the member's API server.
    pub api_endpoint: String,
    pub image: String,
    pub replicas: u32,
    /// Whether it renews its certificate.
    pub rotates_certificate: bool,
    /// Proxy by which the control plane reaches the member.
    pub proxy_server_address: Option<String>,
    pub provider: Option<String>,
    pub region: Option<String>,
    pub zones: Vec<String>,
}

/// What to register and how.
#[derive(Clone, Debug)]
pub struct RegisterOptions {
    pub discovery: DiscoveryOptions,
    pub agent: AgentOptions,
    /// How long the agent's certificate is good.
    pub certificate_lifetime: Duration,
    /// How long the agent's Deployment may take to become available.
    pub rollout_timeout: Duration,
    pub mode: Mode,
}

/// Where a registration has got to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RegisterStep {
    Checking,
    Discovering,
    PreparingAccess,
    RequestingCertificate,
    Installing,
    WaitingForAgent,
    /// Something failed: what was made is taken back.
    RollingBack,
    /// This could not be taken back.
    Left {
        object: String,
        reason: String,
    },
}

/// A registration that went through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegisterOutcome {
    /// The objects that were ensured (or would be), in order.
    pub ensured: Vec<String>,
}

/// A registration that did not go through.
#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    #[error("invalid cluster name({name}): {reason}")]
    InvalidName { name: String, reason: String },
    #[error("the cluster has an agent already: {}", .found.join(", "))]
    AgentExists { found: Vec<String> },
    #[error(transparent)]
    Discovery(#[from] DiscoveryError),
    #[error("cluster({name}) is registered already")]
    Registered { name: String },
    #[error("no certificate was issued for {subject}")]
    Certificate {
        subject: String,
        #[source]
        source: Box<IssueError>,
    },
    #[error("cannot make a client for the control plane")]
    Client(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error(transparent)]
    Object(#[from] ObjectError),
    #[error("the agent did not become available within {} seconds: {seen}", .waited.as_secs())]
    Rollout { waited: Duration, seen: String },
}

/// What was made so far, for taking it back.
#[derive(Default)]
struct Made {
    objects: Vec<(Client, Value)>,
    ensured: Vec<String>,
}

impl Made {
    async fn ensure(&mut self, client: &Client, object: Value, place: &str) -> Result<(), ObjectError> {
        self.note(&object, place);
        if ensure(client, &object).await? == Ensured::Created {
            self.objects.push((client.clone(), object));
        }
        Ok(())
    }

    async fn ensure_exists(
        &mut self,
        client: &Client,
        object: Value,
        place: &str,
    ) -> Result<(), ObjectError> {
        self.note(&object, place);
        if ensure_exists(client, &object).await? == Ensured::Created {
            self.objects.push((client.clone(), object));
        }
        Ok(())
    }

    fn note(&mut self, object: &Value, place: &str) {
        self.ensured.push(format!("{} in {place}", label(object)));
    }

    /// Deletes what was made, the last first.
    async fn take_back(self, report: &impl Fn(RegisterStep)) {
        if self.objects.is_empty() {
            return;
        }
        report(RegisterStep::RollingBack);
        for (client, object) in self.objects.into_iter().rev() {
            if let Err(error) = delete(&client, &object).await {
                report(RegisterStep::Left { object: label(&object), reason: chain_line(&error) });
            }
        }
    }
}

const CONTROL_PLANE: &str = "the control plane";

/// Registers the cluster of `member` with the control plane that the token is of.
///
/// What was made is taken back when something fails; only an agent that does not start is left to be looked at.
/// `report` hears about the steps as they start.
///
/// # Errors
/// When the cluster has an agent already, the control plane is not found or not the right one, the name is taken, or
/// something cannot be written.
pub async fn register_cluster(
    member: &Client,
    options: &RegisterOptions,
    report: impl Fn(RegisterStep),
) -> Result<RegisterOutcome, RegisterError> {
    let agent = &options.agent;
    check_cluster_name(&agent.cluster_name)
        .map_err(|reason| RegisterError::InvalidName { name: agent.cluster_name.clone(), reason })?;
    report(RegisterStep::Checking);
    check_member(member, agent).await?;
    report(RegisterStep::Discovering);
    let info = discover(&options.discovery).await?;
    let mut made = Made::default();
    if options.mode == Mode::DryRun {
        for object in access_objects(agent) {
            made.note(&object, CONTROL_PLANE);
        }
        for object in member_objects(agent, "") {
            made.note(&object, &place_of(agent));
        }
        return Ok(RegisterOutcome { ensured: made.ensured });
    }
    match register(member, options, &info, &mut made, &report).await {
        Ok(()) => Ok(RegisterOutcome { ensured: made.ensured }),
        Err(error @ RegisterError::Rollout { .. }) => Err(error),
        Err(error) => {
            made.take_back(&report).await;
            Err(error)
        }
    }
}

async fn register(
    member: &Client,
    options: &RegisterOptions,
    info: &ClusterInfo,
    made: &mut Made,
    report: &impl Fn(RegisterStep),
) -> Result<(), RegisterError> {
    let agent = &options.agent;
    let name = &agent.cluster_name;
    let with_token = client_of(info, &json!({"token": options.discovery.token.text()})).await?;

    report(RegisterStep::PreparingAccess);
    let request = format!("agent-rbac-generator-{name}{}", random_suffix());
    let generator = obtain(&with_token, &request, RBAC_GENERATOR_USER, PREPARING).await?;
    let generator = client_of(info, &credentials(&generator)).await?;
    let prepared = prepare(&generator, agent, made).await;
    // Whoever reads the request learns nothing secret, but it is of no use to anybody any more.
    let request = json!({
        "apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest", "metadata": {"name": request},
    });
    if let Err(error) = delete(&generator, &request).await {
        report(RegisterStep::Left { object: label(&request), reason: chain_line(&error) });
    }
    prepared?;

    report(RegisterStep::RequestingCertificate);
    let request = format!("{name}-{}", random_suffix());
    let issued = obtain(&with_token, &request, &agent_user(name), options.certificate_lifetime).await?;
    let kubeconfig = kubeconfig(info, &credentials(&issued));

    report(RegisterStep::Installing);
    let objects = member_objects(agent, &kubeconfig.to_string());
    for object in objects {
        if object["kind"] == "Namespace" {
            made.ensure_exists(member, object, &place_of(agent)).await?;
        } else {
            made.ensure(member, object, &place_of(agent)).await?;
        }
    }
    report(RegisterStep::WaitingForAgent);
    wait_for_agent(member, agent, options.rollout_timeout).await
}

fn place_of(agent: &AgentOptions) -> String {
    format!("cluster({})", agent.cluster_name)
}

/// Refuses a member that has an agent, or what is left of one.
async fn check_member(member: &Client, agent: &AgentOptions) -> Result<(), RegisterError> {
    let mut found = Vec::new();
    for object in member_objects(agent, "") {
        let is_telling =
            ["Secret", "ServiceAccount", "Deployment"].iter().any(|kind| object["kind"] == *kind);
        if is_telling && read(member, &object).await?.is_some() {
            found.push(label(&object));
        }
    }
    if found.is_empty() { Ok(()) } else { Err(RegisterError::AgentExists { found }) }
}

/// Gives the agent its permissions, unless the name is taken.
async fn prepare(generator: &Client, agent: &AgentOptions, made: &mut Made) -> Result<(), RegisterError> {
    let cluster = json!({
        "apiVersion": "cluster.karmada.io/v1alpha1", "kind": "Cluster", "metadata": {"name": agent.cluster_name},
    });
    if read(generator, &cluster).await?.is_some() {
        return Err(RegisterError::Registered { name: agent.cluster_name.clone() });
    }
    for object in access_objects(agent) {
        if object["kind"] == "Namespace" {
            made.ensure_exists(generator, object, CONTROL_PLANE).await?;
        } else {
            made.ensure(generator, object, CONTROL_PLANE).await?;
        }
    }
    Ok(())
}

fn access_objects(agent: &AgentOptions) -> Vec<Value> {
    let mut objects = access::namespaces(&agent.cluster_name, &agent.cluster_namespace);
    objects.extend(access::roles(&agent.cluster_name, &agent.cluster_namespace));
    objects
}

fn member_objects(agent: &AgentOptions, kubeconfig: &str) -> Vec<Value> {
    let namespace = &agent.namespace;
    vec![
        footprint::namespace(namespace),
        footprint::kubeconfig_secret(namespace, kubeconfig),
        footprint::role(),
        footprint::role_binding(namespace),
        footprint::service_account(namespace),
        footprint::deployment(namespace, agent),
    ]
}

async fn obtain(
    client: &Client,
    request: &str,
    user: &str,
    lifetime: Duration,
) -> Result<Issued, RegisterError> {
    let order = CertificateOrder {
        name: request.to_owned(),
        subject: Subject { common_name: user.to_owned(), organizations: vec![AGENTS_GROUP.to_owned()] },
        lifetime,
        patience: CERTIFICATE_PATIENCE,
    };
    issue(client, &order)
        .await
        .map_err(|source| RegisterError::Certificate { subject: user.to_owned(), source: Box::new(source) })
}

fn credentials(issued: &Issued) -> Value {
    json!({
        "client-certificate-data": STANDARD.encode(&issued.certificate),
        "client-key-data": STANDARD.encode(&issued.key),
    })
}

/// A kubeconfig of the control plane for a user.
fn kubeconfig(info: &ClusterInfo, user: &Value) -> Value {
    const CLUSTER: &str = "karmada-apiserver";
    const USER: &str = "karmada-agent";
    let context = format!("{USER}@{CLUSTER}");
    json!({
        "apiVersion": "v1", "kind": "Config", "preferences": {},
        "clusters": [{"name": CLUSTER, "cluster": {
            "server": info.server, "certificate-authority-data": STANDARD.encode(&info.authority),
        }}],
        "users": [{"name": USER, "user": user}],
        "contexts": [{"name": context, "context": {"cluster": CLUSTER, "user": USER}}],
        "current-context": context,
    })
}

async fn client_of(info: &ClusterInfo, user: &Value) -> Result<Client, RegisterError> {
    let failed = |error: KubeconfigError| RegisterError::Client(Box::new(error));
    let kubeconfig = Kubeconfig::from_yaml(&kubeconfig(info, user).to_string()).map_err(failed)?;
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await;
    let mut config = config.map_err(failed)?;
    config.connect_timeout = Some(CONNECT_TIMEOUT);
    config.default_retry = false;
    Client::try_from(config).map_err(|error| RegisterError::Client(Box::new(error)))
}

/// Waits until the agent runs.
async fn wait_for_agent(
    member: &Client,
    agent: &AgentOptions,
    timeout: Duration,
) -> Result<(), RegisterError> {
    let deployment = footprint::deployment(&agent.namespace, agent);
    let started = Instant::now();
    loop {
        let found = read(member, &deployment).await?.unwrap_or_default();
        let Err(seen) = is_rolled_out(&found, agent.replicas) else { return Ok(()) };
        let left = timeout.saturating_sub(started.elapsed());
        if left.is_zero() {
            let seen = match pod_trouble(member, &agent.namespace).await {
                Some(trouble) => format!("{seen}; {trouble}"),
                None => seen,
            };
            return Err(RegisterError::Rollout { waited: timeout, seen });
        }
        tokio::time::sleep(left.min(PAUSE)).await;
    }
}

/// Whether a Deployment is available as it is now; what is missing, if not.
fn is_rolled_out(deployment: &Value, replicas: u32) -> Result<(), String> {
    let status = &deployment["status"];
    let number = |value: &Value| value.as_u64().unwrap_or_default();
    let wanted = u64::from(replicas);
    if number(&status["observedGeneration"]) < number(&deployment["metadata"]["generation"]) {
        return Err("the Deployment is not looked at yet".to_owned());
    }
    let (updated, available) = (number(&status["updatedReplicas"]), number(&status["availableReplicas"]));
    if updated >= wanted && available >= wanted {
        return Ok(());
    }
    Err(format!("{available} of {wanted} pods are available"))
}

/// What a pod of the agent says about why it does not run.
async fn pod_trouble(member: &Client, namespace: &str) -> Option<String> {
    let path = format!("/api/v1/namespaces/{namespace}/pods?labelSelector=app%3D{}", footprint::AGENT);
    let pods = raw::read(member, &path).await.ok()??;
    let mut found = Vec::new();
    for pod in pods["items"].as_array()? {
        for container in pod["status"]["containerStatuses"].as_array().into_iter().flatten() {
            found.push(&container["state"]["waiting"]);
        }
        let conditions = pod["status"]["conditions"].as_array();
        found.extend(conditions.into_iter().flatten().filter(|condition| condition["status"] == "False"));
    }
    let waiting = found.into_iter().find(|state| state["reason"].is_string())?;
    let text = |field: &str| waiting[field].as_str().unwrap_or_default();
    Some(format!("a pod says {}: {}", text("reason"), text("message")))
}

/// Returns the path of the Secret with the agent's kubeconfig in the member.
pub(super) fn kubeconfig_path(namespace: &str) -> String {
    path_of(&footprint::kubeconfig_secret(namespace, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rollout_is_done_when_the_newest_pods_are_available() {
        let deployment = |observed: u64, available: u64| {
            json!({
                "metadata": {"generation": 2},
                "status": {"observedGeneration": observed, "updatedReplicas": 1, "availableReplicas": available},
            })
        };
        assert_eq!(is_rolled_out(&deployment(2, 1), 1), Ok(()));
        assert!(is_rolled_out(&deployment(1, 1), 1).is_err());
        assert_eq!(is_rolled_out(&deployment(2, 0), 1), Err("0 of 1 pods are available".to_owned()));
        assert!(is_rolled_out(&Value::Null, 1).is_err());
    }
}
