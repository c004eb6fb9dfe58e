//! From command line words to `spec.placement`.

use serde_json::{Map, Value, json};

/// Which clusters get the objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Targets {
    /// These clusters.
    Names(Vec<String>),
    /// Clusters with these labels, now and later.
    Selector(Value),
    /// All clusters, now and later.
    All,
}

/// How replicas are shared out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Division {
    /// Every cluster gets all replicas.
    Duplicated,
    /// More replicas where there is more room.
    Weighted,
    /// As few clusters as possible.
    Aggregated,
    /// By fixed weights.
    Static(Vec<(String, u32)>),
}

/// Where and how objects are propagated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    pub targets: Targets,
    pub division: Division,
}

/// Words that make no placement.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlacementError {
    #[error("{text:?} is not a label selector: {reason}")]
    Selector { text: String, reason: String },
    #[error("{division:?} is not a way to divide replicas")]
    Division { division: String },
    #[error("static weights are missing")]
    NoWeights,
    #[error("{division} takes no weights")]
    UnexpectedWeights { division: String },
    #[error("{pair:?} is not a cluster and its weight")]
    Weight { pair: String },
    #[error("the cluster {cluster} has a weight but is not one of the clusters chosen with --to")]
    WeightOfOther { cluster: String },
}

impl Division {
    /// Reads the words after `--divide`.
    pub fn parse(words: &[String]) -> Result<Self, PlacementError> {
        let Some((division, rest)) = words.split_first() else { return Ok(Self::Duplicated) };
        let plain = |value| match rest {
            [] => Ok(value),
            _ => Err(PlacementError::UnexpectedWeights { division: division.clone() }),
        };
        match division.as_str() {
            "duplicated" => plain(Self::Duplicated),
            "weighted" => plain(Self::Weighted),
            "aggregated" => plain(Self::Aggregated),
            "static" => {
                let weights: Vec<(String, u32)> = rest
                    .iter()
                    .flat_map(|word| word.split(','))
                    .filter(|pair| !pair.is_empty())
                    .map(|pair| {
                        let invalid = || PlacementError::Weight { pair: pair.to_owned() };
                        let (cluster, weight) = pair.split_once('=').ok_or_else(invalid)?;
                        let weight = weight.parse().ok().filter(|weight| *weight > 0).ok_or_else(invalid)?;
                        if cluster.is_empty() { Err(invalid()) } else { Ok((cluster.to_owned(), weight)) }
                    })
                    .collect::<Result<_, _>>()?;
                if weights.is_empty() { Err(PlacementError::NoWeights) } else { Ok(Self::Static(weights)) }
            }
            _ => Err(PlacementError::Division { division: division.clone() }),
        }
    }
}

impl Placement {
    /// Checks that targets and weights fit together.
    pub fn new(targets: Targets, division: Division) -> Result<Self, PlacementError> {
        if let (Targets::Names(names), Division::Static(weights)) = (&targets, &division)
            && let Some((cluster, _)) = weights.iter().find(|(cluster, _)| !names.contains(cluster))
        {
            return Err(PlacementError::WeightOfOther { cluster: cluster.clone() });
        }
        Ok(Self { targets, division })
    }

    /// Returns `spec.placement` of a policy.
    pub fn to_json(&self) -> Value {
        let mut placement = Map::new();
        match &self.targets {
            Targets::Names(names) => {
                placement.insert("clusterAffinity".to_owned(), json!({ "clusterNames": names }));
            }
            Targets::Selector(selector) => {
                placement.insert("clusterAffinity".to_owned(), json!({ "labelSelector": selector }));
            }
            Targets::All => {}
        }
        let scheduling = match &self.division {
            Division::Duplicated => None,
            Division::Weighted => Some(json!({
                "replicaSchedulingType": "Divided",
                "replicaDivisionPreference": "Weighted",
                "weightPreference": { "dynamicWeight": "AvailableReplicas" },
            })),
            Division::Aggregated => Some(json!({
                "replicaSchedulingType": "Divided",
                "replicaDivisionPreference": "Aggregated",
            })),
            Division::Static(weights) => {
                let list: Vec<Value> = weights
                    .iter()
                    .map(|(cluster, weight)| json!({ "targetCluster": { "clusterNames": [cluster] }, "weight": weight }))
                    .collect();
                Some(json!({
                    "replicaSchedulingType": "Divided",
                    "replicaDivisionPreference": "Weighted",
                    "weightPreference": { "staticWeightList": list },
                }))
            }
        };
        if let Some(scheduling) = scheduling {
            placement.insert("replicaScheduling".to_owned(), scheduling);
        }
        Value::Object(placement)
    }
}

/// Reads `k=v,k!=v,k in (a,b),k notin (a),k,!k` into a LabelSelector.
pub fn parse_selector(text: &str) -> Result<Value, PlacementError> {
    let mut labels = Map::new();
    let mut expressions = Vec::new();
    for requirement in split_requirements(text) {
        let invalid =
            |reason: &str| PlacementError::Selector { text: text.to_owned(), reason: reason.to_owned() };
        let requirement = requirement.trim();
        let mut expression = |key: &str, operator: &str, values: Option<Vec<&str>>| {
            check_key(key).map_err(|reason| invalid(&reason))?;
            let mut expression = json!({ "key": key, "operator": operator });
            if let Some(values) = values {
                expression["values"] = json!(values);
            }
            expressions.push(expression);
            Ok(())
        };
        if requirement.is_empty() {
            return Err(invalid("a requirement is empty"));
        } else if let Some((left, values)) = requirement.split_once('(') {
            let values = values.strip_suffix(')').ok_or_else(|| invalid("a bracket is not closed"))?;
            let values: Vec<&str> =
                values.split(',').map(str::trim).filter(|value| !value.is_empty()).collect();
            if values.is_empty() {
                return Err(invalid("a list of values is empty"));
            }
            match left.split_whitespace().collect::<Vec<_>>()[..] {
                [key, "in"] => expression(key, "In", Some(values))?,
                [key, "notin"] => expression(key, "NotIn", Some(values))?,
                _ => return Err(invalid("'key in (values)' or 'key notin (values)' is expected")),
            }
        } else if let Some((key, value)) = requirement.split_once("!=") {
            expression(key.trim(), "NotIn", Some(vec![value.trim()]))?;
        } else if let Some((key, value)) =
            requirement.split_once("==").or_else(|| requirement.split_once('='))
        {
            let key = key.trim();
            check_key(key).map_err(|reason| invalid(&reason))?;
            labels.insert(key.to_owned(), json!(value.trim()));
        } else if let Some(key) = requirement.strip_prefix('!') {
            expression(key.trim(), "DoesNotExist", None)?;
        } else {
            expression(requirement, "Exists", None)?;
        }
    }
    let mut selector = Map::new();
    if !labels.is_empty() {
        selector.insert("matchLabels".to_owned(), Value::Object(labels));
    }
    if !expressions.is_empty() {
        selector.insert("matchExpressions".to_owned(), Value::Array(expressions));
    }
    Ok(Value::Object(selector))
}

/// Splits at commas outside of brackets.
fn split_requirements(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut depth) = (0, 0_u32);
    for (index, letter) in text.char_indices() {
        match letter {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(&text[start..index]);
                start = index + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

fn check_key(key: &str) -> Result<(), String> {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./".contains(letter);
    if key.is_empty() {
        Err("a key is empty".to_owned())
    } else if !key.chars().all(plain) {
        Err(format!("{key:?} is not a label key"))
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn selectors_are_read_as_kubectl_reads_them() {
        assert_eq!(
            parse_selector("env=prod, tier!=gold,zone in (a, b),!old,new,x notin (y)").unwrap(),
            json!({
                "matchLabels": { "env": "prod" },
                "matchExpressions": [
                    { "key": "tier", "operator": "NotIn", "values": ["gold"] },
                    { "key": "zone", "operator": "In", "values": ["a", "b"] },
                    { "key": "old", "operator": "DoesNotExist" },
                    { "key": "new", "operator": "Exists" },
                    { "key": "x", "operator": "NotIn", "values": ["y"] },
                ],
            })
        );
        for bad in ["", "a=b,,c=d", "a in ()", "a in (b", "a b", "a within (b)", "=x"] {
            assert!(parse_selector(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn division_words_become_replica_scheduling() {
        let json = |text: &str| {
            let division = Division::parse(&words(text))?;
            Placement::new(Targets::All, division).map(|placement| placement.to_json())
        };
        assert_eq!(json("").unwrap(), json!({}));
        assert_eq!(
            json("aggregated").unwrap()["replicaScheduling"]["replicaDivisionPreference"],
            "Aggregated"
        );
        assert_eq!(
            json("weighted").unwrap()["replicaScheduling"]["weightPreference"],
            json!({ "dynamicWeight": "AvailableReplicas" })
        );
        assert_eq!(
            json("static m1=2,m2=1").unwrap()["replicaScheduling"]["weightPreference"]["staticWeightList"][0],
            json!({ "targetCluster": { "clusterNames": ["m1"] }, "weight": 2 })
        );
        assert_eq!(json("static"), Err(PlacementError::NoWeights));
        assert_eq!(
            json("weighted m1=1"),
            Err(PlacementError::UnexpectedWeights { division: "weighted".into() })
        );
        for bad in ["static m1", "static m1=0", "static =1", "static m1=x"] {
            assert!(matches!(json(bad), Err(PlacementError::Weight { .. })), "{bad}");
        }
        assert!(matches!(json("evenly"), Err(PlacementError::Division { .. })));
    }

    #[test]
    fn a_weight_of_a_cluster_that_was_not_chosen_is_refused() {
        let division = Division::Static(vec![("m9".into(), 1)]);
        let error = Placement::new(Targets::Names(vec!["m1".into()]), division).unwrap_err();
        assert_eq!(error, PlacementError::WeightOfOther { cluster: "m9".into() });
    }
}
