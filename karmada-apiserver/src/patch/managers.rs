//! Reading and writing `metadata.managedFields`.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::field_set::FieldSet;
use super::managed_fields::Operation;

/// Updaters an object remembers one by one; the oldest of more share one entry.
pub(super) const MAX_UPDATERS: usize = 10;
/// Name of the entry that the oldest updaters share.
const OLD_UPDATERS: &str = "ancient-changes";

/// Who owns which fields of an object.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Managers {
    /// By [`Identity::key`].
    pub(super) entries: BTreeMap<String, Entry>,
}

/// One manager's fields.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    pub(super) identity: Identity,
    /// When the fields last changed, as written; absent when they were only claimed.
    pub(super) time: Option<String>,
    pub(super) fields: FieldSet,
}

/// What tells managers apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) manager: String,
    pub(super) operation: Operation,
    pub(super) api_version: String,
    pub(super) subresource: String,
}

impl Identity {
    /// Returns the key of the manager. An applier is the same whatever version it applies.
    pub(super) fn key(&self) -> String {
        let text = |text: &str| Value::from(text).to_string();
        // The order of these members decides the order of conflict messages.
        let mut members = vec![
            format!("\"manager\":{}", text(&self.manager)),
            format!("\"operation\":{}", text(self.operation.as_str())),
        ];
        if self.operation == Operation::Update {
            members.push(format!("\"apiVersion\":{}", text(&self.api_version)));
        }
        if !self.subresource.is_empty() {
            members.push(format!("\"subresource\":{}", text(&self.subresource)));
        }
        format!("{{{}}}", members.join(","))
    }

    /// Prints the manager as conflict messages name it.
    pub(super) fn describe(&self) -> String {
        let subresource = match self.subresource.as_str() {
            "" => String::new(),
            subresource => format!(" with subresource {subresource:?}"),
        };
        let version = match self.operation {
            Operation::Apply => String::new(),
            Operation::Update => format!(" using {}", self.api_version),
        };
        format!("{:?}{subresource}{version}", self.manager)
    }
}

impl Managers {
    /// Reads the managers of an object; `None` when an entry cannot be read.
    pub(super) fn of(object: &Value) -> Option<Self> {
        let mut managers = Self::default();
        for entry in object["metadata"]["managedFields"].as_array().into_iter().flatten() {
            let entry = Entry::parse(entry)?;
            managers.entries.insert(entry.identity.key(), entry);
        }
        Some(managers)
    }

    /// Writes the managers to an object; no member is written when there is none.
    pub(super) fn write_to(&self, object: &mut Value) {
        let mut entries: Vec<&Entry> =
            self.entries.values().filter(|entry| !entry.fields.is_empty()).collect();
        entries.sort_by(|a, b| a.order(b));
        let entries: Vec<Value> = entries.into_iter().map(Entry::to_value).collect();
        let Some(object) = object.as_object_mut() else { return };
        let metadata = object.entry("metadata").or_insert_with(|| Value::Object(Map::new()));
        let Some(metadata) = metadata.as_object_mut() else { return };
        if entries.is_empty() {
            metadata.remove("managedFields");
        } else {
            metadata.insert("managedFields".to_owned(), Value::Array(entries));
        }
    }

    /// Takes fields away from a manager.
    pub(super) fn disown(&mut self, key: &str, fields: &FieldSet) {
        if let Some(entry) = self.entries.get_mut(key) {
            entry.fields.remove_all(fields);
            if entry.fields.is_empty() {
                self.entries.remove(key);
            }
        }
    }

    /// Returns the fields that anyone owns.
    pub(super) fn all_fields(&self) -> FieldSet {
        self.entries.values().fold(FieldSet::default(), |all, entry| all.union(&entry.fields))
    }

    /// Merges the oldest updaters into one entry per version when there are too many.
    pub(super) fn cap_updaters(&mut self) {
        let mut updaters: Vec<&Entry> =
            self.entries.values().filter(|entry| entry.identity.operation == Operation::Update).collect();
        let mut count = updaters.len();
        if count <= MAX_UPDATERS {
            return;
        }
        updaters.sort_by(|a, b| a.order(b));
        let oldest_first: Vec<String> = updaters.into_iter().map(|entry| entry.identity.key()).collect();
        let mut first_of_version: BTreeMap<String, String> = BTreeMap::new();
        for key in oldest_first {
            if count <= MAX_UPDATERS {
                break;
            }
            let version = self.entries[&key].identity.api_version.clone();
            let Some(first) = first_of_version.get(&version).cloned() else {
                first_of_version.insert(version, key);
                continue;
            };
            let identity = Identity {
                manager: OLD_UPDATERS.to_owned(),
                operation: Operation::Update,
                api_version: version.clone(),
                subresource: String::new(),
            };
            let bucket = identity.key();
            let (Some(entry), Some(older)) = (self.entries.remove(&key), self.entries.remove(&first)) else {
                continue;
            };
            let fields = older.fields.union(&entry.fields);
            self.entries.insert(bucket.clone(), Entry { identity, time: entry.time, fields });
            first_of_version.insert(version, bucket);
            count -= 1;
        }
    }
}

impl Entry {
    fn parse(entry: &Value) -> Option<Self> {
        let head = Self::head(entry)?;
        let fields = match &entry["fieldsV1"] {
            Value::Null => FieldSet::default(),
            fields => FieldSet::parse(fields)?,
        };
        Some(Self { fields, ..head })
    }

    /// Reads an entry without its fields.
    pub(super) fn head(entry: &Value) -> Option<Self> {
        let text = |name: &str| entry[name].as_str().unwrap_or_default().to_owned();
        let operation = match entry["operation"].as_str()? {
            "Apply" => Operation::Apply,
            "Update" => Operation::Update,
            _ => return None,
        };
        if entry["fieldsType"] != "FieldsV1" {
            return None;
        }
        let identity = Identity {
            manager: text("manager"),
            operation,
            api_version: text("apiVersion"),
            subresource: text("subresource"),
        };
        let time = entry["time"].as_str().map(str::to_owned);
        Some(Self { identity, time, fields: FieldSet::default() })
    }

    fn to_value(&self) -> Value {
        let mut entry = json!({
            "manager": self.identity.manager,
            "operation": self.identity.operation.as_str(),
            "apiVersion": self.identity.api_version,
            "fieldsType": "FieldsV1",
            "fieldsV1": self.fields.to_value(),
        });
        if let Some(time) = &self.time {
            entry["time"] = Value::from(time.as_str());
        }
        if !self.identity.subresource.is_empty() {
            entry["subresource"] = Value::from(self.identity.subresource.as_str());
        }
        entry
    }

    /// Appliers come first, then what is older.
    pub(super) fn order(&self, other: &Self) -> Ordering {
        let seconds = |entry: &Self| {
            let time = entry.time.as_deref().and_then(|time| time.parse::<Timestamp>().ok());
            time.map_or(0, Timestamp::as_second)
        };
        let (a, b) = (&self.identity, &other.identity);
        (a.operation.as_str().cmp(b.operation.as_str()))
            .then_with(|| seconds(self).cmp(&seconds(other)))
            .then_with(|| a.manager.cmp(&b.manager))
            .then_with(|| a.api_version.cmp(&b.api_version))
            .then_with(|| a.subresource.cmp(&b.subresource))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn updater(number: usize) -> Entry {
        let name = format!("m{number:02}");
        Entry {
            identity: Identity {
                manager: name.clone(),
                operation: Operation::Update,
                api_version: "v1".into(),
                subresource: String::new(),
            },
            time: Some(format!("2024-01-01T00:00:{number:02}Z")),
            fields: FieldSet::of_fields(&[&["data", &name]]),
        }
    }

    #[test]
    fn the_oldest_of_too_many_updaters_share_an_entry() {
        let mut managers = Managers::default();
        for number in 0..12 {
            let entry = updater(number);
            managers.entries.insert(entry.identity.key(), entry);
        }
        managers.cap_updaters();
        let mut object = json!({});
        managers.write_to(&mut object);
        let entries = object["metadata"]["managedFields"].as_array().unwrap();
        assert_eq!(entries.len(), 10);
        assert_eq!(
            entries[0],
            json!({
                "manager": "ancient-changes", "operation": "Update", "apiVersion": "v1", "time": "2024-01-01T00:00:02Z",
                "fieldsType": "FieldsV1", "fieldsV1": {"f:data": {"f:m00": {}, "f:m01": {}, "f:m02": {}}},
            })
        );
    }
}
