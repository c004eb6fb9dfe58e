//! What expressions of webhooks and admission policies may read.

use std::collections::BTreeMap;

use super::check::Env;
use super::types::Type;

/// What an expression may read besides the request and its objects.
#[derive(Clone, Debug, Default)]
pub(crate) struct AdmissionScope {
    /// The parameters of a policy.
    pub(crate) params: bool,
    /// The variables of a policy that stand before the expression; absent when it has none.
    pub(crate) variables: Option<Vec<(String, Type)>>,
}

/// Returns the variables of an expression that judges a request.
pub(crate) fn admission_environment(scope: &AdmissionScope) -> Env {
    let mut env = Env::default()
        .with("object", Type::Dyn)
        .with("oldObject", Type::Dyn)
        .with("request", request())
        .with("namespaceObject", namespace())
        .with("authorizer", Type::Opaque("kubernetes.authorization.Authorizer"));
    if scope.params {
        env = env.with("params", Type::Dyn);
    }
    if let Some(variables) = &scope.variables {
        env =
            env.with("variables", Type::object("kubernetes.variables", variables.iter().cloned().collect()));
    }
    env
}

fn object(name: &str, fields: &[(&str, Type)]) -> Type {
    let fields: BTreeMap<String, Type> =
        fields.iter().map(|(name, field)| ((*name).to_owned(), field.clone())).collect();
    Type::object(name, fields)
}

fn request() -> Type {
    let texts = |name: &str, fields: &[&str]| {
        object(name, &fields.iter().map(|field| (*field, Type::String)).collect::<Vec<_>>())
    };
    let kind = texts("kubernetes.GroupVersionKind", &["group", "version", "kind"]);
    let resource = texts("kubernetes.GroupVersionResource", &["group", "version", "resource"]);
    let user = object(
        "kubernetes.UserInfo",
        &[
            ("username", Type::String),
            ("uid", Type::String),
            ("groups", Type::list(Type::String)),
            ("extra", Type::map(Type::String, Type::list(Type::String))),
        ],
    );
    object(
        "kubernetes.AdmissionRequest",
        &[
            ("kind", kind.clone()),
            ("resource", resource.clone()),
            ("subResource", Type::String),
            ("requestKind", kind),
            ("requestResource", resource),
            ("requestSubResource", Type::String),
            ("name", Type::String),
            ("namespace", Type::String),
            ("operation", Type::String),
            ("userInfo", user),
            ("dryRun", Type::Bool),
            ("options", Type::Dyn),
        ],
    )
}

fn namespace() -> Type {
    let texts = || Type::map(Type::String, Type::String);
    let metadata = object(
        "kubernetes.NamespaceMetadata",
        &[
            ("name", Type::String),
            ("generateName", Type::String),
            ("namespace", Type::String),
            ("labels", texts()),
            ("annotations", texts()),
            ("UID", Type::String),
            ("creationTimestamp", Type::Timestamp),
            ("deletionGracePeriodSeconds", Type::Int),
            ("deletionTimestamp", Type::Timestamp),
            ("generation", Type::Int),
            ("resourceVersion", Type::String),
            ("finalizers", Type::list(Type::String)),
        ],
    );
    let spec = object("kubernetes.NamespaceSpec", &[("finalizers", Type::list(Type::String))]);
    let status = object("kubernetes.NamespaceStatus", &[("phase", Type::String)]);
    object("kubernetes.Namespace", &[("metadata", metadata), ("spec", spec), ("status", status)])
}
