//! From `NAME` or `TYPE/NAME` to pods.

use http::Request;
use serde_json::Value;

use crate::api_error::ApiError;
use crate::discovery::{Discovery, UnknownType};
use crate::error::CliError;

/// A pod that was not found.
#[derive(Debug, thiserror::Error)]
pub enum PodError {
    #[error("error from server (NotFound): pods {name:?} not found in namespace {namespace:?}")]
    NotFound { name: String, namespace: String },
    #[error("{what} selects no pods")]
    SelectsNothing { what: String },
    #[error("cannot find pods of {what}: it has no selector")]
    NoSelector { what: String },
    #[error("no pods of {what} are there")]
    NoPods { what: String },
    #[error("{argument:?} is not a NAME or TYPE/NAME")]
    NotAName { argument: String },
    #[error(transparent)]
    UnknownType(#[from] UnknownType),
    #[error(transparent)]
    Api(#[from] ApiError),
}

impl From<PodError> for CliError {
    fn from(error: PodError) -> Self {
        match error {
            PodError::Api(error) => Self::from(error),
            PodError::NotAName { .. } => Self::usage(error),
            other => Self::failed(other),
        }
    }
}

/// Returns the pod that is meant: by its name, or the best one of what `TYPE/NAME` selects.
///
/// # Errors
/// When there is none.
pub async fn one_pod(client: &kube::Client, namespace: &str, target: &str) -> Result<Value, PodError> {
    let mut pods = logged_pods(client, namespace, target).await?;
    pods.sort_by_key(|pod| {
        let is_ready = pod["status"]["conditions"]
            .as_array()
            .into_iter()
            .flatten()
            .any(|condition| condition["type"] == "Ready" && condition["status"] == "True");
        let is_running = pod["status"]["phase"] == "Running";
        let name = pod["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        (!is_ready, !is_running, pod["spec"]["nodeName"].is_null(), name)
    });
    pods.into_iter().next().ok_or_else(|| PodError::NoPods { what: target.to_owned() })
}

/// Returns the pods that are meant: one by its name, or all that `TYPE/NAME` selects.
///
/// # Errors
/// When there are none.
pub async fn logged_pods(
    client: &kube::Client,
    namespace: &str,
    target: &str,
) -> Result<Vec<Value>, PodError> {
    let pods = format!("/api/v1/namespaces/{namespace}/pods");
    let not_a_name = || PodError::NotAName { argument: target.to_owned() };
    let (type_name, name) = target.split_once('/').unwrap_or(("pod", target));
    if name.is_empty() || type_name.is_empty() || name.contains('/') {
        return Err(not_a_name());
    }
    if matches!(type_name, "pod" | "pods" | "po") {
        let found = crate::raw::read(client, &format!("{pods}/{}", crate::get::escape(name))).await?;
        let missing = || PodError::NotFound { name: name.to_owned(), namespace: namespace.to_owned() };
        return Ok(vec![found.ok_or_else(missing)?]);
    }
    let discovery = Discovery::of(client).await?;
    let kinds = discovery.find(type_name)?;
    let kind = kinds.first().ok_or_else(not_a_name)?;
    let path = format!("{}/{}", kind.path(Some(namespace)), crate::get::escape(name));
    let object: Value = get(client, &path).await?;
    let selector = selector_of(&object).ok_or_else(|| PodError::NoSelector { what: target.to_owned() })?;
    if selector.is_empty() {
        return Err(PodError::SelectsNothing { what: target.to_owned() });
    }
    select(client, namespace, &selector).await
}

/// Returns the pods with these labels.
pub(crate) async fn select(
    client: &kube::Client,
    namespace: &str,
    selector: &str,
) -> Result<Vec<Value>, PodError> {
    let path = format!("/api/v1/namespaces/{namespace}/pods?labelSelector={}", crate::get::escape(selector));
    let mut list: Value = get(client, &path).await?;
    Ok(match list["items"].take() {
        Value::Array(items) => items,
        _ => Vec::new(),
    })
}

async fn get(client: &kube::Client, path: &str) -> Result<Value, ApiError> {
    let request = Request::get(path).body(Vec::new()).map_err(kube::Error::HttpError)?;
    Ok(client.request(request).await?)
}

/// Returns the label selector of a workload or service as a query has it.
fn selector_of(object: &Value) -> Option<String> {
    let selector = object["spec"]["selector"].as_object()?;
    let nested = selector.contains_key("matchLabels") || selector.contains_key("matchExpressions");
    let labels = if nested { selector.get("matchLabels").and_then(Value::as_object) } else { Some(selector) };
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut terms: Vec<String> =
        labels.into_iter().flatten().map(|(key, value)| format!("{key}={}", text(value))).collect();
    for expression in selector.get("matchExpressions").and_then(Value::as_array).into_iter().flatten() {
        let key = text(&expression["key"]);
        let values: Vec<String> = expression["values"].as_array().into_iter().flatten().map(text).collect();
        terms.push(match expression["operator"].as_str()? {
            "In" => format!("{key} in ({})", values.join(",")),
            "NotIn" => format!("{key} notin ({})", values.join(",")),
            "Exists" => key,
            _ => format!("!{key}"),
        });
    }
    Some(terms.join(","))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn selectors_of_workloads_and_services_become_queries() {
        let check = |selector: Value, expected: Option<&str>| {
            assert_eq!(selector_of(&json!({"spec": {"selector": selector}})).as_deref(), expected);
        };
        check(json!({"app": "web", "tier": "a"}), Some("app=web,tier=a"));
        check(
            json!({"matchLabels": {"app": "web"}, "matchExpressions": [
                {"key": "x", "operator": "In", "values": ["1", "2"]}, {"key": "y", "operator": "DoesNotExist"}]}),
            Some("app=web,x in (1,2),!y"),
        );
        check(Value::Null, None);
    }
}
