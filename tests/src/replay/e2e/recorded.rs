//! Recorded objects as a server would hold them: what the recording has names for gets values again.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use serde_json::{Value, json};

use super::archive::Archive;
use super::normalise::Identifiers;

const CLUSTERS: &str = "cluster.karmada.io/clusters";

/// Values for the names of a recording: the same for the same name.
#[derive(Debug)]
pub(super) struct Values {
    /// Uids of objects that are there, by what the recording calls them.
    uids: BTreeMap<String, String>,
    /// When everything happened.
    time: String,
}

impl Values {
    /// Takes the identities of objects that servers hold already.
    pub(super) fn new<'a>(servers: impl Iterator<Item = (&'a str, &'a Archive)>, time: String) -> Self {
        let mut uids = BTreeMap::new();
        for (server, archive) in servers {
            for (_, object) in &archive.objects {
                if let Some(uid) = object["metadata"]["uid"].as_str() {
                    uids.insert(format!("<uid:{server}:{}>", place_of(object)), uid.to_owned());
                }
            }
        }
        Self { uids, time }
    }

    /// Returns a recorded object of a server with values in the place of names, and what a server adds to objects.
    pub(super) fn restore(&self, server: &str, recorded: &Value) -> Value {
        let place = place_of(recorded);
        let own = Own { server, place: &place };
        let mut object = self.value("", recorded, &own);
        let uid = self.uid(&format!("<uid:{server}:{place}>"));
        let time = self.time.as_str();
        object["metadata"]["uid"] = uid.into();
        object["metadata"]["creationTimestamp"] = time.into();
        object
    }

    /// Tells what the values of a recording's names stand for.
    pub(super) fn tell(&self, recorded: &Value, identifiers: &mut Identifiers) {
        match recorded {
            Value::String(text) => {
                if let Some(name) = text.strip_prefix("<uid:").and_then(|rest| rest.strip_suffix('>'))
                    && let Some((server, place)) = name.split_once(':')
                {
                    let uid = self.uid(text);
                    identifiers.note(server, &named(place, |metadata| metadata["uid"] = uid.into()));
                }
            }
            Value::Array(items) => items.iter().for_each(|item| self.tell(item, identifiers)),
            Value::Object(fields) => {
                for (name, value) in fields {
                    if let Some(place) =
                        value.as_str().and_then(|text| text.strip_prefix("<permanent-id:")?.strip_suffix('>'))
                    {
                        let id = made_up(&format!("<permanent-id:{place}>"));
                        identifiers
                            .note("", &named(place, |metadata| metadata["labels"] = json!({name: id})));
                    }
                    self.tell(value, identifiers);
                }
            }
            _ => {}
        }
    }

    fn uid(&self, name: &str) -> String {
        self.uids.get(name).cloned().unwrap_or_else(|| made_up(name))
    }

    fn value(&self, key: &str, recorded: &Value, own: &Own<'_>) -> Value {
        match recorded {
            Value::String(text) if text == "<node-port>" && key != "message" => {
                Value::from(30_000 + own.number() % 2_000)
            }
            Value::String(text) => Value::from(self.text(text, own)),
            Value::Array(items) => items.iter().map(|item| self.value(key, item, own)).collect(),
            Value::Object(fields) => Value::Object(
                fields.iter().map(|(name, value)| (name.clone(), self.value(name, value, own))).collect(),
            ),
            other => other.clone(),
        }
    }

    fn text(&self, text: &str, own: &Own<'_>) -> String {
        let mut written = String::new();
        let mut rest = text;
        while let Some(start) = rest.find('<') {
            written.push_str(&rest[..start]);
            rest = &rest[start..];
            let end = rest.find('>').map_or(rest.len(), |end| end + 1);
            let (name, after) = rest.split_at(end);
            match name {
                "<time>" => written.push_str(&self.time),
                "<cluster-ip>" => written.push_str(&own.address()),
                "<uuid>" => written.push_str(&made_up(own.place)),
                _ if name.starts_with("<uid:") => written.push_str(&self.uid(name)),
                _ if name.starts_with("<permanent-id:") => written.push_str(&made_up(name)),
                _ => written.push_str(name),
            }
            rest = after;
        }
        written + rest
    }
}

/// The object whose values are made up.
struct Own<'a> {
    server: &'a str,
    place: &'a str,
}

impl Own<'_> {
    fn number(&self) -> u64 {
        number_of(&format!("{} {}", self.server, self.place))
    }

    fn address(&self) -> String {
        let number = self.number();
        format!("10.96.{}.{}", 100 + number % 100, 1 + number / 100 % 250)
    }
}

/// Lets a recorded Cluster be where the cluster of this run is, and serve what that serves.
pub(super) fn settle_cluster(recorded: &mut Value, base: &Archive) {
    let name = recorded["metadata"]["name"].as_str().unwrap_or_default();
    let Some(ours) = base.find(CLUSTERS, "", name) else { return };
    for path in ["/spec/apiEndpoint", "/status/apiEnablements", "/metadata/generation"] {
        let value = ours.pointer(path).cloned().unwrap_or_default();
        if let Some((parent, field)) = path.rsplit_once('/')
            && let Some(parent) = recorded.pointer_mut(parent).and_then(Value::as_object_mut)
        {
            parent.insert(field.to_owned(), value);
        }
    }
}

/// Returns how the recording calls an object of a kind: `Kind/namespace/name`.
pub(super) fn place_of(object: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let metadata = &object["metadata"];
    let (kind, namespace, name) =
        (text(&object["kind"]), text(&metadata["namespace"]), text(&metadata["name"]));
    if namespace.is_empty() { format!("{kind}/{name}") } else { format!("{kind}/{namespace}/{name}") }
}

/// An object of which only the place is known.
fn named(place: &str, fill: impl FnOnce(&mut Value)) -> Value {
    let mut parts = place.split('/');
    let kind = parts.next().unwrap_or_default();
    let (namespace, name) = match (parts.next(), parts.next()) {
        (Some(namespace), Some(name)) => (namespace, name),
        (Some(name), None) => ("", name),
        _ => ("", ""),
    };
    let mut metadata = json!({"namespace": namespace, "name": name});
    fill(&mut metadata);
    json!({"kind": kind, "metadata": metadata})
}

fn number_of(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

/// An identifier that a name always leads to.
fn made_up(name: &str) -> String {
    let (high, low) = (number_of(name), number_of(&format!("{name} again")));
    uuid::Builder::from_random_bytes(((u128::from(high) << 64) | u128::from(low)).to_be_bytes())
        .into_uuid()
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_a_recording_get_values_that_lead_back_to_them() {
        let id = "work.karmada.io/permanent-id";
        let recorded = json!({
            "kind": "Work", "metadata": {
                "name": "w", "namespace": "es", "labels": {id: "<permanent-id:Work/es/w>"},
                "ownerReferences": [{"uid": "<uid:control-plane:Namespace/n>"}],
            },
            "spec": {"ip": "<cluster-ip>", "nodePort": "<node-port>"}, "status": {"message": "at <time>"},
        });
        let values = Values::new(std::iter::empty(), "2026-11-21T03:14:30Z".to_owned());
        let object = values.restore("control-plane", &recorded);
        assert!(!object.to_string().contains('<'), "{object}");
        let mut identifiers = Identifiers::default();
        values.tell(&recorded, &mut identifiers);
        assert_eq!(identifiers.normalise(&object), recorded);
        assert_eq!(object, values.restore("control-plane", &recorded));
    }
}
