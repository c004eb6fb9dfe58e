//! Reading from the member, creating in the control plane.

use std::sync::Arc;

use karmada_core::api::config::ResourceInterpreterCustomization;
use karmada_core::interpreter::lua::Customizations;
use karmada_core::interpreter::{
    DependentReference, InterpretError, Interpreter, NativeInterpreter, ObjectKind, Operation,
    ResourceInterpreter as _, ThirdPartyInterpreter,
};
use karmada_core::object::Selector;
use serde_json::Value;

use super::plan::{PolicyOptions, TemplateError, policy, template};
use crate::api_error::ApiError;
use crate::change::Writer;
use crate::discovery::{Discovery, ResourceKind, Scope, UnknownType};
use crate::interpret::script_engine;

/// What is promoted, and how.
#[derive(Clone, Debug)]
pub struct PromoteRequest {
    pub type_name: String,
    pub name: String,
    pub namespace: String,
    pub cluster: String,
    /// The policy to make, if one is to be made.
    pub policy: PolicyWish,
    /// Whether what the object needs is promoted, too.
    pub dependencies: bool,
}

/// Whether a policy is made, and how it is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PolicyWish {
    None,
    Derived,
    Named(String),
}

/// What is created for an object.
#[derive(Clone, Debug)]
pub struct Promoted {
    pub kind: ResourceKind,
    /// Absent for what has no namespace.
    pub namespace: Option<String>,
    pub template: Value,
    pub policy: Option<Value>,
    pub dependencies: Vec<Dependency>,
    /// Who told what the object needs.
    pub told_by: ToldBy,
}

/// Who tells what an object needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToldBy {
    /// The rules that every control plane has.
    BuiltInRules,
    /// A customization that is stored in the control plane.
    Customization,
}

/// Something that the object needs.
#[derive(Clone, Debug)]
pub struct Dependency {
    pub kind: ResourceKind,
    pub namespace: Option<String>,
    pub template: Value,
}

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    DependencyCreated { resource: String, label: String },
    DependencyExists { resource: String, label: String },
    TemplateCreated { label: String },
    PolicyCreated { kind: String, label: String },
}

/// An object that was not promoted.
#[derive(Debug, thiserror::Error)]
pub enum PromoteError {
    #[error("failed to get gvr of {0:?} in cluster({1})")]
    UnknownType(String, String, #[source] UnknownType),
    #[error(
        "failed to get resource in cluster({cluster}). err: the {type_name} or {name} don't exist in cluster({cluster})"
    )]
    NotInMember { cluster: String, type_name: String, name: String },
    #[error("failed to get resource in cluster({cluster}). err: {source}")]
    Member { cluster: String, source: ApiError },
    #[error(transparent)]
    Template(#[from] TemplateError),
    #[error("the control plane has no kind {kind} in {api_version}")]
    KindNotInControlPlane { api_version: String, kind: String },
    #[error("the {kind} {label} already exists: choose another name")]
    PolicyExists { kind: String, label: String },
    #[error("cannot tell what the object needs")]
    Dependencies(#[source] InterpretError),
    #[error("failed to create {what}: {source}")]
    Create { what: String, source: ApiError },
    #[error("cannot read the control plane")]
    ControlPlane(#[source] ApiError),
}

impl Promoted {
    /// Reads an object of a member, and says what promoting it creates.
    pub async fn plan(
        control_plane: &Writer,
        member: &Writer,
        request: &PromoteRequest,
    ) -> Result<Self, PromoteError> {
        let of_member = |source| PromoteError::Member { cluster: request.cluster.clone(), source };
        let discovery = Discovery::of(member.client()).await.map_err(of_member)?;
        let kinds = discovery.find(&request.type_name).map_err(|error| {
            PromoteError::UnknownType(request.type_name.clone(), request.cluster.clone(), error)
        })?;
        let Some(kind) = kinds.first().map(|kind| (*kind).clone()) else {
            let error = UnknownType { name: request.type_name.clone() };
            return Err(PromoteError::UnknownType(request.type_name.clone(), request.cluster.clone(), error));
        };
        let namespace = (kind.scope == Scope::Namespaced).then(|| request.namespace.clone());
        let object =
            member.find(&kind, namespace.as_deref(), &request.name).await.map_err(of_member)?.ok_or_else(
                || PromoteError::NotInMember {
                    cluster: request.cluster.clone(),
                    type_name: request.type_name.clone(),
                    name: request.name.clone(),
                },
            )?;
        let name = match &request.policy {
            PolicyWish::Named(name) => Some(name.as_str()),
            _ => None,
        };
        let options = PolicyOptions { name, cluster: &request.cluster, dependencies: request.dependencies };
        let policy = (request.policy != PolicyWish::None)
            .then(|| policy(&kind, namespace.as_deref(), &request.name, &options));
        let (dependencies, told_by) = if request.dependencies {
            dependencies(control_plane, member, &discovery, &object, &request.cluster).await?
        } else {
            (Vec::new(), ToldBy::BuiltInRules)
        };
        Ok(Self { template: template(&object)?, kind, namespace, policy, dependencies, told_by })
    }

    /// `apps/v1, Resource=deployments`, as Go prints it.
    pub fn resource(&self) -> String {
        go_resource(&self.kind)
    }
}

/// Returns whether the control plane has the object already.
async fn exists(
    writer: &Writer,
    kind: &ResourceKind,
    namespace: Option<&str>,
    object: &Value,
) -> Result<bool, PromoteError> {
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    let found = writer.find(kind, namespace, name).await.map_err(PromoteError::ControlPlane)?;
    Ok(found.is_some())
}

/// Creates what a promotion is made of: dependencies, the policy, and the template last.
///
/// Returns false when the template exists: nothing is left to do then, whenever an earlier attempt was cut off. What
/// such an attempt left is taken over. Nothing is created when there is another policy of that name.
pub async fn promote(
    writer: &Writer,
    promoted: &Promoted,
    label: &str,
    mut report: impl FnMut(Step),
) -> Result<bool, PromoteError> {
    let discovery = Discovery::of(writer.client()).await.map_err(PromoteError::ControlPlane)?;
    let namespace = promoted.namespace.as_deref();
    let kind = served(&discovery, &promoted.template)?;
    if exists(writer, kind, namespace, &promoted.template).await? {
        return Ok(false);
    }
    let policy = match &promoted.policy {
        None => None,
        Some(policy) => {
            let policy_kind = served(&discovery, policy)?;
            let namespace = policy["metadata"]["namespace"].as_str();
            let name = policy["metadata"]["name"].as_str().unwrap_or_default();
            let label = namespace.map_or_else(|| name.to_owned(), |namespace| format!("{namespace}/{name}"));
            let found =
                writer.find(policy_kind, namespace, name).await.map_err(PromoteError::ControlPlane)?;
            if found.as_ref().is_some_and(|found| !contains(&found["spec"], &policy["spec"])) {
                return Err(PromoteError::PolicyExists { kind: policy_kind.kind.clone(), label });
            }
            Some((policy, policy_kind, namespace, label, found.is_some()))
        }
    };
    for dependency in &promoted.dependencies {
        let kind = served(&discovery, &dependency.template)?;
        let namespace = dependency.namespace.as_deref();
        let (resource, label) = (go_resource(kind), label_of(namespace, &dependency.template));
        if exists(writer, kind, namespace, &dependency.template).await? {
            report(Step::DependencyExists { resource, label });
            continue;
        }
        create(writer, kind, namespace, &dependency.template, &label).await?;
        report(Step::DependencyCreated { resource, label });
    }
    // A policy without its template does nothing; a template without its policy would pass for promoted.
    if let Some((policy, kind, namespace, label, false)) = &policy {
        create(writer, kind, *namespace, policy, label).await?;
    }
    create(writer, kind, namespace, &promoted.template, label).await?;
    report(Step::TemplateCreated { label: label.to_owned() });
    if let Some((_, kind, _, label, _)) = policy {
        report(Step::PolicyCreated { kind: kind.kind.clone(), label });
    }
    Ok(true)
}

/// Returns whether a document has everything that another one says; servers add defaults.
fn contains(document: &Value, part: &Value) -> bool {
    match (document, part) {
        (Value::Object(document), Value::Object(part)) => {
            part.iter().all(|(key, part)| document.get(key).is_some_and(|found| contains(found, part)))
        }
        (Value::Array(document), Value::Array(part)) => {
            document.len() == part.len()
                && document.iter().zip(part).all(|(found, part)| contains(found, part))
        }
        (document, part) => document == part,
    }
}

async fn create(
    writer: &Writer,
    kind: &ResourceKind,
    namespace: Option<&str>,
    object: &Value,
    label: &str,
) -> Result<(), PromoteError> {
    match writer.create(kind, namespace, object).await {
        Ok(_) => Ok(()),
        Err(source) => Err(PromoteError::Create { what: format!("{} {label}", kind.kind), source }),
    }
}

fn served<'a>(discovery: &'a Discovery, object: &Value) -> Result<&'a ResourceKind, PromoteError> {
    let text = |field: &str| object[field].as_str().unwrap_or_default().to_owned();
    let (api_version, kind) = (text("apiVersion"), text("kind"));
    discovery.kind(&api_version, &kind).ok_or(PromoteError::KindNotInControlPlane { api_version, kind })
}

fn go_resource(kind: &ResourceKind) -> String {
    format!("{}/{}, Resource={}", kind.group, kind.version, kind.plural)
}

fn label_of(namespace: Option<&str>, object: &Value) -> String {
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    namespace.map_or_else(|| name.to_owned(), |namespace| format!("{namespace}/{name}"))
}

/// Reads from the member what an object needs.
async fn dependencies(
    control_plane: &Writer,
    member: &Writer,
    discovery: &Discovery,
    object: &Value,
    cluster: &str,
) -> Result<(Vec<Dependency>, ToldBy), PromoteError> {
    let customizations = customizations(control_plane).await?;
    let told_by = if customizations.hook_enabled(ObjectKind::of(object), Operation::InterpretDependency) {
        ToldBy::Customization
    } else {
        ToldBy::BuiltInRules
    };
    let interpreter = Interpreter::new(vec![
        Arc::new(customizations),
        Arc::new(ThirdPartyInterpreter::default()),
        Arc::new(NativeInterpreter::default()),
    ]);
    let references = match interpreter.dependencies(object) {
        Ok(references) => references,
        // Nobody knows anything that this kind needs.
        Err(InterpretError::NotFound { .. }) => Vec::new(),
        Err(error) => return Err(PromoteError::Dependencies(error)),
    };
    let mut dependencies = Vec::new();
    for reference in references {
        let Some(kind) = discovery.kind(&reference.api_version, &reference.kind) else { continue };
        let namespace = (kind.scope == Scope::Namespaced).then(|| reference.namespace.clone());
        let found = find(member, kind, namespace.as_deref(), &reference)
            .await
            .map_err(|source| PromoteError::Member { cluster: cluster.to_owned(), source })?;
        for object in found {
            dependencies.push(Dependency {
                kind: kind.clone(),
                namespace: namespace.clone(),
                template: template(&object)?,
            });
        }
    }
    Ok((dependencies, told_by))
}

/// Returns the objects that a reference means; one that does not exist is none.
async fn find(
    member: &Writer,
    kind: &ResourceKind,
    namespace: Option<&str>,
    reference: &DependentReference,
) -> Result<Vec<Value>, ApiError> {
    if !reference.name.is_empty() {
        return Ok(member.find(kind, namespace, &reference.name).await?.into_iter().collect());
    }
    let Some(selector) = &reference.label_selector else { return Ok(Vec::new()) };
    let Ok(selector) = Selector::from_label_selector(selector) else { return Ok(Vec::new()) };
    let mut objects = member.list(kind, namespace, None, None).await?;
    objects.retain(|object| selector.matches_with(|key| object["metadata"]["labels"][key].as_str()));
    Ok(objects)
}

/// Returns the customizations that the control plane has.
async fn customizations(control_plane: &Writer) -> Result<Customizations, PromoteError> {
    let kind = ResourceKind {
        group: "config.karmada.io".to_owned(),
        version: "v1alpha1".to_owned(),
        kind: "ResourceInterpreterCustomization".to_owned(),
        plural: "resourceinterpretercustomizations".to_owned(),
        scope: Scope::Cluster,
        ..ResourceKind::default()
    };
    let stored = control_plane.list(&kind, None, None, None).await.map_err(PromoteError::ControlPlane)?;
    // One that cannot be read customizes nothing in the control plane either.
    let customizations: Vec<ResourceInterpreterCustomization> =
        stored.into_iter().filter_map(|object| serde_json::from_value(object).ok()).collect();
    Ok(Customizations::new(Arc::new(script_engine()), customizations.iter()))
}
