//! Checks before anything is written, so that an installation does not stop half-way.

use http::Request;
use serde_json::{Value, json};

use super::api_server;
use super::host::HostFacts;
use super::names::Component;
use super::objects;
use super::options::{DataVolume, Etcd, InstallOptions, LocalEtcd, NODE_PORTS, Profile};
use crate::api_error::ApiError;
use crate::raw;

/// The oldest host cluster: what is written is stable there.
const OLDEST_MINOR: u32 = 25;
/// What is written: group and resource.
const WRITTEN: [(&str, &str); 7] = [
    ("", "secrets"),
    ("", "services"),
    ("", "serviceaccounts"),
    ("", "configmaps"),
    ("apps", "deployments"),
    ("apps", "statefulsets"),
    ("policy", "poddisruptionbudgets"),
];
/// What is done with it: applying and removing again.
const VERBS: [&str; 5] = ["get", "list", "create", "patch", "delete"];

/// How a check went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Passed,
    /// It may work, or not for ever.
    Doubtful,
    Failed {
        hint: String,
    },
}

/// One check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// What was found.
    pub finding: String,
    pub verdict: Verdict,
}

impl Check {
    fn passed(finding: impl Into<String>) -> Self {
        Self { finding: finding.into(), verdict: Verdict::Passed }
    }

    fn doubtful(finding: impl Into<String>) -> Self {
        Self { finding: finding.into(), verdict: Verdict::Doubtful }
    }

    fn failed(finding: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { finding: finding.into(), verdict: Verdict::Failed { hint: hint.into() } }
    }

    /// Whether an installation makes no sense.
    pub fn is_failed(&self) -> bool {
        matches!(self.verdict, Verdict::Failed { .. })
    }
}

/// Asks whether everything may be read and written that an installation reads and writes; writes nothing.
///
/// # Errors
/// When the host cluster does not answer.
pub async fn access(client: &kube::Client, options: &InstallOptions) -> Result<Check, ApiError> {
    let namespace = options.namespace.as_str();
    let has_namespace = match raw::read(client, &format!("/api/v1/namespaces/{namespace}")).await {
        Ok(found) => found.is_some(),
        // Then creating it is asked for too, which may be too much: the answer below says so.
        Err(error) if error.code() == Some(403) => false,
        Err(error) => return Err(error),
    };
    let mut wanted: Vec<Right<'_>> = WRITTEN
        .iter()
        .flat_map(|(group, resource)| VERBS.map(|verb| Right { verb, group, resource, namespace }))
        .collect();
    for verb in ["list", "delete"] {
        wanted.push(Right { verb, group: "", resource: "pods", namespace });
    }
    let everywhere = |verb, group, resource| Right { verb, group, resource, namespace: "" };
    wanted.push(everywhere("get", "", "namespaces"));
    wanted.push(everywhere("patch", "", "namespaces"));
    if !has_namespace {
        wanted.push(everywhere("create", "", "namespaces"));
    }
    wanted.push(everywhere("list", "", "nodes"));
    wanted.push(everywhere("list", "", "services"));
    if let Etcd::Local(LocalEtcd { volume: DataVolume::Claim { storage_class, .. }, .. }) = &options.etcd {
        let verb = if storage_class.is_some() { "get" } else { "list" };
        wanted.push(everywhere(verb, "storage.k8s.io", "storageclasses"));
    }
    let answers = futures::future::try_join_all(wanted.iter().map(|right| is_allowed(client, right))).await?;
    let missing: Vec<Right<'_>> =
        wanted.into_iter().zip(answers).filter(|(_, allowed)| !allowed).map(|(right, _)| right).collect();
    if missing.is_empty() {
        return Ok(Check::passed("all permissions are there"));
    }
    Ok(Check::failed(
        lacking(&missing),
        "ask for a role with these verbs, or use the kubeconfig of an administrator of the host cluster",
    ))
}

/// What somebody may do, in a namespace or in all of them.
#[derive(Clone, Copy, Debug)]
struct Right<'a> {
    verb: &'a str,
    group: &'a str,
    resource: &'a str,
    /// Empty for the whole cluster.
    namespace: &'a str,
}

/// Verbs that are not allowed, by resource.
type Lacking<'a> = Vec<(String, Vec<&'a str>)>;

/// Words what is not allowed: verbs by resource, first in the namespace, then in the whole cluster.
fn lacking(missing: &[Right<'_>]) -> String {
    let mut places: Vec<(&str, Lacking<'_>)> = Vec::new();
    for right in missing {
        let dot = if right.group.is_empty() { "" } else { "." };
        let resource = format!("{}{dot}{}", right.resource, right.group);
        let known = places.iter().position(|(place, _)| *place == right.namespace);
        let place = known.unwrap_or_else(|| {
            places.push((right.namespace, Vec::new()));
            places.len() - 1
        });
        let resources = &mut places[place].1;
        match resources.iter_mut().find(|(known, _)| *known == resource) {
            Some((_, verbs)) => verbs.push(right.verb),
            None => resources.push((resource, vec![right.verb])),
        }
    }
    let word = |(place, resources): &(&str, Lacking<'_>)| {
        let rights: Vec<String> =
            resources.iter().map(|(resource, verbs)| format!("{} {resource}", verbs.join("/"))).collect();
        let place = if place.is_empty() {
            "in the whole host cluster".to_owned()
        } else {
            format!("in the namespace {place}")
        };
        format!("not allowed {place}: {}", rights.join(", "))
    };
    places.iter().map(word).collect::<Vec<_>>().join("; ")
}

/// Makes all other checks; writes nothing. `access` is how that one went.
///
/// # Errors
/// When the host cluster does not answer.
pub async fn check(
    client: &kube::Client,
    options: &InstallOptions,
    facts: &HostFacts,
    access: Check,
) -> Result<Vec<Check>, ApiError> {
    let mut checks = vec![version(&facts.version)];
    if facts.is_going {
        checks.push(Check::failed(
            format!("the namespace {} is being removed", options.namespace),
            "try again when it is gone; `kubectl get namespace NAME -o yaml` says what it waits for",
        ));
    }
    checks.push(access);
    checks.push(node_port(client, options, facts).await?);
    checks.push(address(options, facts));
    if let Etcd::Local(local) = &options.etcd {
        checks.push(data(client, options, facts, &local.volume).await?);
        checks.extend(apart(options, facts, local));
        if let (Some(existing), true) = (facts.etcd_replicas, options.profile != Profile::Single)
            && existing != u64::from(local.pod.replicas)
        {
            checks.push(Check::failed(
                format!("etcd runs with {existing} members, {} are wanted", local.pod.replicas),
                format!(
                    "members are added and removed one by one with etcdctl; give --etcd-replicas={existing}"
                ),
            ));
        }
    }
    Ok(checks)
}

fn version(version: &str) -> Check {
    let minor = version.trim_start_matches('v').split('.').nth(1).unwrap_or_default();
    let digits: String = minor.chars().take_while(char::is_ascii_digit).collect();
    match digits.parse::<u32>() {
        Ok(minor) if minor < OLDEST_MINOR => Check::failed(
            format!("the host cluster is Kubernetes {version}"),
            format!("at least Kubernetes 1.{OLDEST_MINOR} is needed"),
        ),
        Ok(_) => Check::passed(format!("the host cluster is Kubernetes {version}")),
        Err(_) => {
            Check::doubtful(format!("the host cluster has the version {version:?}, which says nothing"))
        }
    }
}

async fn is_allowed(client: &kube::Client, right: &Right<'_>) -> Result<bool, ApiError> {
    let Right { verb, group, resource, namespace } = right;
    let review = json!({
        "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": {
            "verb": verb, "group": group, "resource": resource, "namespace": namespace,
        }},
    });
    let answer = post(client, "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", &review).await?;
    Ok(answer["status"]["allowed"] == true)
}

async fn post(client: &kube::Client, path: &str, object: &Value) -> Result<Value, ApiError> {
    let body = serde_json::to_vec(object).map_err(kube::Error::SerdeError)?;
    let request = Request::post(path)
        .header("Content-Type", "application/json")
        .body(body)
        .map_err(kube::Error::HttpError)?;
    Ok(client.request(request).await?)
}

async fn node_port(
    client: &kube::Client,
    options: &InstallOptions,
    facts: &HostFacts,
) -> Result<Check, ApiError> {
    let port = options.node_port;
    let hint = "choose another one with --port";
    let ours = (options.namespace.as_str(), Component::ApiServer.name());
    let services = objects::list(client, "/api/v1/services", "").await?;
    let has_port = |service: &Value| {
        let ports = service["spec"]["ports"].as_array();
        ports.into_iter().flatten().any(|found| found["nodePort"] == port)
    };
    if let Some(service) = services.iter().find(|service| has_port(service)) {
        let text = |field: &str| service["metadata"][field].as_str().unwrap_or_default();
        let found = (text("namespace"), text("name"));
        if found == ours {
            return Ok(Check::passed(format!("the node port {port} is ours already")));
        }
        return Ok(Check::failed(
            format!("the node port {port} is taken by the service {}/{}", found.0, found.1),
            hint,
        ));
    }
    if facts.has_namespace {
        // The server knows its range, which nothing else tells.
        let service = api_server::service(options);
        let path = objects::collection("v1", "Service", &options.namespace);
        match post(client, &format!("{path}?dryRun=All"), &service).await {
            Err(error) if error.code() == Some(422) => {
                return Ok(Check::failed(format!("the node port {port} is refused: {error}"), hint));
            }
            // It exists with another port, or is not ours to create: other checks say so.
            Ok(_) | Err(_) => {}
        }
    }
    if NODE_PORTS.contains(&port) {
        Ok(Check::passed(format!("the node port {port} is free")))
    } else {
        Ok(Check::doubtful(format!(
            "the node port {port} is outside of {}-{}, which host clusters have unless told otherwise",
            NODE_PORTS.start(),
            NODE_PORTS.end()
        )))
    }
}

fn address(options: &InstallOptions, facts: &HostFacts) -> Check {
    let hint = "say where the node port is reached with --karmada-apiserver-advertise-address";
    match (&options.advertise_address, facts.node_addresses.first()) {
        (Some(address), _) => Check::passed(format!("the API server will be at {address}")),
        (None, Some(address)) => Check::passed(format!("the API server will be at the node {address}")),
        (None, None) => Check::failed("no node has an address", hint),
    }
}

async fn data(
    client: &kube::Client,
    options: &InstallOptions,
    facts: &HostFacts,
    volume: &DataVolume,
) -> Result<Check, ApiError> {
    let replicas = match (&options.etcd, options.profile) {
        (Etcd::Local(local), Profile::Standard | Profile::Ha) => local.pod.replicas as usize,
        _ => 1,
    };
    match volume {
        DataVolume::EmptyDir => {
            Ok(Check::doubtful("the data is gone when its pod is (--etcd-storage-mode=emptyDir)"))
        }
        DataVolume::HostPath { path } if facts.candidates < replicas && facts.data_nodes.len() < replicas => {
            Ok(Check::failed(
                format!(
                    "the data in {path} needs {replicas} {} pods, there {} {}",
                    plural(replicas, "nodes that are ready and take", "node that is ready and takes"),
                    plural(facts.candidates, "are", "is"),
                    facts.candidates
                ),
                "label nodes for --etcd-node-selector-labels, or choose --etcd-storage-mode=PVC",
            ))
        }
        DataVolume::HostPath { path } if replicas > 1 => Ok(Check::doubtful(format!(
            "the data is in {path} of {replicas} nodes: a member that moves to another one begins with nothing, a PVC would move along"
        ))),
        DataVolume::HostPath { path } => {
            let node = facts.data_nodes.first().map_or_else(
                || "the nodes with the labels of --etcd-node-selector-labels".to_owned(),
                |node| format!("the node {node}"),
            );
            Ok(Check::passed(format!("the data will be in {path} of {node}")))
        }
        DataVolume::Claim { storage_class, .. } => storage(client, storage_class.as_deref()).await,
    }
}

/// Members of etcd that move with their data still want nodes of their own.
fn apart(options: &InstallOptions, facts: &HostFacts, local: &LocalEtcd) -> Option<Check> {
    let replicas = local.pod.replicas as usize;
    let is_bound = matches!(local.volume, DataVolume::HostPath { .. });
    // An affinity of the user counts instead of ours.
    let is_single = options.profile == Profile::Single;
    if is_single || is_bound || local.pod.affinity.is_some() || replicas <= facts.candidates {
        return None;
    }
    Some(Check::doubtful(format!(
        "the {replicas} members of etcd want nodes of their own, there {} {} that {} ready and {} pods: others wait until there are more (--etcd-replicas)",
        plural(facts.candidates, "are", "is"),
        facts.candidates,
        plural(facts.candidates, "are", "is"),
        plural(facts.candidates, "take", "takes"),
    )))
}

fn plural<'a>(count: usize, many: &'a str, one: &'a str) -> &'a str {
    if count == 1 { one } else { many }
}

async fn storage(client: &kube::Client, wanted: Option<&str>) -> Result<Check, ApiError> {
    const CLASSES: &str = "/apis/storage.k8s.io/v1/storageclasses";
    let hint = "`kubectl get storageclasses` lists them; name one with --storage-classes-name";
    let Some(wanted) = wanted else {
        let classes = objects::list(client, CLASSES, "").await?;
        let is_default = |class: &&Value| {
            class["metadata"]["annotations"]["storageclass.kubernetes.io/is-default-class"] == "true"
        };
        return Ok(match classes.iter().find(is_default) {
            Some(class) => Check::passed(format!(
                "the data will be claimed from the storage class {}",
                class["metadata"]["name"].as_str().unwrap_or_default()
            )),
            None => Check::failed("the host cluster has no default storage class", hint),
        });
    };
    Ok(match raw::read(client, &format!("{CLASSES}/{wanted}")).await? {
        Some(_) => Check::passed(format!("the data will be claimed from the storage class {wanted}")),
        None => Check::failed(format!("the storage class {wanted} does not exist"), hint),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_host_clusters_are_refused_and_strange_versions_doubted() {
        assert!(version("v1.24.17").is_failed());
        assert_eq!(version("v1.36.2+k3s1").verdict, Verdict::Passed);
        assert_eq!(version("main").verdict, Verdict::Doubtful);
    }

    #[test]
    fn missing_rights_are_told_by_place_and_resource() {
        let right = |verb, group, resource, namespace| Right { verb, group, resource, namespace };
        let missing = [
            right("create", "", "secrets", "karmada-system"),
            right("patch", "", "secrets", "karmada-system"),
            right("create", "apps", "deployments", "karmada-system"),
            right("list", "", "nodes", ""),
        ];
        assert_eq!(
            lacking(&missing),
            "not allowed in the namespace karmada-system: create/patch secrets, create deployments.apps; \
             not allowed in the whole host cluster: list nodes"
        );
    }
}
