//! Requests as fast as a few clients can send them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use clap::ValueEnum;
use http::Method;
use serde_json::{Value, json};

use super::client::{Connection, Endpoint};
use super::measure::Plan;

pub(crate) const NAMESPACE: &str = "bench";
const JSON: &str = "application/json";

/// A kind of request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Row {
    Create,
    Get,
    Patch,
    Put,
    Apply,
    List,
    Watch,
}

impl Row {
    pub(crate) const AFTER_CREATE: [Self; 6] =
        [Self::Get, Self::Patch, Self::Put, Self::Apply, Self::List, Self::Watch];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Get => "get",
            Self::Patch => "merge patch",
            Self::Put => "update (PUT)",
            Self::Apply => "server-side apply",
            Self::List => "list of all",
            Self::Watch => "event to a watcher",
        }
    }
}

/// A Deployment of 1.2 KB.
pub(crate) fn deployment(namespace: &str, index: usize) -> Value {
    let name = name(index);
    let environment: Vec<Value> =
        (0..16).map(|i| json!({"name": format!("KEY{i:02}"), "value": "v".repeat(20)})).collect();
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace, "labels": {"app": name}},
        "spec": {"replicas": 2, "selector": {"matchLabels": {"app": name}}, "template": {
            "metadata": {"labels": {"app": name}},
            "spec": {"containers": [{"name": "nginx", "image": "nginx:1.27", "env": environment,
                "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}}}]}}},
    })
}

fn name(index: usize) -> String {
    format!("web-{index:05}")
}

fn collection() -> String {
    format!("/apis/apps/v1/namespaces/{NAMESPACE}/deployments")
}

/// Creates a namespace.
pub(crate) async fn create_namespace(endpoint: &Endpoint, name: &str) -> anyhow::Result<()> {
    let body = json!({"metadata": {"name": name}}).to_string();
    endpoint.connect().await?.call(Method::POST, "/api/v1/namespaces", JSON, body.into()).await?;
    Ok(())
}

/// Clients that are ready to send one kind of request.
pub(crate) struct Load {
    clients: Vec<Client>,
    time: Duration,
}

impl Load {
    /// Connects the clients and reads what they need to know.
    pub(crate) async fn prepare(endpoint: &Endpoint, row: Row, plan: &Plan) -> anyhow::Result<Self> {
        let mut clients = Vec::new();
        for client in 0..plan.writers {
            let mut client = Client {
                connection: endpoint.connect().await?,
                row,
                count: plan.count,
                // Each client changes objects of its own: nobody waits for anybody.
                own: (client..plan.count).step_by(plan.writers).collect(),
                held: Vec::new(),
            };
            client.prepare().await?;
            clients.push(client);
        }
        Ok(Self { clients, time: Duration::from_secs_f64(plan.seconds) })
    }

    /// Lets all clients send. Returns how many requests were answered, and in what time.
    pub(crate) async fn run(self) -> anyhow::Result<(usize, Duration)> {
        let start = Instant::now();
        let end = start + self.time;
        let turns = Arc::new(AtomicUsize::new(0));
        let mut tasks = tokio::task::JoinSet::new();
        for mut client in self.clients {
            let turns = turns.clone();
            tasks.spawn(async move {
                let mut answered = 0;
                while client.goes_on(answered, end) {
                    let turn = turns.fetch_add(1, Ordering::Relaxed);
                    client.request(answered, turn % client.count).await?;
                    answered += 1;
                }
                anyhow::Ok(answered)
            });
        }
        let mut answered = 0;
        while let Some(client) = tasks.join_next().await {
            answered += client??;
        }
        Ok((answered, start.elapsed()))
    }
}

struct Client {
    connection: Connection,
    row: Row,
    /// Number of all objects.
    count: usize,
    /// Indices of the objects that only this client changes.
    own: Vec<usize>,
    /// Their last states, when the row needs them.
    held: Vec<Value>,
}

impl Client {
    fn goes_on(&self, answered: usize, end: Instant) -> bool {
        if self.row == Row::Create {
            answered < self.own.len()
        } else {
            answered == 0 || Instant::now() < end
        }
    }

    async fn prepare(&mut self) -> anyhow::Result<()> {
        if self.row == Row::Put {
            // As many as fit into the time are enough.
            self.own.truncate(250);
            for index in &self.own {
                let object = self.connection.get(&format!("{}/{}", collection(), name(*index))).await?;
                self.held.push(serde_json::from_slice(&object)?);
            }
        }
        Ok(())
    }

    async fn request(&mut self, round: usize, turn: usize) -> anyhow::Result<()> {
        let slot = round % self.own.len();
        let own = self.own[slot];
        let path = format!("{}/{}", collection(), name(own));
        let replicas = 3 + round / self.own.len() % 7;
        match self.row {
            Row::Create => {
                let body = deployment(NAMESPACE, own).to_string();
                self.connection.call(Method::POST, &collection(), JSON, body.into()).await?;
            }
            Row::Get => {
                self.connection.get(&format!("{}/{}", collection(), name(turn))).await?;
            }
            Row::Patch => {
                let body = json!({"spec": {"replicas": replicas}}).to_string();
                self.write(Method::PATCH, &path, "application/merge-patch+json", body).await?;
            }
            Row::Put => {
                let mut object = self.held[slot].take();
                object["spec"]["replicas"] =
                    (object["spec"]["replicas"].as_i64().unwrap_or_default() % 9 + 1).into();
                let answer = self.write(Method::PUT, &path, JSON, object.to_string()).await?;
                self.held[slot] = serde_json::from_slice(&answer)?;
            }
            Row::Apply => {
                let mut object = deployment(NAMESPACE, own);
                object["spec"]["replicas"] = (10 + replicas).into();
                let path = format!("{path}?fieldManager=bench-apply&force=true");
                self.write(Method::PATCH, &path, "application/apply-patch+yaml", object.to_string()).await?;
            }
            Row::List => {
                self.connection.drain(&collection()).await?;
            }
            Row::Watch => {}
        }
        Ok(())
    }

    async fn write(
        &mut self,
        method: Method,
        path: &str,
        content_type: &str,
        body: String,
    ) -> anyhow::Result<Bytes> {
        self.connection.call(method, path, content_type, body.into()).await
    }
}
