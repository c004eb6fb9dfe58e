//! Changes of labels and annotations: `key=value` sets, `key-` removes.

use std::collections::BTreeMap;

use karmada_core::object::validation;
use serde_json::{Value, json};

/// The part of the metadata that changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetadataField {
    Labels,
    Annotations,
}

impl MetadataField {
    /// Name of the field.
    pub fn field(self) -> &'static str {
        match self {
            Self::Labels => "labels",
            Self::Annotations => "annotations",
        }
    }

    fn singular(self) -> &'static str {
        match self {
            Self::Labels => "label",
            Self::Annotations => "annotation",
        }
    }
}

/// What changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MetadataChange {
    pub set: BTreeMap<String, String>,
    pub removed: Vec<String>,
}

/// A change that makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MetadataError {
    #[error("at least one {0} update is required")]
    Nothing(&'static str),
    #[error("invalid {what} spec: {argument}")]
    Malformed { what: &'static str, argument: String },
    #[error("invalid label value: {argument:?}: {}", .problems.join("; "))]
    Value { argument: String, problems: Vec<String> },
    #[error("{:?}: invalid {what} key: {}", .key, .problems.join("; "))]
    Key { what: &'static str, key: String, problems: Vec<String> },
    #[error("can not both modify and remove {what} {keys} in the same command")]
    Both { what: &'static str, keys: String },
    #[error("'{key}' already has a value ({value}), and --overwrite is false")]
    Exists { key: String, value: String },
    #[error("--overwrite is false but found the following declared annotation(s): {0}")]
    AnnotationsExist(String),
}

impl MetadataChange {
    /// Splits arguments into those that name objects and those that change something.
    ///
    /// A change has a `=`, or ends with `-` when a name came before.
    pub fn split(arguments: &[String]) -> (Vec<String>, Vec<String>) {
        let is_change =
            |index: usize, argument: &str| argument.contains('=') || (index > 0 && argument.ends_with('-'));
        let first = arguments
            .iter()
            .enumerate()
            .position(|(index, argument)| is_change(index, argument))
            .unwrap_or(arguments.len());
        (arguments[..first].to_vec(), arguments[first..].to_vec())
    }

    /// Reads changes.
    pub fn parse(field: MetadataField, arguments: &[String]) -> Result<Self, MetadataError> {
        let what = field.singular();
        if arguments.is_empty() {
            return Err(MetadataError::Nothing(what));
        }
        let mut change = Self::default();
        for argument in arguments {
            let malformed = || MetadataError::Malformed { what, argument: argument.clone() };
            if let Some((key, value)) = argument.split_once('=') {
                if key.is_empty() {
                    return Err(malformed());
                }
                check_key(what, key)?;
                if field == MetadataField::Labels {
                    let problems = validation::label_value(value);
                    if !problems.is_empty() {
                        return Err(MetadataError::Value { argument: argument.clone(), problems });
                    }
                }
                change.set.insert(key.to_owned(), value.to_owned());
            } else if let Some(key) = argument.strip_suffix('-').filter(|key| !key.is_empty()) {
                check_key(what, key)?;
                change.removed.push(key.to_owned());
            } else {
                return Err(malformed());
            }
        }
        let both: Vec<&str> =
            change.removed.iter().filter(|key| change.set.contains_key(*key)).map(String::as_str).collect();
        if !both.is_empty() {
            return Err(MetadataError::Both { what, keys: both.join(",") });
        }
        Ok(change)
    }

    /// Refuses to change values that are there.
    pub fn check_overwrite(&self, field: MetadataField, object: &Value) -> Result<(), MetadataError> {
        let current = &object["metadata"][field.field()];
        let mut taken = self.set.iter().filter_map(|(key, value)| {
            let now = current[key].as_str()?;
            (field == MetadataField::Annotations || now != value).then(|| (key.clone(), now.to_owned()))
        });
        match field {
            MetadataField::Labels => match taken.next() {
                Some((key, value)) => Err(MetadataError::Exists { key, value }),
                None => Ok(()),
            },
            MetadataField::Annotations => {
                let taken: Vec<String> = taken.map(|(key, value)| format!("{key}={value}")).collect();
                if taken.is_empty() { Ok(()) } else { Err(MetadataError::AnnotationsExist(taken.join("; "))) }
            }
        }
    }

    /// Returns the merge patch.
    pub fn to_patch(&self, field: MetadataField, resource_version: Option<&str>) -> Value {
        let mut fields: BTreeMap<&str, Value> =
            self.set.iter().map(|(key, value)| (key.as_str(), json!(value))).collect();
        fields.extend(self.removed.iter().map(|key| (key.as_str(), Value::Null)));
        let mut metadata = json!({ field.field(): fields });
        if let Some(version) = resource_version {
            metadata["resourceVersion"] = json!(version);
        }
        json!({ "metadata": metadata })
    }
}

fn check_key(what: &'static str, key: &str) -> Result<(), MetadataError> {
    let problems = validation::qualified_name(key);
    if problems.is_empty() { Ok(()) } else { Err(MetadataError::Key { what, key: key.to_owned(), problems }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|&text| text.to_owned()).collect()
    }

    #[test]
    fn names_come_first_and_changes_after_them() {
        assert_eq!(
            MetadataChange::split(&texts(&["cm", "a", "x=y", "z-"])),
            (texts(&["cm", "a"]), texts(&["x=y", "z-"]))
        );
        assert_eq!(MetadataChange::split(&texts(&["x=y"])), (Vec::new(), texts(&["x=y"])));
    }

    #[test]
    fn changes_set_and_remove() {
        let change = MetadataChange::parse(MetadataField::Labels, &texts(&["x=y", "e=", "z-"])).unwrap();
        assert_eq!(
            change.to_patch(MetadataField::Labels, Some("5")),
            json!({"metadata": {"labels": {"x": "y", "e": "", "z": null}, "resourceVersion": "5"}})
        );
        let check = |arguments: &[&str]| {
            MetadataChange::parse(MetadataField::Labels, &texts(arguments)).unwrap_err().to_string()
        };
        assert_eq!(check(&[]), "at least one label update is required");
        assert_eq!(check(&["x"]), "invalid label spec: x");
        assert_eq!(check(&["=x"]), "invalid label spec: =x");
        assert_eq!(check(&["x=1", "x-"]), "can not both modify and remove label x in the same command");
        assert!(check(&["x=ä"]).starts_with("invalid label value: \"x=ä\": "));
    }

    #[test]
    fn values_that_are_there_are_not_overwritten_by_accident() {
        let object = json!({"metadata": {"labels": {"x": "y"}, "annotations": {"n": "1"}}});
        let parse = |field, arguments: &[&str]| MetadataChange::parse(field, &texts(arguments)).unwrap();
        let labels = MetadataField::Labels;
        assert_eq!(
            parse(labels, &["x=z"]).check_overwrite(labels, &object).unwrap_err().to_string(),
            "'x' already has a value (y), and --overwrite is false"
        );
        assert_eq!(parse(labels, &["x=y"]).check_overwrite(labels, &object), Ok(()));
        let annotations = MetadataField::Annotations;
        assert_eq!(
            parse(annotations, &["n=2"]).check_overwrite(annotations, &object).unwrap_err().to_string(),
            "--overwrite is false but found the following declared annotation(s): n=1"
        );
    }
}
