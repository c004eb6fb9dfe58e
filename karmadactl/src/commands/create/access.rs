//! Service accounts, tokens, roles and their bindings.

use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};

use super::super::changes::{OutputArgs, Session};
use super::run::{CommonArgs, Described, create_object};
use crate::change::{DryRun, LocalObject, find_kind};
use crate::context::Context;
use crate::discovery::Discovery;
use crate::duration::parse_duration;
use crate::error::CliError;
use crate::printer::DocumentFormat;

/// Create a ServiceAccount
#[derive(Args, Debug)]
pub struct ServiceAccountArgs {
    /// Name of the ServiceAccount
    #[arg(value_name = "NAME")]
    pub name: String,
}

/// Ask for a token of a ServiceAccount
#[derive(Args, Debug)]
pub struct TokenArgs {
    /// Name of the ServiceAccount
    #[arg(value_name = "SERVICEACCOUNT")]
    pub name: String,

    /// Who is to accept the token (can be repeated)
    #[arg(long, value_name = "AUDIENCE")]
    pub audience: Vec<String>,

    /// How long the token is good for
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub duration: Option<Duration>,

    /// Namespace of the ServiceAccount [default: that of the kubeconfig's context]
    #[arg(short, long, value_name = "NAMESPACE")]
    pub namespace: Option<String>,

    #[command(flatten)]
    pub output: OutputArgs,
}

/// What a role allows.
#[derive(Args, Clone, Debug)]
pub struct RuleArgs {
    /// What may be done, such as get (can be repeated, or separated by commas)
    #[arg(long, value_name = "VERB", value_delimiter = ',')]
    pub verb: Vec<String>,

    /// RESOURCE[.GROUP][/PART] (can be repeated, or separated by commas)
    #[arg(long, value_name = "RESOURCE", value_delimiter = ',')]
    pub resource: Vec<String>,

    /// Name of an object that it is allowed for (can be repeated)
    #[arg(long, value_name = "NAME")]
    pub resource_name: Vec<String>,
}

/// Create a Role
#[derive(Args, Debug)]
pub struct RoleArgs {
    /// Name of the Role
    #[arg(value_name = "NAME")]
    pub name: String,

    #[command(flatten)]
    pub rule: RuleArgs,
}

/// Create a ClusterRole
#[derive(Args, Debug)]
pub struct ClusterRoleArgs {
    /// Name of the ClusterRole
    #[arg(value_name = "NAME")]
    pub name: String,

    #[command(flatten)]
    pub rule: RuleArgs,

    /// Path that is no resource, such as /healthz (can be repeated, or separated by commas)
    #[arg(long, value_name = "PATH", value_delimiter = ',')]
    pub non_resource_url: Vec<String>,

    /// Take the rules of ClusterRoles with these labels
    #[arg(long, value_name = "SELECTOR")]
    pub aggregation_rule: Option<String>,
}

/// Who gets a role.
#[derive(Args, Clone, Debug)]
pub struct SubjectArgs {
    /// User (can be repeated)
    #[arg(long, value_name = "NAME")]
    pub user: Vec<String>,

    /// Group (can be repeated)
    #[arg(long, value_name = "NAME")]
    pub group: Vec<String>,

    /// NAMESPACE:NAME of a ServiceAccount (can be repeated)
    #[arg(long, value_name = "NAMESPACE:NAME")]
    pub serviceaccount: Vec<String>,
}

/// Create a RoleBinding
#[derive(Args, Debug)]
pub struct RoleBindingArgs {
    /// Name of the RoleBinding
    #[arg(value_name = "NAME")]
    pub name: String,

    /// Role to give
    #[arg(long, value_name = "NAME")]
    pub role: Option<String>,

    /// ClusterRole to give
    #[arg(long, value_name = "NAME")]
    pub clusterrole: Option<String>,

    #[command(flatten)]
    pub subjects: SubjectArgs,
}

/// Create a ClusterRoleBinding
#[derive(Args, Debug)]
pub struct ClusterRoleBindingArgs {
    /// Name of the ClusterRoleBinding
    #[arg(value_name = "NAME")]
    pub name: String,

    /// ClusterRole to give
    #[arg(long, value_name = "NAME")]
    pub clusterrole: String,

    #[command(flatten)]
    pub subjects: SubjectArgs,
}

/// Flags that describe no object.
#[derive(Debug, thiserror::Error)]
enum AccessError {
    #[error("at least one verb must be specified")]
    NoVerb,
    #[error("at least one resource must be specified")]
    NoResource,
    #[error("one of nonResourceURL or resource must be specified")]
    NoTarget,
    #[error("the server doesn't have a resource type {0:?}")]
    UnknownResource(String),
    #[error("resourceName can not be applied to multiple resources")]
    NamesOfMany,
    #[error("exactly one of clusterrole or role must be specified")]
    OneRole,
    #[error("serviceaccount must be <namespace>:<name>")]
    ServiceAccount,
    #[error("aggregation rule must be specified without nonResourceURLs, resources or resourceNames")]
    AggregationAndRules,
}

const RBAC: &str = "rbac.authorization.k8s.io";
const RBAC_VERSION: &str = "rbac.authorization.k8s.io/v1";

impl Described for ServiceAccountArgs {
    fn object(&self) -> Result<Value, CliError> {
        Ok(json!({ "apiVersion": "v1", "kind": "ServiceAccount", "metadata": { "name": self.name } }))
    }
}

impl Described for RoleBindingArgs {
    fn object(&self) -> Result<Value, CliError> {
        let (kind, name) = match (&self.role, &self.clusterrole) {
            (Some(role), None) => ("Role", role),
            (None, Some(role)) => ("ClusterRole", role),
            _ => return Err(CliError::failed(AccessError::OneRole)),
        };
        self.subjects.binding("RoleBinding", &self.name, kind, name)
    }
}

impl Described for ClusterRoleBindingArgs {
    fn object(&self) -> Result<Value, CliError> {
        self.subjects.binding("ClusterRoleBinding", &self.name, "ClusterRole", &self.clusterrole)
    }
}

impl SubjectArgs {
    fn binding(&self, kind: &str, name: &str, role_kind: &str, role: &str) -> Result<Value, CliError> {
        let mut subjects: Vec<Value> = Vec::new();
        for (kind, names) in [("User", &self.user), ("Group", &self.group)] {
            subjects.extend(names.iter().map(|name| json!({ "apiGroup": RBAC, "kind": kind, "name": name })));
        }
        for text in &self.serviceaccount {
            let (namespace, name) = text
                .split_once(':')
                .filter(|(namespace, name)| !namespace.is_empty() && !name.is_empty() && !name.contains(':'))
                .ok_or_else(|| CliError::failed(AccessError::ServiceAccount))?;
            subjects.push(json!({ "kind": "ServiceAccount", "name": name, "namespace": namespace }));
        }
        let mut object = json!({
            "apiVersion": RBAC_VERSION, "kind": kind, "metadata": { "name": name },
            "roleRef": { "apiGroup": RBAC, "kind": role_kind, "name": role },
        });
        if !subjects.is_empty() {
            object["subjects"] = json!(subjects);
        }
        Ok(object)
    }
}

impl RuleArgs {
    /// Returns the rules, one per group; `discovery` knows the groups of resources.
    fn rules(&self, discovery: Option<&Discovery>) -> Result<Vec<Value>, AccessError> {
        let verbs: Vec<&str> = if self.verb.iter().any(|verb| verb == "*") {
            vec!["*"]
        } else {
            unique(self.verb.iter().map(String::as_str))
        };
        if verbs.is_empty() {
            return Err(AccessError::NoVerb);
        }
        if self.resource.len() > 1 && !self.resource_name.is_empty() {
            return Err(AccessError::NamesOfMany);
        }
        let mut groups: Vec<(String, Vec<String>)> = Vec::new();
        for text in &self.resource {
            let (name, part) = match text.split_once('/') {
                Some((name, part)) => (name, format!("/{part}")),
                None => (text.as_str(), String::new()),
            };
            let (group, plural) = if name == "*" {
                (String::new(), name.to_owned())
            } else if let Some(discovery) = discovery {
                let kinds =
                    discovery.find(name).map_err(|_| AccessError::UnknownResource(name.to_owned()))?;
                let kind = kinds.first().ok_or_else(|| AccessError::UnknownResource(name.to_owned()))?;
                (kind.group.clone(), kind.plural.clone())
            } else {
                let (plural, group) = name.split_once('.').unwrap_or((name, ""));
                (group.to_owned(), plural.to_owned())
            };
            let resource = plural + &part;
            match groups.iter_mut().find(|(known, _)| *known == group) {
                Some((_, resources)) if resources.contains(&resource) => {}
                Some((_, resources)) => resources.push(resource),
                None => groups.push((group, vec![resource])),
            }
        }
        let names = unique(self.resource_name.iter().map(String::as_str));
        let rule = |(group, resources): (String, Vec<String>)| {
            let mut rule = json!({ "apiGroups": [group], "resources": resources, "verbs": verbs });
            if !names.is_empty() {
                rule["resourceNames"] = json!(names);
            }
            rule
        };
        Ok(groups.into_iter().map(rule).collect())
    }
}

fn unique<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut unique = Vec::new();
    for text in texts.filter(|text| !text.is_empty()) {
        if !unique.contains(&text) {
            unique.push(text);
        }
    }
    unique
}

/// Creates a Role.
pub(super) async fn create_role(
    args: &RoleArgs,
    common: &CommonArgs,
    context: &Context,
) -> Result<(), CliError> {
    if args.rule.resource.is_empty() {
        return Err(CliError::failed(AccessError::NoResource));
    }
    let discovery = discover(context, common).await?;
    let rules = args.rule.rules(Some(&discovery)).map_err(CliError::failed)?;
    let object = json!({
        "apiVersion": RBAC_VERSION, "kind": "Role", "metadata": { "name": args.name }, "rules": rules,
    });
    create_object(object, common, context).await
}

/// Creates a ClusterRole.
pub(super) async fn create_cluster_role(
    args: &ClusterRoleArgs,
    common: &CommonArgs,
    context: &Context,
) -> Result<(), CliError> {
    let rule = &args.rule;
    let mut object =
        json!({ "apiVersion": RBAC_VERSION, "kind": "ClusterRole", "metadata": { "name": args.name } });
    if let Some(selector) = &args.aggregation_rule {
        let has_rules =
            !(rule.resource.is_empty() && rule.resource_name.is_empty() && args.non_resource_url.is_empty());
        if has_rules {
            return Err(CliError::failed(AccessError::AggregationAndRules));
        }
        let selector = crate::propagate::parse_selector(selector).map_err(CliError::failed)?;
        object["aggregationRule"] = json!({ "clusterRoleSelectors": [selector] });
        object["rules"] = json!([]);
        return create_object(object, common, context).await;
    }
    if rule.resource.is_empty() && args.non_resource_url.is_empty() {
        return Err(CliError::failed(AccessError::NoTarget));
    }
    let discovery = if rule.resource.is_empty() { None } else { Some(discover(context, common).await?) };
    let mut rules = rule.rules(discovery.as_ref()).map_err(CliError::failed)?;
    if !args.non_resource_url.is_empty() {
        rules.push(json!({ "nonResourceURLs": args.non_resource_url, "verbs": rule.verb }));
    }
    object["rules"] = json!(rules);
    create_object(object, common, context).await
}

/// Asks for a token and prints it.
pub(super) async fn create_token(args: &TokenArgs, context: &Context) -> Result<(), CliError> {
    let session = Session::start(context, "kubectl-create", DryRun::None).await?;
    let account = json!({ "apiVersion": "v1", "kind": "ServiceAccount", "metadata": { "name": args.name } });
    let local = LocalObject { origin: "flags".to_owned(), object: account };
    let default_namespace = session.control_plane.namespace.clone();
    let kind = find_kind(&session.discovery, &local, &default_namespace).map_err(CliError::failed)?;
    let mut spec = json!({});
    if !args.audience.is_empty() {
        spec["audiences"] = json!(args.audience);
    }
    if let Some(duration) = args.duration {
        spec["expirationSeconds"] = json!(duration.as_secs());
    }
    let request = json!({
        "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "metadata": {}, "spec": spec,
    });
    let namespace = args.namespace.as_deref().unwrap_or(&default_namespace);
    let answer = session.writer.create_part(kind, Some(namespace), &args.name, "token", &request).await?;
    let format: Option<DocumentFormat> = args.output.output.and_then(crate::change::ChangeFormat::document);
    match format {
        Some(format) => context.printer.document(&answer, format),
        None => context.printer.line(answer["status"]["token"].as_str().unwrap_or_default()),
    }
}

/// Asks the server what it has: only it knows the groups of resources.
async fn discover(context: &Context, common: &CommonArgs) -> Result<Discovery, CliError> {
    Ok(Session::start(context, &common.field_manager, DryRun::None).await?.discovery)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(verbs: &str, resources: &str, names: &str) -> RuleArgs {
        let texts = |text: &str| {
            text.split(',').filter(|text| !text.is_empty()).map(str::to_owned).collect::<Vec<_>>()
        };
        RuleArgs { verb: texts(verbs), resource: texts(resources), resource_name: texts(names) }
    }

    #[test]
    fn resources_of_a_group_share_a_rule() {
        let rules = rule("get,list,get", "pods,pods/log,deployments.apps", "").rules(None).unwrap();
        assert_eq!(
            rules,
            [
                json!({"apiGroups": [""], "resources": ["pods", "pods/log"], "verbs": ["get", "list"]}),
                json!({"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get", "list"]}),
            ]
        );
        let error = |rule: RuleArgs| rule.rules(None).unwrap_err().to_string();
        assert_eq!(error(rule("", "pods", "")), "at least one verb must be specified");
        assert_eq!(
            error(rule("get", "pods,services", "a")),
            "resourceName can not be applied to multiple resources"
        );
    }

    #[test]
    fn subjects_are_users_groups_and_accounts() {
        let subjects =
            SubjectArgs { user: vec!["u".into()], group: Vec::new(), serviceaccount: vec!["n:a".into()] };
        let object = subjects.binding("RoleBinding", "b", "Role", "r").unwrap();
        assert_eq!(
            object["subjects"],
            json!([
                {"apiGroup": RBAC, "kind": "User", "name": "u"},
                {"kind": "ServiceAccount", "name": "a", "namespace": "n"},
            ])
        );
        let subjects = SubjectArgs { serviceaccount: vec!["a".into()], ..subjects };
        assert_eq!(
            subjects.binding("RoleBinding", "b", "Role", "r").unwrap_err().to_string(),
            "serviceaccount must be <namespace>:<name>"
        );
    }
}
