//! Selectors over labels and fields.

use std::collections::BTreeMap;

use crate::{
    api::{LabelSelector, SelectorRequirement},
    object::validation::{is_label_value, is_qualified_name},
};

/// Requirements that must all hold, checked and ready to be matched many times.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selector {
    requirements: Vec<Requirement>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Requirement {
    key: String,
    test: Test,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Test {
    In(Vec<String>),
    NotIn(Vec<String>),
    Exists,
    DoesNotExist,
    GreaterThan(i64),
    LessThan(i64),
}

/// Why a selector is not valid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SelectorError {
    /// The operator is not known.
    #[error("{operator:?} is not a valid label selector operator")]
    Operator {
        /// What was given.
        operator: String,
    },
    /// The key is no label key.
    #[error("key {key:?} is not a qualified name")]
    Key {
        /// What was given.
        key: String,
    },
    /// A value is no label value.
    #[error("value {value:?} of key {key:?} is not a label value")]
    Value {
        /// The key.
        key: String,
        /// What was given.
        value: String,
    },
    /// The operator does not go with this many values.
    #[error("operator {operator} of key {key:?} does not go with {count} values")]
    ValueCount {
        /// The key.
        key: String,
        /// The operator.
        operator: String,
        /// How many values were given.
        count: usize,
    },
    /// The operator needs an integer.
    #[error("value {value:?} of key {key:?} is not an integer")]
    Integer {
        /// The key.
        key: String,
        /// What was given.
        value: String,
    },
}

impl Selector {
    /// Checks a label selector.
    pub fn from_label_selector(selector: &LabelSelector) -> Result<Self, SelectorError> {
        let exact = selector
            .match_labels
            .iter()
            .map(|(key, value)| requirement(key, "In", std::slice::from_ref(value)));
        let expressions = selector.match_expressions.iter().map(|expression| {
            if matches!(expression.operator.as_str(), "Gt" | "Lt") {
                return Err(SelectorError::Operator { operator: expression.operator.clone() });
            }
            requirement(&expression.key, &expression.operator, &expression.values)
        });
        Ok(Self { requirements: exact.chain(expressions).collect::<Result<_, _>>()? })
    }

    /// Checks requirements on nodes or fields, which also know `Gt` and `Lt`.
    pub fn from_requirements(requirements: &[SelectorRequirement]) -> Result<Self, SelectorError> {
        let checked = requirements
            .iter()
            .map(|expression| requirement(&expression.key, &expression.operator, &expression.values));
        Ok(Self { requirements: checked.collect::<Result<_, _>>()? })
    }

    /// Returns true when the selector selects everything.
    pub fn is_empty(&self) -> bool {
        self.requirements.is_empty()
    }

    /// Returns true when labels fulfil every requirement.
    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        self.matches_with(|key| labels.get(key).map(String::as_str))
    }

    /// Returns true when what `lookup` finds fulfils every requirement.
    pub fn matches_with<'a>(&self, lookup: impl Fn(&str) -> Option<&'a str>) -> bool {
        self.requirements.iter().all(|requirement| requirement.test.holds(lookup(&requirement.key)))
    }
}

impl Test {
    fn holds(&self, value: Option<&str>) -> bool {
        let integer = || value.and_then(|value| value.parse::<i64>().ok());
        match self {
            Self::In(values) => value.is_some_and(|value| values.iter().any(|candidate| candidate == value)),
            Self::NotIn(values) => {
                value.is_none_or(|value| values.iter().all(|candidate| candidate != value))
            }
            Self::Exists => value.is_some(),
            Self::DoesNotExist => value.is_none(),
            Self::GreaterThan(bound) => integer().is_some_and(|number| number > *bound),
            Self::LessThan(bound) => integer().is_some_and(|number| number < *bound),
        }
    }
}

/// Returns true when labels match; a selector that is not valid matches nothing.
pub fn label_selector_matches(selector: &LabelSelector, labels: &BTreeMap<String, String>) -> bool {
    Selector::from_label_selector(selector).is_ok_and(|selector| selector.matches(labels))
}

fn requirement(key: &str, operator: &str, values: &[String]) -> Result<Requirement, SelectorError> {
    let wrong_count = || SelectorError::ValueCount {
        key: key.to_owned(),
        operator: operator.to_owned(),
        count: values.len(),
    };
    if !is_qualified_name(key) {
        return Err(SelectorError::Key { key: key.to_owned() });
    }
    let test = match operator {
        "In" | "NotIn" if values.is_empty() => return Err(wrong_count()),
        "In" => Test::In(values.to_vec()),
        "NotIn" => Test::NotIn(values.to_vec()),
        "Exists" | "DoesNotExist" if !values.is_empty() => return Err(wrong_count()),
        "Exists" => Test::Exists,
        "DoesNotExist" => Test::DoesNotExist,
        "Gt" | "Lt" => {
            let [value] = values else {
                return Err(wrong_count());
            };
            let Ok(bound) = value.parse() else {
                return Err(SelectorError::Integer { key: key.to_owned(), value: value.clone() });
            };
            if operator == "Gt" { Test::GreaterThan(bound) } else { Test::LessThan(bound) }
        }
        other => return Err(SelectorError::Operator { operator: other.to_owned() }),
    };
    if let Some(value) = values.iter().find(|value| !is_label_value(value)) {
        return Err(SelectorError::Value { key: key.to_owned(), value: value.clone() });
    }
    Ok(Requirement { key: key.to_owned(), test })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(selector: serde_json::Value, labels: serde_json::Value, expected: bool) {
        let typed = serde_json::from_value(selector.clone()).unwrap();
        let labels = serde_json::from_value(labels).unwrap();
        assert_eq!(label_selector_matches(&typed, &labels), expected, "{selector}");
    }

    #[test]
    fn the_empty_selector_matches_everything() {
        check(json!({}), json!({}), true);
        check(json!({}), json!({"a": "b"}), true);
    }

    #[test]
    fn not_in_matches_when_the_key_is_absent() {
        check(
            json!({"matchExpressions": [{"key": "a", "operator": "NotIn", "values": ["b"]}]}),
            json!({}),
            true,
        );
        check(
            json!({"matchExpressions": [{"key": "a", "operator": "NotIn", "values": ["b"]}]}),
            json!({"a": "b"}),
            false,
        );
    }

    #[test]
    fn an_invalid_selector_matches_nothing() {
        for expression in [
            json!({"key": "a", "operator": "In"}),
            json!({"key": "a", "operator": "Exists", "values": ["x"]}),
            json!({"key": "a", "operator": "in", "values": ["x"]}),
            json!({"key": "a", "operator": "Gt", "values": ["1"]}),
            json!({"key": "a b", "operator": "DoesNotExist"}),
            json!({"key": "a", "operator": "In", "values": ["b", "x y"]}),
        ] {
            check(json!({"matchExpressions": [expression]}), json!({"a": "b"}), false);
        }
    }

    #[test]
    fn numbers_are_compared_by_value() {
        let over_9 =
            vec![SelectorRequirement { key: "n".into(), operator: "Gt".into(), values: vec!["9".into()] }];
        let selector = Selector::from_requirements(&over_9).unwrap();
        assert!(selector.matches_with(|_| Some("10")));
        assert!(!selector.matches_with(|_| Some("ten")));
        assert!(!selector.matches_with(|_| None));
    }
}
