//! One load: a namespace, a policy, Deployments, and their arrival in the members.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{anyhow, bail};
use futures::StreamExt;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Namespace;
use kube::api::{
    Api, ApiResource, DeleteParams, DynamicObject, ListParams, PostParams, WatchEvent, WatchParams,
};
use kube::core::GroupVersionKind;
use kube::{Client, ResourceExt};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

use crate::{Args, connect, round_off};

/// A namespace whose Deployments go to all members, and those who watch for them.
pub(crate) struct Round {
    namespace: String,
    arrivals: mpsc::UnboundedReceiver<Arrival>,
    watched: usize,
    _watches: Vec<AbortOnDropHandle<anyhow::Result<()>>>,
}

/// How long it took.
pub(crate) struct Measured {
    pub(crate) create_time: Duration,
    pub(crate) makespan: Duration,
    /// Milliseconds from acknowledgement to arrival in the last member, sorted.
    latencies: Vec<f64>,
}

impl Measured {
    /// Returns a percentile of the latencies in milliseconds.
    pub(crate) fn percentile(&self, fraction: f64) -> f64 {
        let last = self.latencies.len().saturating_sub(1);
        let index = ((fraction * self.latencies.len() as f64) as usize).min(last);
        round_off(self.latencies.get(index).copied().unwrap_or_default())
    }

    pub(crate) fn percentiles(&self) -> Value {
        json!({
            "p50": self.percentile(0.5), "p90": self.percentile(0.9),
            "p99": self.percentile(0.99), "max": self.percentile(1.0),
        })
    }
}

impl Round {
    /// Prepares a load that goes to some clusters, and waits until those of the command line watch for it.
    pub(crate) async fn prepare(
        control_plane: &Client,
        args: &Args,
        namespace: String,
        clusters: &[String],
    ) -> anyhow::Result<Self> {
        create_policy(control_plane, &namespace, clusters).await?;
        let (arrived, mut arrivals) = mpsc::unbounded_channel();
        let mut watches = Vec::new();
        for (name, path) in &args.member {
            let client = connect(Path::new(path)).await?;
            let watch = watch_arrivals(client, name.clone(), namespace.clone(), args.count, arrived.clone());
            watches.push(AbortOnDropHandle::new(tokio::spawn(watch)));
        }
        drop(arrived);
        let watched = args.member.len();
        let mut ready = 0;
        while ready < watched {
            match tokio::time::timeout(Duration::from_mins(1), arrivals.recv()).await {
                Ok(Some(Arrival::Watching)) => ready += 1,
                Ok(Some(Arrival::Object { .. })) => {}
                Ok(None) | Err(_) => bail!("the namespace never reached a member"),
            }
        }
        Ok(Self { namespace, arrivals, watched, _watches: watches })
    }

    /// Creates everything and waits for its arrival.
    pub(crate) async fn run(&mut self, control_plane: &Client, args: &Args) -> anyhow::Result<Measured> {
        let limit = Duration::from_secs(args.timeout);
        let start = Instant::now();
        let created = create_all(control_plane, &self.namespace, args).await?;
        let create_time = start.elapsed();
        let mut last: BTreeMap<String, Instant> = BTreeMap::new();
        let mut missing = args.count * self.watched;
        while missing > 0 {
            let left = limit.saturating_sub(start.elapsed());
            match tokio::time::timeout(left, self.arrivals.recv()).await {
                Ok(Some(Arrival::Object { name, at })) => {
                    missing -= 1;
                    let entry = last.entry(name).or_insert(at);
                    *entry = (*entry).max(at);
                }
                Ok(Some(Arrival::Watching)) => {}
                Ok(None) | Err(_) => {
                    bail!("{missing} arrivals are missing after {} s", start.elapsed().as_secs())
                }
            }
        }
        let makespan = last.values().max().map_or(Duration::ZERO, |at| at.duration_since(start));
        let latency = |(name, at): (&String, &Instant)| {
            let arrived = last.get(name)?;
            Some(arrived.saturating_duration_since(*at).as_secs_f64() * 1000.0)
        };
        let mut latencies: Vec<f64> = created.iter().filter_map(latency).collect();
        latencies.sort_by(f64::total_cmp);
        Ok(Measured { create_time, makespan, latencies })
    }

    /// Deletes the namespace.
    pub(crate) async fn clean_up(&self, control_plane: &Client) -> anyhow::Result<()> {
        let namespaces: Api<Namespace> = Api::all(control_plane.clone());
        namespaces.delete(&self.namespace, &DeleteParams::default()).await?;
        Ok(())
    }
}

async fn create_policy(client: &Client, namespace: &str, members: &[String]) -> anyhow::Result<()> {
    let namespaces: Api<Namespace> = Api::all(client.clone());
    namespaces
        .create(&PostParams::default(), &serde_json::from_value(json!({"metadata": {"name": namespace}}))?)
        .await?;
    let resource =
        ApiResource::from_gvk(&GroupVersionKind::gvk("policy.karmada.io", "v1alpha1", "PropagationPolicy"));
    let policies: Api<DynamicObject> = Api::namespaced_with(
        client.clone(),
        namespace,
        &ApiResource { plural: "propagationpolicies".into(), ..resource },
    );
    let policy = json!({
        "apiVersion": "policy.karmada.io/v1alpha1", "kind": "PropagationPolicy",
        "metadata": {"name": "all", "namespace": namespace},
        "spec": {"resourceSelectors": [{"apiVersion": "apps/v1", "kind": "Deployment"}],
                 "placement": {"clusterAffinity": {"clusterNames": members}}},
    });
    policies.create(&PostParams::default(), &serde_json::from_value(policy)?).await?;
    Ok(())
}

enum Arrival {
    Watching,
    Object { name: String, at: Instant },
}

async fn watch_arrivals(
    client: Client,
    member: String,
    namespace: String,
    count: usize,
    arrived: mpsc::UnboundedSender<Arrival>,
) -> anyhow::Result<()> {
    let namespaces: Api<Namespace> = Api::all(client.clone());
    while namespaces.get_opt(&namespace).await?.is_none() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let deployments: Api<Deployment> = Api::namespaced(client, &namespace);
    let version =
        deployments.list(&ListParams::default()).await?.metadata.resource_version.unwrap_or_default();
    let mut stream = deployments.watch(&WatchParams::default().timeout(290), &version).await?.boxed();
    arrived.send(Arrival::Watching)?;
    let mut seen = 0;
    while seen < count {
        match stream.next().await {
            Some(Ok(WatchEvent::Added(object))) => {
                seen += 1;
                arrived.send(Arrival::Object { name: object.name_any(), at: Instant::now() })?;
            }
            Some(Ok(_)) => {}
            Some(Err(error)) => return Err(error.into()),
            None => return Err(anyhow!("the watch of {member} ended")),
        }
    }
    Ok(())
}

async fn create_all(
    client: &Client,
    namespace: &str,
    args: &Args,
) -> anyhow::Result<BTreeMap<String, Instant>> {
    let deployments: Arc<Api<Deployment>> = Arc::new(Api::namespaced(client.clone(), namespace));
    let mut writers = Vec::new();
    for writer in 0..args.writers {
        let (deployments, namespace, count, step) =
            (deployments.clone(), namespace.to_string(), args.count, args.writers);
        writers.push(tokio::spawn(async move {
            let mut created = BTreeMap::new();
            for i in (writer..count).step_by(step) {
                let deployment = deployment(&namespace, i)?;
                deployments.create(&PostParams::default(), &deployment).await?;
                created.insert(deployment.name_any(), Instant::now());
            }
            anyhow::Ok(created)
        }));
    }
    let mut created = BTreeMap::new();
    for writer in writers {
        created.extend(writer.await??);
    }
    Ok(created)
}

fn deployment(namespace: &str, i: usize) -> serde_json::Result<Deployment> {
    let name = format!("web-{i:05}");
    let environment: Vec<Value> =
        (0..8).map(|j| json!({"name": format!("K{j}"), "value": "v".repeat(20)})).collect();
    serde_json::from_value(json!({
        "metadata": {"name": name, "namespace": namespace, "labels": {"app": name}},
        "spec": {"replicas": 2, "selector": {"matchLabels": {"app": name}}, "template": {"metadata": {"labels": {"app": name}},
            "spec": {"containers": [{"name": "nginx", "image": "nginx:1.27", "env": environment,
                "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}}}]}}},
    }))
}
