//! Asking the metrics APIs of members.

use std::time::Duration;

use futures::future::join_all;
use http::Request;
use karmada_core::object::Quantity;
use serde_json::Value;

use crate::api_error::ApiError;
use crate::context::{Context, ControlPlane};
use crate::error::{CliError, ErrorKind, chain_line};
use crate::get::{GetError, OperationScope, Source, sources};

/// How long one member may take.
const PATIENCE: Duration = Duration::from_secs(10);
const METRICS: &str = "/apis/metrics.k8s.io/v1beta1";

/// CPU and memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Usage {
    /// Thousandths of a core.
    pub(super) cpu: i64,
    /// Bytes.
    pub(super) memory: i64,
}

impl Usage {
    /// Reads `usage` or `allocatable`.
    pub(super) fn of(value: &Value) -> Self {
        let quantity = |name: &str| {
            value[name].as_str().and_then(|text| text.parse::<Quantity>().ok()).unwrap_or_default()
        };
        Self { cpu: quantity("cpu").milli_value(), memory: quantity("memory").value() }
    }

    pub(super) fn add(&mut self, other: Self) {
        self.cpu += other.cpu;
        self.memory += other.memory;
    }

    pub(super) fn cpu_text(self) -> String {
        format!("{}m", self.cpu)
    }

    pub(super) fn memory_text(self) -> String {
        format!("{}Mi", self.memory / (1 << 20))
    }
}

/// Why a member has no figures.
#[derive(Debug, thiserror::Error)]
enum MetricsError {
    #[error("metrics API not available")]
    NotAvailable,
    #[error("no answer within {} seconds", PATIENCE.as_secs())]
    Timeout,
    #[error(transparent)]
    Api(#[from] ApiError),
    #[error("{0}")]
    Unreachable(String),
}

/// Members without figures, one line each.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.join("\n"))]
struct Failures(Vec<String>);

/// Returns the members that are asked.
pub(super) async fn members(
    control_plane: &ControlPlane,
    clusters: &[String],
) -> Result<Vec<Source>, CliError> {
    sources(&control_plane.client, OperationScope::Members, clusters).await.map_err(|error| match error {
        GetError::Clusters(error) => control_plane.explain(error),
        error => CliError::failed(error),
    })
}

/// Asks all members for what is at a path below the metrics API, and for `also`, at the same time.
///
/// Returns answers by member, and what did not work, worded.
pub(super) async fn ask(
    members: &[Source],
    path: &str,
    also: Option<&str>,
) -> (Vec<(String, Value, Value)>, Vec<String>) {
    let answers = join_all(members.iter().map(|member| async move {
        let answer = tokio::time::timeout(PATIENCE, ask_one(member, path, also)).await;
        (&member.name, answer.unwrap_or(Err(MetricsError::Timeout)))
    }))
    .await;
    let (mut found, mut failures) = (Vec::new(), Vec::new());
    for (name, answer) in answers {
        match answer {
            Ok((metrics, other)) => found.push((name.clone(), metrics, other)),
            Err(error) => failures.push(format!("cluster({name}): {}", chain_line(&error))),
        }
    }
    (found, failures)
}

async fn ask_one(member: &Source, path: &str, also: Option<&str>) -> Result<(Value, Value), MetricsError> {
    let client = member.client.as_ref().map_err(|error| MetricsError::Unreachable(chain_line(error)))?;
    let groups = read(client, "/apis").await?;
    let mut groups = groups["groups"].as_array().into_iter().flatten();
    if !groups.any(|group| group["name"] == "metrics.k8s.io") {
        return Err(MetricsError::NotAvailable);
    }
    let metrics = read(client, &format!("{METRICS}{path}")).await?;
    let other = match also {
        Some(path) => read(client, path).await?,
        None => Value::Null,
    };
    Ok((metrics, other))
}

async fn read(client: &kube::Client, path: &str) -> Result<Value, ApiError> {
    let request = Request::get(path).header("Accept", "application/json").body(Vec::new());
    Ok(client.request(request.map_err(kube::Error::HttpError)?).await?)
}

/// Tells what did not work, after what did was printed.
pub(super) fn report(context: &Context, failures: Vec<String>, answered: usize) -> Result<(), CliError> {
    match &failures[..] {
        [] => Ok(()),
        [_] if answered == 0 => Err(CliError::failed(Failures(failures))),
        _ => {
            for failure in &failures {
                context.printer.progress(failure);
            }
            let kind = if answered > 0 { ErrorKind::ReportedPartial } else { ErrorKind::Reported };
            Err(CliError::new(kind, Failures(failures)))
        }
    }
}

/// Returns the items of a list, or the one object that was asked for.
pub(super) fn items(answer: &Value) -> Vec<&Value> {
    match answer["items"].as_array() {
        Some(items) => items.iter().collect(),
        None if answer["metadata"]["name"].is_string() => vec![answer],
        None => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn usage_is_printed_in_the_units_of_kubectl() {
        let usage = Usage::of(&json!({"cpu": "1250000n", "memory": "20480Ki"}));
        assert_eq!((usage.cpu_text(), usage.memory_text()), ("2m".to_owned(), "20Mi".to_owned()));
        assert_eq!(Usage::of(&json!({"cpu": "garbage"})), Usage::default());
    }
}
