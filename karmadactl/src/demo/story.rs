//! The steps of the demo, each an action or a look that returns what it found.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::api_error::ApiError;
use crate::discovery::Discovery;
use crate::get::{
    CONTROL_PLANE, GetRequest, Missing, NamespaceChoice, Representation, Shown, Source, fetch, merge_tables,
    parse_targets,
};
use crate::manifest::{ManifestError, read_text};
use crate::propagate::{
    ApplyError, ApplyOptions, Conflicts, Persistence, Plan, PlannedObject, Purpose, apply_plan,
};
use crate::raw;
use crate::table::Table;
use crate::wait::{Probe, WaitError, wait_until};

/// How long a step may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);
/// How long one cluster may take to answer a table.
const READ_TIMEOUT: Duration = Duration::from_secs(10);
const NAMESPACE: &str = "default";
pub(super) const DEPLOYMENT: &str = "/apis/apps/v1/namespaces/default/deployments/nginx";
pub(super) const BINDING: &str =
    "/apis/work.karmada.io/v1alpha2/namespaces/default/resourcebindings/nginx-deployment";

const SAMPLES: [(&str, &str); 3] = [
    ("samples/nginx/propagationpolicy.yaml", include_str!("../../../samples/nginx/propagationpolicy.yaml")),
    ("samples/nginx/overridepolicy.yaml", include_str!("../../../samples/nginx/overridepolicy.yaml")),
    ("samples/nginx/deployment.yaml", include_str!("../../../samples/nginx/deployment.yaml")),
];

/// A step that did not work out.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    #[error("cannot read the samples")]
    Samples(#[from] ManifestError),
    #[error("cannot apply the samples")]
    Apply(#[from] ApplyError),
    #[error(transparent)]
    Wait(#[from] WaitError),
    #[error("cannot call the API")]
    Api(#[from] ApiError),
    #[error("cannot read a table: {failure}")]
    Table { failure: String },
    #[error("there is no member {name}")]
    NoMember { name: String },
}

/// A change in a member behind Karmada's back.
#[derive(Clone, Debug)]
pub struct Drift {
    /// The member's table right after the change.
    pub broken: Vec<Table>,
    /// The member's table after the repair.
    pub repaired: Vec<Table>,
    pub took: Duration,
}

/// A control plane and its members, ready for the story.
pub struct Story {
    control_plane: kube::Client,
    members: Vec<(String, kube::Client)>,
}

impl Story {
    /// A story told with these clusters.
    pub fn new(control_plane: kube::Client, members: Vec<(String, kube::Client)>) -> Self {
        Self { control_plane, members }
    }

    pub(super) fn control_plane(&self) -> &kube::Client {
        &self.control_plane
    }

    pub(super) fn members(&self) -> &[(String, kube::Client)] {
        &self.members
    }

    /// Applies the sample and returns what was applied.
    pub async fn apply_samples(&self) -> Result<Vec<String>, DemoError> {
        let mut plan = Plan::default();
        for (origin, text) in SAMPLES {
            for manifest in read_text(origin, text)? {
                let mut object = manifest.object;
                object["metadata"]["namespace"] = json!(NAMESPACE);
                plan.objects.push(PlannedObject { object, purpose: Purpose::Support, manifest: None });
            }
        }
        let discovery = Discovery::of(&self.control_plane).await?;
        let options = ApplyOptions { persistence: Persistence::Kept, conflicts: Conflicts::Refused };
        let mut names = Vec::new();
        apply_plan(&self.control_plane, &discovery, &plan, options, |applied| {
            let name = applied.object["metadata"]["name"].as_str().unwrap_or_default();
            names.push(format!("{}/{name}", applied.kind.qualified_singular()));
        })
        .await?;
        Ok(names)
    }

    /// Waits until nginx is healthy in all members and the template's status says so.
    pub async fn healthy(&self) -> Result<(), DemoError> {
        wait_until("nginx becomes healthy in all members", PATIENCE, || async {
            let binding = raw::read(&self.control_plane, BINDING).await?.unwrap_or_default();
            let items = list(&binding["status"], "aggregatedStatus");
            let healthy = items.iter().filter(|item| item["health"] == "Healthy").count();
            Ok(if healthy == self.members.len() {
                Probe::Ready(())
            } else {
                Probe::NotYet(format!("{healthy} of {} healthy", self.members.len()))
            })
        })
        .await?;
        wait_until("the status of the template is gathered", PATIENCE, || async {
            let template = raw::read(&self.control_plane, DEPLOYMENT).await?.unwrap_or_default();
            let (ready, wanted) = (&template["status"]["readyReplicas"], &template["spec"]["replicas"]);
            Ok(if ready == wanted {
                Probe::Ready(())
            } else {
                Probe::NotYet(format!("{ready} of {wanted} replicas ready"))
            })
        })
        .await?;
        Ok(())
    }

    /// The clusters, as `karmadactl get clusters` shows them.
    pub async fn clusters(&self) -> Result<Vec<Table>, DemoError> {
        tables(&[self.control_plane_source()], &["clusters"]).await
    }

    /// Where the scheduler put nginx.
    pub async fn bindings(&self) -> Result<Vec<Table>, DemoError> {
        tables(&[self.control_plane_source()], &["resourcebindings"]).await
    }

    /// The pods in the members, as `karmadactl get pods --operation-scope members` shows them.
    pub async fn pods(&self) -> Result<Vec<Table>, DemoError> {
        let sources: Vec<Source> =
            self.members.iter().map(|(name, client)| member_source(name, client)).collect();
        tables(&sources, &["pods"]).await
    }

    /// What each member is given.
    pub async fn works(&self) -> Result<Vec<Table>, DemoError> {
        let mut tables = Vec::new();
        for (name, _) in &self.members {
            let source = self.control_plane_source();
            let namespace = format!("karmada-es-{name}");
            tables.extend(tables_in(&[source], &["works"], &namespace).await?);
        }
        let mut merged: Vec<Table> = Vec::new();
        for table in tables {
            match merged.iter_mut().find(|known| known.columns == table.columns) {
                Some(known) => known.rows.extend(table.rows),
                None => merged.push(table),
            }
        }
        Ok(merged)
    }

    /// nginx in all clusters, as `karmadactl get deployments --operation-scope all` shows it.
    pub async fn everywhere(&self) -> Result<Vec<Table>, DemoError> {
        let mut sources = vec![self.control_plane_source()];
        sources.extend(self.members.iter().map(|(name, client)| member_source(name, client)));
        tables(&sources, &["deployments"]).await
    }

    /// The image of nginx in each member.
    pub async fn images(&self) -> Result<Table, DemoError> {
        let mut table = Table::new(["CLUSTER", "IMAGE"]);
        let clusters = [(CONTROL_PLANE.to_owned(), self.control_plane.clone())];
        for (name, client) in clusters.iter().chain(&self.members) {
            let deployment = raw::read(client, DEPLOYMENT).await?.unwrap_or_default();
            let image = &deployment["spec"]["template"]["spec"]["containers"][0]["image"];
            table.push([name.as_str(), image.as_str().unwrap_or("-")]);
        }
        Ok(table)
    }

    /// Scales nginx in one member behind Karmada's back and waits until that is put right.
    pub async fn drift(&self, member: &str, replicas: i64) -> Result<Drift, DemoError> {
        let (_, client) = self
            .members
            .iter()
            .find(|(name, _)| name == member)
            .ok_or_else(|| DemoError::NoMember { name: member.to_owned() })?;
        let before = raw::read(client, DEPLOYMENT).await?.unwrap_or_default();
        let wanted = before["spec"]["replicas"].clone();
        let started = Instant::now();
        let changed =
            raw::merge_patch(client, DEPLOYMENT, &json!({ "spec": { "replicas": replicas } })).await?;
        let mut broken = Table::new(["NAME", "CLUSTER", "REPLICAS"]);
        broken.push(["nginx", member, &changed["spec"]["replicas"].to_string()]);
        wait_until(&format!("the change in {member} is put right"), PATIENCE, || async {
            let now = raw::read(client, DEPLOYMENT).await?.unwrap_or_default();
            let seen = now["spec"]["replicas"].clone();
            Ok(if seen == wanted { Probe::Ready(()) } else { Probe::NotYet(format!("{seen} replicas")) })
        })
        .await?;
        let took = started.elapsed();
        let now = raw::read(client, DEPLOYMENT).await?.unwrap_or_default();
        let mut repaired = Table::new(["NAME", "CLUSTER", "REPLICAS"]);
        repaired.push(["nginx", member, &now["spec"]["replicas"].to_string()]);
        Ok(Drift { broken: vec![broken], repaired: vec![repaired], took })
    }

    /// What the binding knows of each member, and the template's gathered status.
    pub async fn status(&self) -> Result<(Table, Vec<Table>), DemoError> {
        let binding = raw::read(&self.control_plane, BINDING).await?.unwrap_or_default();
        let mut table = Table::new(["CLUSTER", "APPLIED", "HEALTH", "REPLICAS", "READY"]);
        for item in list(&binding["status"], "aggregatedStatus") {
            let number = |field: &str| item["status"][field].as_i64().unwrap_or_default().to_string();
            table.push([
                item["clusterName"].as_str().unwrap_or_default().to_owned(),
                item["applied"].to_string(),
                item["health"].as_str().unwrap_or_default().to_owned(),
                number("replicas"),
                number("readyReplicas"),
            ]);
        }
        table.rows.sort();
        let template = tables(&[self.control_plane_source()], &["deployments", "nginx"]).await?;
        Ok((table, template))
    }

    fn control_plane_source(&self) -> Source {
        Source { name: CONTROL_PLANE.to_owned(), client: Ok(self.control_plane.clone()) }
    }
}

fn member_source(name: &str, client: &kube::Client) -> Source {
    Source { name: name.to_owned(), client: Ok(client.clone()) }
}

async fn tables(sources: &[Source], arguments: &[&str]) -> Result<Vec<Table>, DemoError> {
    tables_in(sources, arguments, NAMESPACE).await
}

async fn tables_in(sources: &[Source], arguments: &[&str], namespace: &str) -> Result<Vec<Table>, DemoError> {
    let arguments: Vec<String> = arguments.iter().map(|&argument| argument.to_owned()).collect();
    let request = GetRequest {
        targets: parse_targets(&arguments).unwrap_or_default(),
        namespace: NamespaceChoice::One(namespace.to_owned()),
        label_selector: None,
        representation: Representation::Table,
        missing: Missing::Fails,
        timeout: READ_TIMEOUT,
    };
    let fetched = fetch(sources, &request).await;
    if let Some(failure) = fetched.failures.first() {
        return Err(DemoError::Table { failure: failure.to_string() });
    }
    let shown = Shown::for_parts(&fetched.parts, &request.namespace);
    Ok(merge_tables(&fetched.parts, &shown))
}

pub(super) fn list<'a>(value: &'a Value, field: &str) -> &'a [Value] {
    value[field].as_array().map(Vec::as_slice).unwrap_or_default()
}
