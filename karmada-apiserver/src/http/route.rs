//! What a path asks for.

use http::Method;

use super::query::{Plus, Query, decode};
use crate::server::Labels;

/// The parts of a path below `/api/v1` or `/apis/GROUP/VERSION`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) namespace: String,
    /// Plural of the resource.
    pub(crate) resource: String,
    pub(crate) name: String,
    pub(crate) subresource: String,
    /// The old form of a watch: `/api/v1/watch/...`.
    pub(crate) legacy_watch: bool,
}

/// What a request is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    Resource(Target),
    /// Discovery, OpenAPI, health and the like.
    Other(String),
    /// A path below a group and version that names nothing.
    Unknown(Target),
}

impl Route {
    /// Takes a path apart. Never fails: what names nothing is looked up later.
    pub(crate) fn parse(path: &str) -> Self {
        let parts: Vec<&str> = path.strip_prefix('/').unwrap_or(path).split('/').collect();
        let (group, version, rest) = match parts.as_slice() {
            ["api", version, rest @ ..] if !version.is_empty() => ("", *version, rest),
            ["apis", group, version, rest @ ..] if !group.is_empty() && !version.is_empty() => {
                (*group, *version, rest)
            }
            _ => return Self::Other(path.to_owned()),
        };
        // A trailing slash is no part.
        let rest = match rest {
            [rest @ .., ""] => rest,
            rest => rest,
        };
        let mut target = Target { group: group.to_owned(), version: version.to_owned(), ..Target::default() };
        let rest = match rest {
            ["watch", rest @ ..] if !rest.is_empty() => {
                target.legacy_watch = true;
                rest
            }
            rest => rest,
        };
        if rest.is_empty() {
            return Self::Other(path.trim_end_matches('/').to_owned());
        }
        let text = |part: &str| decode(part, Plus::Keep);
        let rest: Vec<String> = rest.iter().map(|part| text(part)).collect();
        let rest: Vec<&str> = rest.iter().map(String::as_str).collect();
        let (namespace, rest): (&str, &[&str]) = match rest.as_slice() {
            // Below a namespace: its own subresources, or a namespaced resource.
            ["namespaces", _] | ["namespaces", _, "status" | "finalize"] => ("", rest.as_slice()),
            ["namespaces", namespace, rest @ ..] => (namespace, rest),
            rest => ("", rest),
        };
        namespace.clone_into(&mut target.namespace);
        match rest {
            [resource] => (*resource).clone_into(&mut target.resource),
            [resource, name] => {
                (*resource).clone_into(&mut target.resource);
                (*name).clone_into(&mut target.name);
            }
            // `proxy` takes the rest of the path, other subresources are one part.
            [resource, name, subresource, rest @ ..] if rest.is_empty() || *subresource == "proxy" => {
                (*resource).clone_into(&mut target.resource);
                (*name).clone_into(&mut target.name);
                (*subresource).clone_into(&mut target.subresource);
            }
            _ => return Self::Unknown(target),
        }
        if target.resource.is_empty() || target.name.contains('/') {
            return Self::Unknown(target);
        }
        Self::Resource(target)
    }
}

impl Target {
    /// Returns what metrics call a request.
    pub(crate) fn labels(&self, verb: &'static str, query: &Query, apply: bool) -> Labels {
        let scope = if !self.name.is_empty() || verb == "create" {
            "resource"
        } else if self.namespace.is_empty() {
            "cluster"
        } else {
            "namespace"
        };
        Labels {
            verb,
            group: self.group.clone(),
            version: self.version.clone(),
            resource: self.resource.clone(),
            subresource: self.subresource.clone(),
            scope,
            dry_run: query.first("dryRun").is_some_and(|value| !value.is_empty()),
            apply,
        }
    }

    /// Returns the verb of a request as authorization and metrics name it.
    pub(crate) fn verb(&self, method: &Method, query: &Query) -> &'static str {
        match method.as_str() {
            "POST" => "create",
            "PUT" => "update",
            "PATCH" => "patch",
            "DELETE" if self.name.is_empty() => "deletecollection",
            "DELETE" => "delete",
            "GET" | "HEAD" if self.legacy_watch => "watch",
            "GET" | "HEAD" if self.name.is_empty() && query.flag("watch").unwrap_or(false) => "watch",
            "GET" | "HEAD" if self.name.is_empty() => "list",
            "GET" | "HEAD" => "get",
            _ => "",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(path: &str) -> (String, String, String, String, String) {
        let Route::Resource(t) = Route::parse(path) else { panic!("{path} names no resource") };
        (t.group, t.namespace, t.resource, t.name, t.subresource)
    }

    fn parts(g: &str, ns: &str, r: &str, n: &str, s: &str) -> (String, String, String, String, String) {
        (g.to_owned(), ns.to_owned(), r.to_owned(), n.to_owned(), s.to_owned())
    }

    #[test]
    fn takes_paths_apart() {
        assert_eq!(target("/api/v1/namespaces"), parts("", "", "namespaces", "", ""));
        assert_eq!(target("/api/v1/namespaces/a/"), parts("", "", "namespaces", "a", ""));
        assert_eq!(target("/api/v1/namespaces/a/status"), parts("", "", "namespaces", "a", "status"));
        assert_eq!(target("/api/v1/namespaces/a/pods/b/log"), parts("", "a", "pods", "b", "log"));
        assert_eq!(target("/apis/apps/v1/deployments"), parts("apps", "", "deployments", "", ""));
        assert_eq!(target("/api/v1/nodes/n/proxy/a/b"), parts("", "", "nodes", "n", "proxy"));
    }

    #[test]
    fn leaves_the_rest_to_others() {
        assert_eq!(Route::parse("/apis/apps"), Route::Other("/apis/apps".to_owned()));
        assert_eq!(Route::parse("/api/v1/"), Route::Other("/api/v1".to_owned()));
        assert!(matches!(Route::parse("/apis/apps/v1/namespaces/d/deployments/x/y/z"), Route::Unknown(_)));
        assert!(matches!(Route::parse("/api/v1//namespaces"), Route::Unknown(_)));
    }
}
