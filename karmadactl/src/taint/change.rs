//! What becomes of a list of taints.

use serde_json::{Value, json};

use super::{TaintChange, TaintSpec};

/// What was done to a cluster's taints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaintOutcome {
    Tainted,
    Untainted,
    Modified,
}

impl TaintOutcome {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Tainted => "tainted",
            Self::Untainted => "untainted",
            Self::Modified => "modified",
        }
    }
}

/// Taints that cannot be changed so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TaintError {
    #[error("cluster {cluster} already has {keys} taint(s) with same effect(s) and --overwrite is false")]
    Exists { cluster: String, keys: String },
    #[error("{}", .0.join("\nerror: "))]
    NotFound(Vec<String>),
}

/// What happens to a taint that is there with another value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    Refused,
    Overwritten,
}

/// Returns the taints of a cluster after a change, new ones first, and what was done.
pub fn change_taints(
    cluster: &str,
    current: &[Value],
    change: &TaintChange,
    existing: Existing,
) -> Result<(Vec<Value>, TaintOutcome), TaintError> {
    let is = |taint: &Value, spec: &TaintSpec| {
        taint["key"] == spec.key.as_str() && taint["effect"] == spec.effect.as_str()
    };
    let taken: Vec<&str> = change
        .added
        .iter()
        .filter(|added| current.iter().any(|taint| is(taint, added)))
        .map(|added| added.key.as_str())
        .collect();
    if existing == Existing::Refused && !taken.is_empty() {
        return Err(TaintError::Exists { cluster: cluster.to_owned(), keys: taken.join(",") });
    }
    let mut taints: Vec<Value> = change.added.iter().map(to_json).collect();
    let kept = current.iter().filter(|taint| !change.added.iter().any(|added| is(taint, added)));
    taints.extend(kept.cloned());
    let is_longer = taints.len() != current.len();
    let mut missing = Vec::new();
    let mut is_removed = false;
    for removed in &change.removed {
        let before = taints.len();
        taints.retain(|taint| {
            let text = |field: &str| taint[field].as_str().unwrap_or_default();
            !removed.means(text("key"), text("effect"))
        });
        if taints.len() == before {
            missing.push(format!("taint \"{removed}\" not found"));
        }
        is_removed = true;
    }
    if !missing.is_empty() {
        return Err(TaintError::NotFound(missing));
    }
    let outcome = match (is_longer, is_removed) {
        _ if existing == Existing::Overwritten => TaintOutcome::Modified,
        (true, true) => TaintOutcome::Modified,
        (true, false) => TaintOutcome::Tainted,
        (false, _) => TaintOutcome::Untainted,
    };
    Ok((taints, outcome))
}

fn to_json(spec: &TaintSpec) -> Value {
    let mut taint = json!({ "key": spec.key, "effect": spec.effect });
    if !spec.value.is_empty() {
        taint["value"] = json!(spec.value);
    }
    taint
}

#[cfg(test)]
mod tests {
    use super::super::parse_changes;
    use super::*;

    fn check(current: Value, specs: &str, existing: Existing) -> Result<(Value, TaintOutcome), String> {
        let specs: Vec<String> = specs.split(' ').map(str::to_owned).collect();
        let current = current.as_array().unwrap().clone();
        change_taints("m1", &current, &parse_changes(&specs).unwrap(), existing)
            .map(|(taints, outcome)| (Value::Array(taints), outcome))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn new_taints_come_first() {
        let foo = json!({"key": "foo", "value": "bar", "effect": "NoSchedule"});
        assert_eq!(
            check(json!([foo]), "two:NoExecute three=x:NoSchedule", Existing::Refused).unwrap(),
            (
                json!([
                    {"key": "two", "effect": "NoExecute"}, {"key": "three", "value": "x", "effect": "NoSchedule"}, foo,
                ]),
                TaintOutcome::Tainted
            )
        );
    }

    #[test]
    fn values_change_only_when_told_to() {
        let foo = |value: &str| json!({"key": "foo", "value": value, "effect": "NoSchedule"});
        assert_eq!(
            check(json!([foo("bar")]), "foo=baz:NoSchedule", Existing::Refused).unwrap_err(),
            "cluster m1 already has foo taint(s) with same effect(s) and --overwrite is false"
        );
        assert_eq!(
            check(json!([foo("bar")]), "foo=baz:NoSchedule", Existing::Overwritten).unwrap(),
            (json!([foo("baz")]), TaintOutcome::Modified)
        );
    }

    #[test]
    fn only_taints_that_are_there_are_removed() {
        let both = json!([{"key": "a", "effect": "NoSchedule"}, {"key": "a", "effect": "NoExecute"}]);
        assert_eq!(
            check(both.clone(), "a-", Existing::Refused).unwrap(),
            (json!([]), TaintOutcome::Untainted)
        );
        assert_eq!(
            check(both.clone(), "a:NoExecute-", Existing::Refused).unwrap(),
            (json!([{"key": "a", "effect": "NoSchedule"}]), TaintOutcome::Untainted)
        );
        assert_eq!(check(both, "zz-", Existing::Refused).unwrap_err(), "taint \"zz\" not found");
    }
}
