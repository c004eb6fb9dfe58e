//! Namespaces, quotas, budgets and priorities.

use clap::{ArgAction, Args};
use karmada_core::object::Quantity;
use serde_json::{Map, Value, json};

use super::run::Described;
use crate::change::parse_flag;
use crate::error::CliError;

/// Create a Namespace
#[derive(Args, Debug)]
pub struct NamespaceArgs {
    /// Name of the Namespace
    #[arg(value_name = "NAME")]
    pub name: String,
}

/// Create a ResourceQuota
#[derive(Args, Debug)]
pub struct QuotaArgs {
    /// Name of the ResourceQuota
    #[arg(value_name = "NAME")]
    pub name: String,

    /// RESOURCE=QUANTITY (can be repeated, or separated by commas)
    #[arg(long, value_name = "RESOURCE=QUANTITY", value_delimiter = ',')]
    pub hard: Vec<String>,

    /// What counts, such as BestEffort (can be repeated, or separated by commas)
    #[arg(long, value_name = "SCOPE", value_delimiter = ',')]
    pub scopes: Vec<String>,
}

/// Create a PodDisruptionBudget
#[derive(Args, Debug)]
pub struct PodDisruptionBudgetArgs {
    /// Name of the PodDisruptionBudget
    #[arg(value_name = "NAME")]
    pub name: String,

    /// Labels of the pods
    #[arg(long, value_name = "SELECTOR")]
    pub selector: String,

    /// Number or percentage that must stay available
    #[arg(long, value_name = "COUNT")]
    pub min_available: Option<String>,

    /// Number or percentage that may be unavailable
    #[arg(long, value_name = "COUNT")]
    pub max_unavailable: Option<String>,
}

/// Create a PriorityClass
#[derive(Args, Debug)]
pub struct PriorityClassArgs {
    /// Name of the PriorityClass
    #[arg(value_name = "NAME")]
    pub name: String,

    /// The priority
    #[arg(long, value_name = "NUMBER", default_value_t = 0, allow_negative_numbers = true)]
    pub value: i32,

    /// Make it the priority of pods that name none
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
        default_value = "false", hide_default_value = true, value_parser = parse_flag, action = ArgAction::Set)]
    pub global_default: bool,

    /// What it is for
    #[arg(long, value_name = "TEXT")]
    pub description: Option<String>,

    /// Whether it may displace others: PreemptLowerPriority or Never
    #[arg(long, value_name = "POLICY", default_value = "PreemptLowerPriority")]
    pub preemption_policy: String,
}

/// Flags that describe no object.
#[derive(Debug, thiserror::Error)]
enum PolicyError {
    #[error("invalid argument syntax {0:?}, expected <resource>=<value>")]
    Hard(String),
    #[error("the quantity in {0:?} is not valid")]
    Quantity(String),
    #[error("exactly one of min-available and max-unavailable must be specified")]
    Budget,
    #[error("invalid number or percentage {0:?}")]
    Count(String),
    #[error("a selector must be specified")]
    NoSelector,
}

impl Described for NamespaceArgs {
    fn object(&self) -> Result<Value, CliError> {
        Ok(json!({
            "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": self.name }, "spec": {}, "status": {},
        }))
    }
}

impl Described for QuotaArgs {
    fn object(&self) -> Result<Value, CliError> {
        let mut spec = json!({});
        let mut hard = Map::new();
        for text in &self.hard {
            let (resource, quantity) = text
                .split_once('=')
                .filter(|(resource, _)| !resource.is_empty())
                .ok_or_else(|| CliError::failed(PolicyError::Hard(text.clone())))?;
            if quantity.parse::<Quantity>().is_err() {
                return Err(CliError::failed(PolicyError::Quantity(text.clone())));
            }
            hard.insert(resource.to_owned(), json!(quantity));
        }
        if !hard.is_empty() {
            spec["hard"] = Value::Object(hard);
        }
        if !self.scopes.is_empty() {
            spec["scopes"] = json!(self.scopes);
        }
        Ok(json!({
            "apiVersion": "v1", "kind": "ResourceQuota", "metadata": { "name": self.name }, "spec": spec, "status": {},
        }))
    }
}

impl Described for PodDisruptionBudgetArgs {
    fn object(&self) -> Result<Value, CliError> {
        if self.selector.trim().is_empty() {
            return Err(CliError::failed(PolicyError::NoSelector));
        }
        let selector = crate::propagate::parse_selector(&self.selector).map_err(CliError::failed)?;
        let mut spec = json!({ "selector": selector });
        match (&self.min_available, &self.max_unavailable) {
            (Some(count), None) => spec["minAvailable"] = parse_count(count).map_err(CliError::failed)?,
            (None, Some(count)) => spec["maxUnavailable"] = parse_count(count).map_err(CliError::failed)?,
            _ => return Err(CliError::failed(PolicyError::Budget)),
        }
        Ok(json!({
            "apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": { "name": self.name },
            "spec": spec, "status": { "currentHealthy": 0, "desiredHealthy": 0, "disruptionsAllowed": 0, "expectedPods": 0 },
        }))
    }
}

impl Described for PriorityClassArgs {
    fn object(&self) -> Result<Value, CliError> {
        let mut object = json!({
            "apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": { "name": self.name },
            "value": self.value, "preemptionPolicy": self.preemption_policy,
        });
        if self.global_default {
            object["globalDefault"] = json!(true);
        }
        if let Some(description) = &self.description {
            object["description"] = json!(description);
        }
        Ok(object)
    }
}

fn parse_count(text: &str) -> Result<Value, PolicyError> {
    let invalid = || PolicyError::Count(text.to_owned());
    match text.strip_suffix('%') {
        Some(percent) => percent.parse::<u32>().map(|_| json!(text)).map_err(|_| invalid()),
        None => text.parse::<u32>().map(|number| json!(number)).map_err(|_| invalid()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quota_lists_what_is_limited() {
        let args = |hard: &str| QuotaArgs { name: "q".into(), hard: vec![hard.into()], scopes: Vec::new() };
        assert_eq!(args("cpu=1").object().unwrap()["spec"], json!({"hard": {"cpu": "1"}}));
        assert!(args("cpu").object().unwrap_err().to_string().contains("expected <resource>=<value>"));
        assert!(args("cpu=x").object().unwrap_err().to_string().contains("quantity"));
    }

    #[test]
    fn a_budget_has_one_bound() {
        let args = |min: Option<&str>, max: Option<&str>| PodDisruptionBudgetArgs {
            name: "b".into(),
            selector: "app=web".into(),
            min_available: min.map(str::to_owned),
            max_unavailable: max.map(str::to_owned),
        };
        assert_eq!(args(Some("1"), None).object().unwrap()["spec"]["minAvailable"], 1);
        assert_eq!(args(None, Some("50%")).object().unwrap()["spec"]["maxUnavailable"], "50%");
        assert!(args(Some("1"), Some("1")).object().is_err());
        assert!(args(Some("x"), None).object().is_err());
    }
}
