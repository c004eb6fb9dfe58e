//! The steps of a scenario that change something.

use serde_json::{Value, json};

use super::client::{PatchKind, Reference, Refusal};
use super::fleet::{CONTROL_PLANE, Fleet, Reachability};
use super::normalise::replace_uuids;

/// How objects are deleted unless a step says otherwise.
const BACKGROUND: &str = "Background";

/// Does a step; the difference when the servers answer other than recorded.
pub async fn run(fleet: &mut Fleet, step: &Value) -> Result<(), String> {
    let text = |name: &str| step[name].as_str().unwrap_or_default();
    let server = step["target"].as_str().unwrap_or(CONTROL_PLANE);
    let result = match text("do") {
        "create" => return create(fleet, server, step).await,
        "patch" | "patch-member" => patch(fleet, server, step).await,
        "set-status" | "set-member-status" => set_status(fleet, server, step).await,
        "delete" => match fleet.server(server) {
            Ok(server) => server
                .delete(&path(step), step["propagationPolicy"].as_str().unwrap_or(BACKGROUND))
                .await
                .map(drop),
            Err(refusal) => Err(refusal),
        },
        "taint" => patch_cluster(fleet, step, json!({"spec": {"taints": step["taints"]}})).await,
        "label-cluster" => patch_cluster(fleet, step, json!({"metadata": {"labels": step["labels"]}})).await,
        "set-cluster-condition" => set_cluster_condition(fleet, step).await,
        "cluster-down" => fleet.set_reachability(server, Reachability::Down),
        "cluster-up" => fleet.set_reachability(server, Reachability::Up),
        other => return Err(format!("unknown step {other}")),
    };
    check_results(step, &[result])
}

/// Compares the codes and refusals of a step with the recorded ones.
fn check_results(step: &Value, results: &[Result<(), Refusal>]) -> Result<(), String> {
    let recorded = step["results"].as_array();
    for (index, result) in results.iter().enumerate() {
        let recorded = recorded.and_then(|recorded| recorded.get(index));
        let code = recorded.and_then(|recorded| recorded["code"].as_u64()).filter(|code| *code >= 300);
        match (result, code) {
            (Ok(()), None) => {}
            (Ok(()), Some(code)) => {
                return Err(format!("item {index}: expected {code}, but it was accepted"));
            }
            (Err(refusal), None) => {
                return Err(format!("item {index}: refused with {}: {}", refusal.code, refusal.message));
            }
            (Err(refusal), Some(code)) => {
                let expected = recorded.and_then(|recorded| recorded["message"].as_str());
                let same = u64::from(refusal.code) == code
                    && expected.is_none_or(|expected| same_refusal(expected, &refusal.message));
                if !same {
                    return Err(format!(
                        "item {index}: expected {code} {expected:?}, got {} {:?}",
                        refusal.code, refusal.message
                    ));
                }
            }
        }
    }
    Ok(())
}

/// Returns whether two refusals say the same; the name of a webhook is not part of it, and several mistakes have no order.
fn same_refusal(expected: &str, got: &str) -> bool {
    let mistakes = |text: &str| {
        let reason = text.split_once("denied the request: ").map_or(text, |(_, reason)| reason);
        let reason = without_place(&replace_uuids(reason));
        let mut mistakes: Vec<String> =
            reason.trim_matches(['[', ']']).split(", ").map(str::to_owned).collect();
        mistakes.sort_unstable();
        mistakes
    };
    mistakes(expected) == mistakes(got)
}

/// Blanks ids and ports, which a refusal may show with the object.
fn without_place(text: &str) -> String {
    let mut parts = text.split("127.0.0.1:");
    let mut blanked = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        blanked.push_str("127.0.0.1:*");
        blanked.push_str(part.trim_start_matches(|c: char| c.is_ascii_digit()));
    }
    let mut result = String::new();
    let mut rest = blanked.as_str();
    while let Some(start) = rest.find("<uid:") {
        let end = rest[start..].find('>').map_or(rest.len(), |end| start + end + 1);
        result.push_str(&rest[..start]);
        result.push_str("<uuid>");
        rest = &rest[end..];
    }
    result + rest
}

async fn create(fleet: &mut Fleet, server: &str, step: &Value) -> Result<(), String> {
    let server = fleet.server(server).map_err(|refusal| refusal.message)?;
    let mut results = Vec::new();
    for object in step["objects"].as_array().into_iter().flatten() {
        results.push(server.create(object).await.map(drop));
    }
    check_results(step, &results)
}

fn path(step: &Value) -> String {
    let reference = step["ref"].as_str().and_then(Reference::parse);
    let path = reference.map(|reference| reference.path()).unwrap_or_default();
    match step["subresource"].as_str() {
        Some(subresource) => format!("{path}/{subresource}"),
        None => path,
    }
}

async fn patch(fleet: &mut Fleet, server: &str, step: &Value) -> Result<(), Refusal> {
    let kind = step["type"].as_str().and_then(PatchKind::parse).unwrap_or(PatchKind::Merge);
    fleet.server(server)?.patch(&path(step), kind, &step["patch"]).await.map(drop)
}

async fn set_status(fleet: &mut Fleet, server: &str, step: &Value) -> Result<(), Refusal> {
    let server = fleet.server(server)?;
    let path = path(step);
    let path = path.strip_suffix("/status").unwrap_or(&path);
    let mut patch = step["patch"].clone();
    if step["observedGeneration"] == "current" {
        let object = server.get(path).await?;
        patch["status"]["observedGeneration"] = object["metadata"]["generation"].clone();
    }
    server.patch(&format!("{path}/status"), PatchKind::Merge, &patch).await.map(drop)
}

fn cluster_path(step: &Value) -> String {
    format!("/apis/cluster.karmada.io/v1alpha1/clusters/{}", step["cluster"].as_str().unwrap_or_default())
}

async fn patch_cluster(fleet: &mut Fleet, step: &Value, patch: Value) -> Result<(), Refusal> {
    fleet.server(CONTROL_PLANE)?.patch(&cluster_path(step), PatchKind::Merge, &patch).await.map(drop)
}

async fn set_cluster_condition(fleet: &mut Fleet, step: &Value) -> Result<(), Refusal> {
    let server = fleet.server(CONTROL_PLANE)?;
    let path = cluster_path(step);
    let mut cluster = server.get(&path).await?;
    let condition = json!({
        "type": step["conditionType"], "status": step["status"], "reason": "Manual", "message": "set by hand",
        "lastTransitionTime": jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
    });
    let mut conditions = cluster["status"]["conditions"].as_array().cloned().unwrap_or_default();
    conditions.retain(|known| known["type"] != condition["type"]);
    if !step["status"].is_null() {
        conditions.push(condition);
    }
    cluster["status"]["conditions"] = Value::Array(conditions);
    server.replace(&format!("{path}/status"), &cluster).await.map(drop)
}

/// Returns whether a `wait` condition holds for an object; `None` stands for absent.
pub fn holds(condition: &Value, object: Option<&Value>) -> bool {
    let expected = &condition["value"];
    let Some(path) = condition["path"].as_str() else {
        return match expected.as_str() {
            Some("absent") => object.is_none(),
            _ => object.is_some(),
        };
    };
    let Some(object) = object else { return false };
    let found = path.split('|').try_fold(object.clone(), |value, part| match part {
        "#" => Some(Value::from(value.as_array().map_or(0, Vec::len))),
        _ => match part.split_once('=') {
            Some((name, wanted)) => value.as_array()?.iter().find(|item| item[name] == wanted).cloned(),
            None => match &value {
                Value::Array(items) => items.get(part.parse::<usize>().ok()?).cloned(),
                other => other.get(part).cloned(),
            },
        },
    });
    found.as_ref() == Some(expected)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_the_paths_of_wait_conditions() {
        let object =
            json!({"status": {"conditions": [{"type": "Ready", "status": "True"}]}, "spec": {"replicas": 5}});
        let check = |path: Value, value: Value| holds(&json!({"path": path, "value": value}), Some(&object));
        assert!(check(json!("status|conditions|type=Ready|status"), json!("True")));
        assert!(check(json!("spec|replicas"), json!(5)));
        assert!(check(json!("status|conditions|#"), json!(1)));
        assert!(check(Value::Null, json!("present")));
        assert!(!check(json!("spec|nothing"), json!(1)));
        assert!(holds(&json!({"path": null, "value": "absent"}), None));
    }

    #[test]
    fn compares_refusals_without_the_webhooks_name() {
        let step =
            json!({"results": [{"code": 403, "message": "admission webhook \"x\" denied the request: no"}]});
        let refused = |message: &str| Err(Refusal { code: 403, message: message.into() });
        assert!(check_results(&step, &[refused("admission webhook \"y\" denied the request: no")]).is_ok());
        assert!(check_results(&step, &[refused("yes")]).is_err());
        assert!(check_results(&step, &[Ok(())]).is_err());
    }
}
