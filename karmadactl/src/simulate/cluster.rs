//! Clusters in short: `name=m1,region=eu,cpu=100`.

use std::collections::BTreeMap;

use karmada_core::object::{Quantity, QuantityFormat};
use serde_json::{Map, Value, json};

use crate::manifest::closest;

/// The keys that stand alone.
const KEYS: [&str; 9] =
    ["name", "region", "zone", "provider", "cpu", "memory", "pods", "ephemeral-storage", "ready"];
/// The keys that are followed by a name of the user.
const PREFIXES: [&str; 4] = ["label.", "taint.", "resource.", "used."];
const EFFECTS: [&str; 3] = ["NoSchedule", "PreferNoSchedule", "NoExecute"];
/// What a cluster has of a resource that is not given: so much that it limits nothing.
const PLENTY: [(&str, i64); 4] =
    [("cpu", 1_000_000_000), ("memory", 1 << 60), ("pods", 1_000_000_000), ("ephemeral-storage", 1 << 60)];

/// A cluster that was written in short and cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("--cluster {text:?}: {message}")]
pub struct ClusterError {
    pub text: String,
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// Reads `name=m1,region=eu,zone=a,provider=x,cpu=100,memory=200Gi,pods=500,label.k=v,taint.k=v:NoSchedule` as the
/// Cluster that it means: registered, ready, with this room.
///
/// `zone` and everything with a dot can be repeated. A resource that is not given is not limited, extended resources
/// (`resource.nvidia.com/gpu=8`) excepted: there are none of those.
pub fn parse_cluster(text: &str) -> Result<Value, ClusterError> {
    Short::parse(text).map(Short::into_object).map_err(|(message, hint)| ClusterError {
        text: text.to_owned(),
        message,
        hint,
    })
}

type Refusal = (String, Option<String>);

/// What was written.
#[derive(Debug, Default)]
struct Short {
    plain: BTreeMap<&'static str, String>,
    zones: Vec<String>,
    labels: BTreeMap<String, String>,
    taints: Vec<(String, String, String)>,
    allocatable: BTreeMap<String, Quantity>,
    used: BTreeMap<String, Quantity>,
}

impl Short {
    fn parse(text: &str) -> Result<Self, Refusal> {
        let mut short = Self::default();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let Some((key, value)) = part.split_once('=') else {
                return Err((format!("{part:?} is not KEY=VALUE"), Some(example())));
            };
            short.set(key.trim(), value.trim())?;
        }
        match short.plain.get("name") {
            Some(name) => {
                let complaints = karmada_core::object::validation::dns_1123_label(name);
                match complaints.first() {
                    Some(_) => Err((
                        format!("{name:?} cannot be the name of a cluster"),
                        Some("lower-case letters, digits and '-' make a name".to_owned()),
                    )),
                    None => Ok(short),
                }
            }
            None => Err(("it has no name".to_owned(), Some(example()))),
        }
    }

    fn set(&mut self, key: &str, value: &str) -> Result<(), Refusal> {
        if value.is_empty() && !key.starts_with("label.") {
            return Err((format!("{key} has no value"), None));
        }
        if let Some(name) = key.strip_prefix("label.") {
            return set_once(&mut self.labels, key, name, value.to_owned());
        }
        if let Some(name) = key.strip_prefix("taint.") {
            return self.taint(name, value);
        }
        if let Some(name) = key.strip_prefix("used.") {
            return set_once(&mut self.used, key, name, quantity(key, value)?);
        }
        if let Some(name) = key.strip_prefix("resource.") {
            return set_once(&mut self.allocatable, key, name, quantity(key, value)?);
        }
        let Some(known) = KEYS.into_iter().find(|known| *known == key) else {
            return Err(unknown_key(key));
        };
        match known {
            "cpu" | "memory" | "pods" | "ephemeral-storage" => {
                set_once(&mut self.allocatable, key, key, quantity(key, value)?)
            }
            "zone" => {
                self.zones.push(value.to_owned());
                Ok(())
            }
            "ready" if !["true", "false"].contains(&value) => {
                Err((format!("ready is true or false, not {value:?}"), None))
            }
            _ => match self.plain.insert(known, value.to_owned()) {
                Some(_) => Err((format!("{key} is there twice"), None)),
                None => Ok(()),
            },
        }
    }

    fn taint(&mut self, key: &str, text: &str) -> Result<(), Refusal> {
        let (value, effect) = match text.rsplit_once(':') {
            Some(parts) => parts,
            None if EFFECTS.contains(&text) => ("", text),
            None => {
                let hint = format!("taint.{key}={text}:NoSchedule");
                return Err((format!("the taint {key} has no effect"), Some(format!("example: {hint}"))));
            }
        };
        if !EFFECTS.contains(&effect) {
            let hint = match closest(effect, EFFECTS.into_iter()) {
                Some(close) => format!("did you mean {close:?}?"),
                None => format!("effects: {}", EFFECTS.join(", ")),
            };
            return Err((format!("the taint {key} has the unknown effect {effect:?}"), Some(hint)));
        }
        if key.is_empty() {
            return Err((
                "a taint has no key".to_owned(),
                Some("example: taint.dedicated=gpu:NoSchedule".to_owned()),
            ));
        }
        self.taints.push((key.to_owned(), value.to_owned(), effect.to_owned()));
        Ok(())
    }

    fn into_object(self) -> Value {
        let plain = |key: &str| self.plain.get(key).map(String::as_str);
        let is_ready = plain("ready") != Some("false");
        let mut allocatable: BTreeMap<&str, Quantity> = PLENTY
            .into_iter()
            .map(|(name, amount)| (name, Quantity::from_value(amount, QuantityFormat::DecimalSi)))
            .collect();
        allocatable.extend(self.allocatable.iter().map(|(name, amount)| (name.as_str(), *amount)));
        let texts = |amounts: &mut dyn Iterator<Item = (&str, &Quantity)>| -> Map<String, Value> {
            amounts.map(|(name, amount)| (name.to_owned(), amount.to_string().into())).collect()
        };
        let mut summary = json!({
            "allocatable": texts(&mut allocatable.iter().map(|(name, amount)| (*name, amount))),
        });
        if !self.used.is_empty() {
            summary["allocated"] =
                texts(&mut self.used.iter().map(|(name, amount)| (name.as_str(), amount))).into();
        }
        let mut spec = json!({"syncMode": "Push"});
        for field in ["region", "provider"] {
            if let Some(value) = plain(field) {
                spec[field] = value.into();
            }
        }
        if let Some(first) = self.zones.first() {
            spec["zone"] = first.as_str().into();
            spec["zones"] = self.zones.iter().map(String::as_str).collect();
        }
        if !self.taints.is_empty() {
            let taint = |(key, value, effect): &(String, String, String)| {
                let mut taint = json!({"key": key, "effect": effect});
                if !value.is_empty() {
                    taint["value"] = value.as_str().into();
                }
                taint
            };
            spec["taints"] = self.taints.iter().map(taint).collect();
        }
        let mut metadata = json!({"name": plain("name")});
        if !self.labels.is_empty() {
            metadata["labels"] = json!(self.labels);
        }
        let (status, reason) =
            if is_ready { ("True", "ClusterReady") } else { ("False", "ClusterNotReachable") };
        let mut object = json!({
            "apiVersion": "cluster.karmada.io/v1alpha1",
            "kind": "Cluster",
            "metadata": metadata,
            "spec": spec,
            "status": {
                "conditions": [{
                    "type": "Ready", "status": status, "reason": reason, "message": "",
                    "lastTransitionTime": "1970-01-01T00:00:00Z",
                }],
            },
        });
        if let Some(summary) = self.resource_summary() {
            object["status"]["resourceSummary"] = summary;
        }
        object
    }

    /// Returns the room, none when nothing is said about it.
    fn resource_summary(&self) -> Option<Value> {
        if self.allocatable.is_empty() && self.used.is_empty() {
            return None;
        }
        let plenty = |(name, amount): (&str, i64)| {
            (name.to_owned(), Quantity::from_value(amount, QuantityFormat::DecimalSi))
        };
        let mut allocatable: BTreeMap<String, Quantity> = PLENTY.into_iter().map(plenty).collect();
        allocatable.extend(self.allocatable.clone());
        let texts = |amounts: &BTreeMap<String, Quantity>| -> Map<String, Value> {
            amounts.iter().map(|(name, amount)| (name.clone(), amount.to_string().into())).collect()
        };
        let mut summary = json!({"allocatable": texts(&allocatable)});
        if !self.used.is_empty() {
            summary["allocated"] = texts(&self.used).into();
        }
        Some(summary)
    }
}

fn set_once<T>(values: &mut BTreeMap<String, T>, key: &str, name: &str, value: T) -> Result<(), Refusal> {
    if name.is_empty() {
        return Err((format!("{key} has no name behind the dot"), None));
    }
    match values.insert(name.to_owned(), value) {
        Some(_) => Err((format!("{key} is there twice"), None)),
        None => Ok(()),
    }
}

fn quantity(key: &str, text: &str) -> Result<Quantity, Refusal> {
    let quantity: Quantity = text.parse().map_err(|error| {
        (
            format!("{key} is not a quantity: {text:?}: {error}"),
            Some("examples: 100, 1500m, 200Gi".to_owned()),
        )
    })?;
    if quantity.sign() < 0 {
        return Err((format!("{key} is negative: {text}"), None));
    }
    Ok(quantity)
}

fn unknown_key(key: &str) -> Refusal {
    let message = format!("unknown key {key:?}");
    if key.contains('/') {
        return (message, Some(format!("did you mean \"resource.{key}\" or \"label.{key}\"?")));
    }
    let head = key.split_once('.').map_or(key, |(head, _)| head);
    let close = closest(key, KEYS.into_iter()).or_else(|| {
        closest(head, ["label", "taint", "resource", "used"].into_iter()).map(|name| format!("{name}.NAME"))
    });
    let hint = if let Some(close) = close {
        format!("did you mean {close:?}?")
    } else {
        let prefixes: Vec<String> = PREFIXES.iter().map(|prefix| format!("{prefix}NAME")).collect();
        format!("keys: {}, {}", KEYS.join(", "), prefixes.join(", "))
    };
    (message, Some(hint))
}

fn example() -> String {
    "example: --cluster name=m1,region=eu,zone=a,cpu=100,memory=200Gi,pods=500,label.tier=gold".to_owned()
}

#[cfg(test)]
mod tests {
    use karmada_core::api::cluster::Cluster;

    use super::*;

    #[test]
    fn a_cluster_in_short_is_a_ready_cluster_with_room() {
        let text = "name=m1,region=eu,zone=a,zone=b,provider=x,cpu=100,memory=200Gi,pods=500,used.cpu=10,\
                    label.tier=gold,taint.dedicated=gpu:NoSchedule,taint.old=NoExecute,resource.nvidia.com/gpu=8";
        let object = parse_cluster(text).unwrap();
        assert_eq!(
            object["spec"],
            json!({
                "syncMode": "Push", "region": "eu", "provider": "x", "zone": "a", "zones": ["a", "b"],
                "taints": [
                    {"key": "dedicated", "value": "gpu", "effect": "NoSchedule"}, {"key": "old", "effect": "NoExecute"}
                ],
            })
        );
        assert_eq!(
            object["status"]["resourceSummary"],
            json!({
                "allocatable": {
                    "cpu": "100", "memory": "200Gi", "pods": "500", "ephemeral-storage": "1152921504606846976",
                    "nvidia.com/gpu": "8",
                },
                "allocated": {"cpu": "10"},
            })
        );
        let cluster: Cluster = serde_json::from_value(object).unwrap();
        assert!(cluster.is_ready());
        assert_eq!(cluster.metadata.labels.unwrap()["tier"], "gold");
        let cluster: Cluster =
            serde_json::from_value(parse_cluster("name=m1, ready=false").unwrap()).unwrap();
        assert_eq!(cluster.condition_status("Ready"), Some("False"));
    }

    #[test]
    fn a_cluster_of_which_no_room_is_given_says_nothing_about_room() {
        let object = parse_cluster("name=m1,region=eu").unwrap();
        assert!(object["status"].get("resourceSummary").is_none());
    }

    #[test]
    fn mistakes_are_named_with_a_way_out() {
        let error = |text: &str| {
            let error = parse_cluster(text).unwrap_err();
            assert_eq!(error.text, text);
            format!("{} ({})", error.message, error.hint.unwrap_or_default())
        };
        assert_eq!(error("name=m1,regoin=eu"), "unknown key \"regoin\" (did you mean \"region\"?)");
        assert_eq!(error("name=m1,lable.a=b"), "unknown key \"lable.a\" (did you mean \"label.NAME\"?)");
        assert_eq!(
            error("name=m1,nvidia.com/gpu=1"),
            "unknown key \"nvidia.com/gpu\" (did you mean \"resource.nvidia.com/gpu\" or \"label.nvidia.com/gpu\"?)"
        );
        assert!(error("name=m1,x=y").starts_with("unknown key \"x\" (keys: name, region, zone"));
        assert!(error("region=eu").starts_with("it has no name (example: "));
        assert!(error("m1").starts_with("\"m1\" is not KEY=VALUE (example: "));
        assert_eq!(error("name=m1,name=m2"), "name is there twice ()");
        assert_eq!(error("name=m1,cpu=1,cpu=2"), "cpu is there twice ()");
        assert_eq!(
            error("name=m1,cpu=ten"),
            "cpu is not a quantity: \"ten\": quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$' (examples: 100, 1500m, 200Gi)"
        );
        assert_eq!(error("name=m1,cpu=-1"), "cpu is negative: -1 ()");
        assert_eq!(error("name=m1,taint.a=b"), "the taint a has no effect (example: taint.a=b:NoSchedule)");
        assert_eq!(
            error("name=m1,taint.a=b:NoSchedul"),
            "the taint a has the unknown effect \"NoSchedul\" (did you mean \"NoSchedule\"?)"
        );
        assert_eq!(error("name=m1,region="), "region has no value ()");
        assert_eq!(error("name=m1,label.=x"), "label. has no name behind the dot ()");
        assert_eq!(error("name=m1,ready=yes"), "ready is true or false, not \"yes\" ()");
        assert!(error("name=M_1").starts_with("\"M_1\" cannot be the name of a cluster"));
    }
}
