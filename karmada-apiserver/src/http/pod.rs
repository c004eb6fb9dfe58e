//! Subresources of pods: binding to a node and eviction.

use axum::response::Response;
use http::StatusCode;
use serde_json::{Value, json};

use super::admit::Request;
use super::body;
use super::call::{Call, object_name};
use super::delete::whole_second;
use super::dispatch::Incoming;
use super::failure::{Cause, Failure};
use super::negotiate;
use super::options::{DeleteOptions, WriteOptions};
use super::respond::{value_response, warn};
use crate::admission::Operation;
use crate::admission::webhook::Reviewing;
use crate::patch::{self, managed_fields};
use crate::registry::Registry;

const BUDGETS: &str = "policy/poddisruptionbudgets";
const REFUSED: &str = "Cannot evict pod as it would violate the pod's disruption budget.";

fn done(call: &Call<'_>, incoming: &Incoming) -> Response {
    let status =
        json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201});
    let encoding = negotiate::error_encoding(&incoming.headers, &incoming.query);
    warn(value_response(StatusCode::CREATED, encoding, &status), &call.warnings)
}

fn read(call: &mut Call<'_>, incoming: &Incoming, kind: &str) -> Result<Value, Failure> {
    call.options = WriteOptions::parse(&incoming.query, &incoming.headers, "CreateOptions")?;
    let format = body::object_format(&incoming.headers, kind, &incoming.body)?;
    let api_version = if kind == "Eviction" { "policy/v1" } else { "v1" };
    let object = body::parse_object(&incoming.body, format, (api_version, kind))?;
    let name = object_name(&object);
    if call.name.is_empty() {
        call.name = name;
    } else if !name.is_empty() && name != call.name {
        return Err(Failure::bad_request(format!("name in URL does not match name in {kind} object")));
    }
    Ok(object)
}

/// Completes what a request about a pod brings: its names, and who owns its fields.
fn own_request(
    call: &Call<'_>,
    object: &mut Value,
    definition: &str,
    (group, version, kind): (&str, &str, &str),
) {
    let api_version = if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
    object["kind"] = kind.into();
    object["apiVersion"] = api_version.clone().into();
    if !object["metadata"].is_object() {
        object["metadata"] = json!({});
    }
    object["metadata"]["name"] = call.name.clone().into();
    object["metadata"]["namespace"] = call.namespace.clone().into();
    let schema = Registry::definition(definition);
    let target = patch::Target {
        schema: &schema,
        api_version: &api_version,
        kind,
        origin: patch::Origin::BuiltIn,
        status_subresource: false,
        subresource: &call.subresource,
    };
    let manager = &call.options.field_manager;
    let update = managed_fields::Update { old: None, manager, target, now: call.now };
    managed_fields::update(object, &update);
}

/// Assigns a pod to a node.
pub(super) async fn bind(call: &mut Call<'_>, incoming: &Incoming) -> Result<Response, Failure> {
    let mut binding = read(call, incoming, "Binding")?;
    let kind = ("", "v1", "Binding");
    own_request(call, &mut binding, "io.k8s.api.core.v1.Binding", kind);
    let request = Request { kind, options: call.options.shown("CreateOptions") };
    call.admit_request(Operation::Create, request, &mut binding).await?;
    let text =
        |pointer: &str| binding.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (kind, node) = (text("/target/kind"), text("/target/name"));
    if !matches!(kind.as_str(), "" | "Node") {
        return Err(Failure::unknown(format!(
            "target.kind: Unsupported value: {kind:?}: supported values: \"Node\", \"<empty>\""
        )));
    }
    if node.is_empty() {
        return Err(Failure::unknown("target.name: Required value"));
    }
    let name = call.name.clone();
    let now = whole_second(call.now);
    let extra: Vec<(String, Value)> = ["labels", "annotations"]
        .iter()
        .filter_map(|key| Some(((*key).to_owned(), binding.pointer(&format!("/metadata/{key}"))?.clone())))
        .collect();
    call.replace_unowned(|old| {
        let refused = |why: String| Failure::conflict("", "pods/binding", &name, &why);
        if old.pointer("/metadata/deletionTimestamp").is_some() {
            return Err(refused(format!("pod {name} is being deleted, cannot be assigned to a host")));
        }
        let assigned = old.pointer("/spec/nodeName").and_then(Value::as_str).unwrap_or_default();
        if !assigned.is_empty() {
            return Err(refused(format!("pod {name} is already assigned to node {assigned:?}")));
        }
        let mut new = old.clone();
        new["spec"]["nodeName"] = node.clone().into();
        for (key, values) in &extra {
            for (entry, value) in values.as_object().into_iter().flatten() {
                new["metadata"][key][entry] = value.clone();
            }
        }
        set_scheduled(&mut new, &now);
        Ok(new)
    })
    .await?;
    Ok(done(call, incoming))
}

fn set_scheduled(pod: &mut Value, now: &str) {
    let condition =
        json!({"type": "PodScheduled", "status": "True", "lastProbeTime": null, "lastTransitionTime": now});
    let Some(status) = pod.get_mut("status").and_then(Value::as_object_mut) else { return };
    let conditions = status.entry("conditions").or_insert_with(|| json!([]));
    if let Some(conditions) = conditions.as_array_mut() {
        conditions.retain(|existing| existing["type"] != "PodScheduled");
        conditions.push(condition);
    }
}

/// Deletes a pod if its disruption budget allows.
pub(super) async fn evict(call: &mut Call<'_>, incoming: &Incoming) -> Result<Response, Failure> {
    let mut eviction = read(call, incoming, "Eviction")?;
    let kind = ("policy", "v1", "Eviction");
    own_request(call, &mut eviction, "io.k8s.api.policy.v1.Eviction", kind);
    let request = Request { kind, options: call.options.shown("CreateOptions") };
    call.admit_request(Operation::Create, request, &mut eviction).await?;
    let options = eviction.get("deleteOptions").cloned().unwrap_or(Value::Null);
    let options = if options.is_null() {
        DeleteOptions::default()
    } else {
        let bytes = serde_json::to_vec(&options).expect("a value is always JSON");
        DeleteOptions::parse(&super::query::Query::default(), &http::HeaderMap::new(), &bytes.into())?
    };
    let pod = call.existing()?;
    let pod = pod.value();
    if needs_budget(&pod) {
        take_from_budget(call, &pod).await?;
    }
    call.subresource.clear();
    // Whoever may evict was asked already.
    call.circumstances.reviewing = Reviewing::Skipped;
    call.options.dry_run |= options.dry_run;
    call.delete(&options).await?;
    Ok(done(call, incoming))
}

/// What has not begun or is over already disrupts nothing.
fn needs_budget(pod: &Value) -> bool {
    let phase = pod.pointer("/status/phase").and_then(Value::as_str).unwrap_or_default();
    !matches!(phase, "Succeeded" | "Failed" | "Pending")
        && pod.pointer("/metadata/deletionTimestamp").is_none()
}

async fn take_from_budget(call: &Call<'_>, pod: &Value) -> Result<(), Failure> {
    let labels = pod.pointer("/metadata/labels").cloned().unwrap_or_else(|| json!({}));
    let budgets: Vec<_> = call
        .server
        .store
        .list(BUDGETS, &format!("{}/", call.namespace))
        .objects
        .into_iter()
        .filter(|budget| budget.value().pointer("/spec/selector").is_some_and(|s| selects(s, &labels)))
        .collect();
    let budget = match budgets.as_slice() {
        [] => return Ok(()),
        [budget] => budget.clone(),
        _ => {
            return Err(Failure::internal(
                "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.",
            ));
        }
    };
    let registry = call.server.registry();
    let Some(resource) = registry.resource("policy", "v1", "poddisruptionbudgets") else {
        return Err(Failure::internal("disruption budgets are not served"));
    };
    let mut update =
        Call::internal(call.server, resource, &call.namespace, budget.name(), &call.options.field_manager);
    "status".clone_into(&mut update.subresource);
    update.options.dry_run = call.options.dry_run;
    let (pod_name, now) = (call.name.clone(), whole_second(call.now));
    let name = budget.name().to_owned();
    update
        .replace(|old| {
            let number = |pointer: &str| old.pointer(pointer).and_then(Value::as_i64).unwrap_or(0);
            let refuse = |message: String, retry: Option<u32>| {
                let mut details = json!({"causes": [{"reason": "DisruptionBudget", "message": message}]});
                if let Some(seconds) = retry {
                    details["retryAfterSeconds"] = seconds.into();
                }
                let mut failure = Failure::too_many_requests(REFUSED, details);
                failure.retry_after = retry;
                failure
            };
            if number("/status/observedGeneration") < number("/metadata/generation") {
                let message = format!("The disruption budget {name} is still being processed by the server.");
                return Err(refuse(message, Some(10)));
            }
            let allowed = number("/status/disruptionsAllowed");
            if allowed <= 0 {
                return Err(refuse(
                    format!(
                        "The disruption budget {name} needs {} healthy pods and has {} currently",
                        number("/status/desiredHealthy"),
                        number("/status/currentHealthy")
                    ),
                    None,
                ));
            }
            let mut new = old.clone();
            new["status"]["disruptionsAllowed"] = (allowed - 1).into();
            new["status"]["disruptedPods"][&pod_name] = now.clone().into();
            Ok(new)
        })
        .await?;
    Ok(())
}

/// Says whether a structured selector selects labels.
pub(crate) fn selects(selector: &Value, labels: &Value) -> bool {
    let label = |key: &str| labels.get(key).and_then(Value::as_str);
    let equal = selector
        .get("matchLabels")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .all(|(key, value)| label(key) == value.as_str());
    let expressions =
        selector.get("matchExpressions").and_then(Value::as_array).into_iter().flatten().all(|e| {
            let found = label(e["key"].as_str().unwrap_or_default());
            let listed = || e["values"].as_array().into_iter().flatten().any(|value| value.as_str() == found);
            match e["operator"].as_str() {
                Some("In") => found.is_some() && listed(),
                Some("NotIn") => found.is_none() || !listed(),
                Some("Exists") => found.is_some(),
                Some("DoesNotExist") => found.is_none(),
                _ => false,
            }
        });
    equal && expressions
}

/// Answers what would need a kubelet: logs, exec, attach, port forwarding, proxy.
pub(super) async fn connect(call: &mut Call<'_>, incoming: &Incoming) -> Result<Response, Failure> {
    if let Some((kind, mut options)) = connect_options(call, &incoming.query) {
        let request = Request { kind: ("", "v1", kind), options: Value::Null };
        call.admit_request(Operation::Connect, request, &mut options).await?;
    }
    let pod = call.existing()?.value();
    let node = pod.pointer("/spec/nodeName").and_then(Value::as_str).unwrap_or_default();
    let unscheduled = node.is_empty();
    match call.subresource.as_str() {
        "log" => {
            let lines = incoming.query.integer("tailLines")?;
            if let Some(lines) = lines.filter(|lines| *lines < 0) {
                let message = format!("Invalid value: {lines}: must be greater than or equal to 0");
                let cause = Cause::new("FieldValueInvalid", "tailLines", message);
                return Err(Failure::invalid("", "PodLogOptions", &call.name, &[cause]));
            }
            let container = incoming.query.text("container");
            let known = ["containers", "initContainers", "ephemeralContainers"].iter().any(|list| {
                let containers = pod["spec"][*list].as_array().into_iter().flatten();
                containers.into_iter().any(|c| c["name"] == container)
            });
            if !container.is_empty() && !known {
                return Err(Failure::bad_request(format!(
                    "container {container} is not valid for pod {}",
                    call.name
                )));
            }
            if unscheduled {
                // There is nothing yet, which is no error.
                let mut response = Response::default();
                *response.status_mut() = StatusCode::NO_CONTENT;
                return Ok(response);
            }
        }
        "proxy" => return Err(Failure::bad_request("address not allowed")),
        _ if unscheduled => {
            return Err(Failure::bad_request(format!("pod {} does not have a host assigned", call.name)));
        }
        // The real server names pods here, too.
        _ if call.server.store.get("/nodes", node).is_none() => {
            return Err(Failure::not_found("", "pods", node));
        }
        _ => {}
    }
    Err(Failure::unavailable("this server runs no pods"))
}

/// Returns the kind and the object that stand for the query of a connection.
///
/// Logs are read, not connected to.
fn connect_options(call: &Call<'_>, query: &super::query::Query) -> Option<(&'static str, Value)> {
    let (kind, flags, texts): (&'static str, &[&str], &[&str]) =
        match (call.resource.plural.as_str(), call.subresource.as_str()) {
            ("pods", "exec") => ("PodExecOptions", &["stdin", "stdout", "stderr", "tty"], &["container"]),
            ("pods", "attach") => ("PodAttachOptions", &["stdin", "stdout", "stderr", "tty"], &["container"]),
            ("pods", "portforward") => ("PodPortForwardOptions", &[], &[]),
            ("pods", "proxy") => ("PodProxyOptions", &[], &["path"]),
            ("services", "proxy") => ("ServiceProxyOptions", &[], &["path"]),
            ("nodes", "proxy") => ("NodeProxyOptions", &[], &["path"]),
            _ => return None,
        };
    let mut options = json!({"kind": kind, "apiVersion": "v1"});
    for flag in flags.iter().filter(|flag| query.flag(flag) == Some(true)) {
        options[*flag] = true.into();
    }
    for text in texts.iter().filter(|text| !query.text(text).is_empty()) {
        options[*text] = query.text(text).into();
    }
    let commands: Vec<&str> = query.all("command").collect();
    if kind == "PodExecOptions" && !commands.is_empty() {
        options["command"] = json!(commands);
    }
    let ports: Vec<i64> = query.all("ports").filter_map(|port| port.parse().ok()).collect();
    if kind == "PodPortForwardOptions" && !ports.is_empty() {
        options["ports"] = json!(ports);
    }
    Some((kind, options))
}

/// Adds ephemeral containers to a pod: the one change of its kind that a running pod allows.
pub(super) async fn add_ephemeral_containers(
    call: &mut Call<'_>,
    incoming: &Incoming,
    verb: &str,
) -> Result<Response, Failure> {
    let saved = if verb == "patch" {
        let patch = super::patch_body::Patch::read(call, &incoming.headers, incoming.body.clone())?;
        call.options = WriteOptions::parse(&incoming.query, &incoming.headers, "PatchOptions")?;
        let schema = call.resource.schema.clone();
        let containers = |old: &Value| patch.on_view(old, &schema);
        set_ephemeral_containers(call, containers).await?
    } else {
        call.options = WriteOptions::parse(&incoming.query, &incoming.headers, "UpdateOptions")?;
        let mut object = super::dispatch::read_object(call, incoming)?;
        super::update::check_names(call, &mut object)?;
        set_ephemeral_containers(call, |_| Ok(object.clone())).await?
    };
    let view = super::dispatch::object_view(call, incoming)?;
    view.object(StatusCode::OK, &saved)
}

async fn set_ephemeral_containers(
    call: &mut Call<'_>,
    wanted: impl Fn(&Value) -> Result<Value, Failure>,
) -> Result<super::respond::Saved, Failure> {
    let name = call.name.clone();
    call.replace(|old| {
        let wanted = wanted(old)?;
        let list =
            |object: &Value| object["spec"]["ephemeralContainers"].as_array().cloned().unwrap_or_default();
        let (before, after) = (list(old), list(&wanted));
        let changed = before.iter().find(|container| {
            after.iter().any(|c| {
                c["name"] == container["name"]
                    && ["image", "command", "args"].iter().any(|k| c[*k] != container[*k])
            })
        });
        if let Some(changed) = changed {
            let message =
                format!("Forbidden: existing ephemeral containers {} may not be changed", changed["name"]);
            let cause = Cause::new("FieldValueForbidden", "spec.ephemeralContainers", message);
            return Err(Failure::invalid("", "Pod", &name, &[cause]));
        }
        let kept = before.iter().all(|container| after.iter().any(|c| c["name"] == container["name"]));
        if !kept {
            let message = "Forbidden: existing ephemeral containers may not be removed";
            let cause = Cause::new("FieldValueForbidden", "spec.ephemeralContainers", message);
            return Err(Failure::invalid("", "Pod", &name, &[cause]));
        }
        let mut new = old.clone();
        if before.len() != after.len() {
            new["spec"]["ephemeralContainers"] = after.into();
            let generation = old["metadata"]["generation"].as_i64().unwrap_or_default() + 1;
            new["metadata"]["generation"] = generation.into();
        }
        Ok(new)
    })
    .await
}
