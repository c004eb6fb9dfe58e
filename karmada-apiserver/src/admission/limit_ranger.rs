//! LimitRanges: defaults of containers, and bounds of containers, pods and claims.

use serde_json::{Map, Value, json};

use super::plugin::Operation;
use super::pod_resources::{Amounts, Side, amounts, container_amounts, pod_amounts};
use crate::http::failure::Failure;
use crate::registry::{Quantity, Resource};
use crate::store::Store;

const STORAGE: &str = "/limitranges";
const ANNOTATION: &str = "kubernetes.io/limit-ranger";
/// The lists of containers, with what a container of each is called.
const CONTAINERS: [(&str, &str); 2] = [("containers", "container"), ("initContainers", "init container")];

/// Fills in what the containers of a new pod do not ask for.
pub(crate) fn set_defaults(store: &Store, resource: &Resource, namespace: &str, pod: &mut Value) {
    if !resource.group.is_empty() || resource.plural != "pods" {
        return;
    }
    for range in ranges(store, namespace) {
        let (limits, requests) = (defaults(&range, "default"), defaults(&range, "defaultRequest"));
        let mut notes = Vec::new();
        for (list, title) in CONTAINERS {
            let containers = pod["spec"].get_mut(list).and_then(Value::as_array_mut);
            for container in containers.into_iter().flatten() {
                let name = container["name"].as_str().unwrap_or_default().to_owned();
                for (side, values) in [(Side::Requests, &requests), (Side::Limits, &limits)] {
                    let set = fill(container, side, values);
                    if !set.is_empty() {
                        let side = side.key().trim_end_matches('s');
                        notes.push(format!("{} {side} for {title} {name}", set.join(", ")));
                    }
                }
            }
        }
        if !notes.is_empty() {
            let note = format!("LimitRanger plugin set: {}", notes.join("; "));
            let metadata = &mut pod["metadata"];
            if !metadata["annotations"].is_object() {
                metadata["annotations"] = json!({});
            }
            metadata["annotations"][ANNOTATION] = note.into();
        }
    }
}

/// Checks a new pod, or a new or changed claim, against all bounds of its namespace.
///
/// # Errors
/// With what breaks the bounds of one LimitRange.
pub(crate) fn check(
    store: &Store,
    resource: &Resource,
    operation: Operation,
    namespace: &str,
    object: &Value,
) -> Result<(), Failure> {
    let is_pod = resource.plural == "pods" && operation == Operation::Create;
    let is_claim = resource.plural == "persistentvolumeclaims";
    if !resource.group.is_empty() || !(is_pod || is_claim) {
        return Ok(());
    }
    for range in ranges(store, namespace) {
        let mut found: Vec<String> = Vec::new();
        for limit in range["spec"]["limits"].as_array().into_iter().flatten() {
            let bounds = Bounds::read(limit);
            match limit["type"].as_str().unwrap_or_default() {
                "Container" if is_pod => {
                    for (list, _) in CONTAINERS {
                        for container in object["spec"][list].as_array().into_iter().flatten() {
                            let (requests, limits) = (
                                container_amounts(container, Side::Requests),
                                container_amounts(container, Side::Limits),
                            );
                            bounds.check(&requests, &limits, &mut found);
                        }
                    }
                }
                "Pod" if is_pod => {
                    let spec = &object["spec"];
                    bounds.check(
                        &pod_amounts(spec, Side::Requests),
                        &pod_amounts(spec, Side::Limits),
                        &mut found,
                    );
                }
                "PersistentVolumeClaim" if is_claim => {
                    let requests = container_amounts(&object["spec"], Side::Requests);
                    bounds.check_requests(&requests, &mut found);
                }
                _ => {}
            }
        }
        let mut messages: Vec<String> = Vec::new();
        for message in found {
            if !messages.contains(&message) {
                messages.push(message);
            }
        }
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        let why = match messages.as_slice() {
            [] => continue,
            [one] => one.clone(),
            many => format!("[{}]", many.join(", ")),
        };
        return Err(Failure::forbidden(&resource.group, &resource.plural, name, &why));
    }
    Ok(())
}

fn ranges(store: &Store, namespace: &str) -> Vec<Value> {
    let listing = store.list(STORAGE, &format!("{namespace}/"));
    listing.objects.iter().map(|stored| stored.value()).collect()
}

/// Returns the defaults for containers; a later entry of the range wins.
fn defaults(range: &Value, key: &str) -> Map<String, Value> {
    let limits = range["spec"]["limits"].as_array().into_iter().flatten();
    let maps = limits.filter(|limit| limit["type"] == "Container").filter_map(|limit| limit[key].as_object());
    maps.flatten().map(|(name, amount)| (name.clone(), amount.clone())).collect()
}

/// Sets what is absent; returns the names, in order.
fn fill(container: &mut Value, side: Side, values: &Map<String, Value>) -> Vec<String> {
    let mut set = Vec::new();
    for (name, amount) in values {
        let resources = &mut container["resources"];
        if !resources.is_object() {
            *resources = json!({});
        }
        let list = &mut resources[side.key()];
        if !list.is_object() {
            *list = json!({});
        }
        if list[name.as_str()].is_null() {
            list[name.as_str()] = amount.clone();
            set.push(name.clone());
        }
    }
    set
}

/// The bounds of one entry.
struct Bounds<'a> {
    kind: &'a str,
    min: Amounts,
    max: Amounts,
    ratio: Amounts,
}

impl<'a> Bounds<'a> {
    fn read(limit: &'a Value) -> Self {
        Self {
            kind: limit["type"].as_str().unwrap_or_default(),
            min: amounts(limit.get("min")),
            max: amounts(limit.get("max")),
            ratio: amounts(limit.get("maxLimitRequestRatio")),
        }
    }

    fn check(&self, requests: &Amounts, limits: &Amounts, found: &mut Vec<String>) {
        for (name, bound) in &self.min {
            let what = format!("minimum {name} usage per {} is {}", self.kind, bound.canonical());
            let below =
                |amount: Option<&Quantity>| amount.is_some_and(|amount| amount.compare(*bound).is_lt());
            let (request, limit) = (requests.get(name), limits.get(name));
            if request.is_none() {
                found.push(format!("{what}.  No request is specified"));
            } else if below(request) {
                found.push(format!("{what}, but request is {}", shown(request)));
            } else if below(limit) {
                found.push(format!("{what}, but limit is {}", shown(limit)));
            }
        }
        for (name, bound) in &self.max {
            let what = format!("maximum {name} usage per {} is {}", self.kind, bound.canonical());
            let above =
                |amount: Option<&Quantity>| amount.is_some_and(|amount| amount.compare(*bound).is_gt());
            let (request, limit) = (requests.get(name), limits.get(name));
            if limit.is_none() {
                found.push(format!("{what}.  No limit is specified"));
            } else if above(limit) {
                found.push(format!("{what}, but limit is {}", shown(limit)));
            } else if above(request) {
                found.push(format!("{what}, but request is {}", shown(request)));
            }
        }
        for (name, bound) in &self.ratio {
            let what =
                format!("{name} max limit to request ratio per {} is {}", self.kind, bound.canonical());
            let set = |amount: Option<&Quantity>| amount.copied().filter(|amount| !amount.is_zero());
            let Some(request) = set(requests.get(name)) else {
                found.push(format!("{what}, but no request is specified or request is 0"));
                continue;
            };
            let Some(limit) = set(limits.get(name)) else {
                found.push(format!("{what}, but no limit is specified or limit is 0"));
                continue;
            };
            let ratio = limit.as_float() / request.as_float();
            if ratio > bound.as_float() {
                found.push(format!("{what}, but provided ratio is {ratio:.6}"));
            }
        }
    }

    /// Checks what has requests only.
    fn check_requests(&self, requests: &Amounts, found: &mut Vec<String>) {
        for (name, amount) in requests {
            let shown = amount.canonical();
            if let Some(bound) = self.min.get(name).filter(|bound| amount.compare(**bound).is_lt()) {
                let bound = bound.canonical();
                found.push(format!(
                    "minimum {name} usage per {} is {bound}, but request is {shown}",
                    self.kind
                ));
            }
            if let Some(bound) = self.max.get(name).filter(|bound| amount.compare(**bound).is_gt()) {
                let bound = bound.canonical();
                found.push(format!(
                    "maximum {name} usage per {} is {bound}, but request is {shown}",
                    self.kind
                ));
            }
        }
    }
}

fn shown(amount: Option<&Quantity>) -> String {
    amount.map(|amount| amount.canonical()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(limit: &Value, requests: &Value, limits: &Value) -> Vec<String> {
        let mut found = Vec::new();
        Bounds::read(limit).check(&amounts(Some(requests)), &amounts(Some(limits)), &mut found);
        found
    }

    #[test]
    fn names_the_bound_and_what_breaks_it() {
        let limit = json!({"type": "Pod", "min": {"cpu": "100m"}, "max": {"cpu": "2"}, "maxLimitRequestRatio": {"cpu": "2"}});
        assert_eq!(
            found(&limit, &json!({"cpu": "10m"}), &json!({})),
            [
                "minimum cpu usage per Pod is 100m, but request is 10m",
                "maximum cpu usage per Pod is 2.  No limit is specified",
                "cpu max limit to request ratio per Pod is 2, but no limit is specified or limit is 0"
            ]
        );
        assert_eq!(
            found(&limit, &json!({"cpu": "1"}), &json!({"cpu": "2500m"})),
            [
                "maximum cpu usage per Pod is 2, but limit is 2500m",
                "cpu max limit to request ratio per Pod is 2, but provided ratio is 2.500000"
            ]
        );
    }

    #[test]
    fn fills_in_only_what_is_absent() {
        let mut container = json!({"name": "c", "resources": {"limits": {"cpu": "1"}}});
        let values = json!({"cpu": "2", "memory": "1Gi"});
        let set = fill(&mut container, Side::Limits, values.as_object().unwrap());
        assert_eq!((set, &container["resources"]["limits"]["cpu"]), (vec!["memory".to_owned()], &json!("1")));
    }
}
