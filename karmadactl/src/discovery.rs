//! Which kinds a server has, and which of them a user means by `deploy` or `deployments.v1.apps`.

use futures::future::try_join_all;
use http::Request;
use serde_json::Value;

use crate::api_error::ApiError;

const AGGREGATED: &str =
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";

/// A kind a server has.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct ResourceKind {
    pub group: String,
    pub version: String,
    pub kind: String,
    pub plural: String,
    pub singular: String,
    pub short_names: Vec<String>,
    pub categories: Vec<String>,
    pub scope: Scope,
    pub verbs: Vec<String>,
}

/// Whether objects of a kind live in namespaces.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    #[default]
    Namespaced,
    Cluster,
}

impl ResourceKind {
    /// `apps/v1`, or `v1` in the core group.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }

    /// `deployment.apps`, as `-o name` prints it.
    pub fn qualified_singular(&self) -> String {
        let singular =
            if self.singular.is_empty() { self.kind.to_lowercase() } else { self.singular.clone() };
        if self.group.is_empty() { singular } else { format!("{singular}.{}", self.group) }
    }

    /// `deployments.apps`, as error messages name the resource.
    pub fn qualified_plural(&self) -> String {
        if self.group.is_empty() { self.plural.clone() } else { format!("{}.{}", self.plural, self.group) }
    }

    /// Path of the collection, in a namespace when one is given and the kind has namespaces.
    pub fn path(&self, namespace: Option<&str>) -> String {
        let root = if self.group.is_empty() {
            format!("/api/{}", self.version)
        } else {
            format!("/apis/{}/{}", self.group, self.version)
        };
        match (self.scope, namespace) {
            (Scope::Namespaced, Some(namespace)) => format!("{root}/namespaces/{namespace}/{}", self.plural),
            _ => format!("{root}/{}", self.plural),
        }
    }

    /// The kind in the form `kube::Api` wants.
    pub fn api_resource(&self) -> kube::core::ApiResource {
        kube::core::ApiResource {
            group: self.group.clone(),
            version: self.version.clone(),
            api_version: self.api_version(),
            kind: self.kind.clone(),
            plural: self.plural.clone(),
        }
    }

    fn answers_to(&self, name: &str) -> bool {
        self.plural == name
            || self.singular == name
            || self.kind.to_lowercase() == name
            || self.short_names.iter().any(|short| short == name)
    }
}

/// The kinds of a server, preferred versions of a group first.
#[derive(Clone, Debug, Default)]
pub struct Discovery {
    kinds: Vec<ResourceKind>,
}

/// A name that stands for no kind of the server.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("the server doesn't have a resource type {name:?}")]
pub struct UnknownType {
    pub name: String,
}

impl Discovery {
    /// Asks a server what it has.
    ///
    /// One request per root where the server knows aggregated discovery, else one per group.
    pub async fn of(client: &kube::Client) -> Result<Self, ApiError> {
        let mut kinds = Vec::new();
        for root in ["/api", "/apis"] {
            let request =
                Request::get(root).header("Accept", AGGREGATED).body(Vec::new()).map_err(http_error)?;
            let document: Value = client.request(request).await?;
            if document["kind"] == "APIGroupDiscoveryList" {
                kinds.extend(read_aggregated(&document));
            } else {
                kinds.extend(read_one_by_one(client, &document).await?);
            }
        }
        Ok(Self { kinds })
    }

    /// Discovery of these kinds.
    pub fn new(kinds: Vec<ResourceKind>) -> Self {
        Self { kinds }
    }

    /// All kinds, preferred versions of a group first.
    pub fn kinds(&self) -> &[ResourceKind] {
        &self.kinds
    }

    /// Returns the kinds a user means: one, or all of a category such as `all`.
    pub fn find(&self, name: &str) -> Result<Vec<&ResourceKind>, UnknownType> {
        let lower = name.to_lowercase();
        let (plain, rest) = lower.split_once('.').unwrap_or((&lower, ""));
        let found = self
            .listable()
            .filter(|kind| kind.answers_to(plain))
            .find(|kind| rest.is_empty() || matches_group_or_version(kind, rest));
        if let Some(kind) = found {
            return Ok(vec![kind]);
        }
        let mut members: Vec<&ResourceKind> = Vec::new();
        for kind in self.listable().filter(|kind| kind.categories.contains(&lower)) {
            let known = members.iter().any(|known| known.group == kind.group && known.plural == kind.plural);
            if !known {
                members.push(kind);
            }
        }
        if members.is_empty() { Err(UnknownType { name: name.to_owned() }) } else { Ok(members) }
    }

    /// Returns the kind with exactly this API version and kind.
    pub fn kind(&self, api_version: &str, kind: &str) -> Option<&ResourceKind> {
        self.kinds.iter().find(|known| known.kind == kind && known.api_version() == api_version)
    }

    fn listable(&self) -> impl Iterator<Item = &ResourceKind> {
        self.kinds.iter().filter(|kind| kind.verbs.iter().any(|verb| verb == "list" || verb == "get"))
    }
}

/// `rest` of `deployments.v1.apps` is `v1.apps`: a version with a group, a version, or a group (prefix).
fn matches_group_or_version(kind: &ResourceKind, rest: &str) -> bool {
    if let Some((version, group)) = rest.split_once('.')
        && kind.version == version
        && kind.group == group
    {
        return true;
    }
    kind.group == rest
        || (kind.group.is_empty() && kind.version == rest)
        || kind.group.strip_prefix(rest).is_some_and(|tail| tail.starts_with('.'))
}

fn read_aggregated(document: &Value) -> Vec<ResourceKind> {
    let mut kinds = Vec::new();
    for group in items(document, "items") {
        let group_name = text(&group["metadata"], "name");
        for version in items(group, "versions") {
            for resource in items(version, "resources") {
                kinds.push(ResourceKind {
                    group: group_name.clone(),
                    version: text(version, "version"),
                    kind: text(&resource["responseKind"], "kind"),
                    plural: text(resource, "resource"),
                    singular: text(resource, "singularResource"),
                    short_names: texts(resource, "shortNames"),
                    categories: texts(resource, "categories"),
                    scope: scope(resource["scope"] == "Namespaced"),
                    verbs: texts(resource, "verbs"),
                });
            }
        }
    }
    kinds
}

async fn read_one_by_one(client: &kube::Client, document: &Value) -> Result<Vec<ResourceKind>, ApiError> {
    let mut group_versions: Vec<(String, String)> =
        texts(document, "versions").into_iter().map(|version| (String::new(), version)).collect();
    for group in items(document, "groups") {
        let preferred = text(&group["preferredVersion"], "version");
        let mut versions: Vec<String> =
            items(group, "versions").map(|version| text(version, "version")).collect();
        versions.sort_by_key(|version| *version != preferred);
        group_versions.extend(versions.into_iter().map(|version| (text(group, "name"), version)));
    }
    let lists = try_join_all(group_versions.into_iter().map(|(group, version)| async move {
        let path =
            if group.is_empty() { format!("/api/{version}") } else { format!("/apis/{group}/{version}") };
        let request = Request::get(path).body(Vec::new()).map_err(http_error)?;
        match client.request::<Value>(request).await.map_err(ApiError) {
            Ok(list) => Ok(read_list(&group, &version, &list)),
            // An aggregated API whose server is down must not hide the other kinds.
            Err(error) if error.code() == Some(503) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }))
    .await?;
    Ok(lists.into_iter().flatten().collect())
}

fn read_list(group: &str, version: &str, list: &Value) -> Vec<ResourceKind> {
    items(list, "resources")
        .filter(|resource| !text(resource, "name").contains('/'))
        .map(|resource| ResourceKind {
            group: group.to_owned(),
            version: version.to_owned(),
            kind: text(resource, "kind"),
            plural: text(resource, "name"),
            singular: text(resource, "singularName"),
            short_names: texts(resource, "shortNames"),
            categories: texts(resource, "categories"),
            scope: scope(resource["namespaced"] == true),
            verbs: texts(resource, "verbs"),
        })
        .collect()
}

fn scope(namespaced: bool) -> Scope {
    if namespaced { Scope::Namespaced } else { Scope::Cluster }
}

fn items<'a>(value: &'a Value, field: &str) -> impl Iterator<Item = &'a Value> {
    value[field].as_array().into_iter().flatten()
}

fn text(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap_or_default().to_owned()
}

fn texts(value: &Value, field: &str) -> Vec<String> {
    items(value, field).filter_map(Value::as_str).map(str::to_owned).collect()
}

fn http_error(error: http::Error) -> ApiError {
    ApiError(kube::Error::HttpError(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(group: &str, version: &str, kind: &str, short: &str, category: &str) -> ResourceKind {
        ResourceKind {
            group: group.into(),
            version: version.into(),
            kind: kind.into(),
            plural: format!("{}s", kind.to_lowercase()),
            singular: kind.to_lowercase(),
            short_names: vec![short.into()],
            categories: vec![category.into()],
            scope: Scope::Namespaced,
            verbs: vec!["get".into(), "list".into()],
        }
    }

    #[test]
    fn types_are_found_by_every_name_they_have() {
        let discovery = Discovery::new(vec![
            kind("", "v1", "Event", "ev", "all"),
            kind("apps", "v1", "Deployment", "deploy", "all"),
            kind("events.k8s.io", "v1", "Event", "ev", ""),
            kind("apps", "v1beta1", "Deployment", "deploy", "all"),
        ]);
        let found = |name: &str| {
            discovery.find(name).map(|kinds| {
                kinds.iter().map(|kind| format!("{} {}", kind.api_version(), kind.plural)).collect::<Vec<_>>()
            })
        };
        for name in
            ["deploy", "Deployment", "deployments", "deployments.apps", "deployment.v1.apps", "deploy.app"]
        {
            let expected = if name == "deploy.app" {
                Err(UnknownType { name: name.into() })
            } else {
                Ok(vec!["apps/v1 deployments".to_owned()])
            };
            assert_eq!(found(name), expected, "{name}");
        }
        assert_eq!(found("deployments.v1beta1.apps").unwrap(), ["apps/v1beta1 deployments"]);
        assert_eq!(found("events").unwrap(), ["v1 events"]);
        assert_eq!(found("events.v1").unwrap(), ["v1 events"]);
        assert_eq!(found("events.events").unwrap(), ["events.k8s.io/v1 events"]);
        assert_eq!(found("all").unwrap(), ["v1 events", "apps/v1 deployments"]);
    }
}
