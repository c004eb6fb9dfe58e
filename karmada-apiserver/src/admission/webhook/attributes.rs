//! What admission knows of a request besides its objects.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::admission::Operation;
use crate::auth::{Access, UserInfo};
use crate::cel::Authorization;
use crate::registry::{Registry, Resource};
use crate::server::Inner;

/// A kind with its group and version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kind {
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) name: String,
}

/// Whether webhooks and policies are asked about a write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Reviewing {
    #[default]
    Asked,
    /// The server's own writes, which have to succeed before there are any webhooks to ask.
    Skipped,
}

/// What reviews say of a request besides its objects, and what they answered.
#[derive(Clone, Debug, Default)]
pub(crate) struct Circumstances {
    pub(crate) reviewing: Reviewing,
    /// The options of a deletion as reviews show them.
    pub(crate) delete_options: Option<Value>,
    /// The request is about a collection: reviews of its objects name none.
    pub(crate) collection: bool,
    /// The name that a creation asked for, before anything changed it.
    pub(crate) asked_name: Option<String>,
    /// Audit annotations of webhooks and policies.
    pub(crate) annotations: BTreeMap<String, String>,
}

/// A request that asks for admission.
#[derive(Debug)]
pub(crate) struct Attributes<'a> {
    pub(crate) server: &'a Inner,
    pub(crate) registry: &'a Registry,
    pub(crate) resource: &'a Arc<Resource>,
    pub(crate) subresource: &'a str,
    /// The kind of the object in the request, which a subresource may have of its own.
    pub(crate) kind: Kind,
    pub(crate) operation: Operation,
    /// Empty for cluster scope; a Namespace is in itself.
    pub(crate) namespace: &'a str,
    /// Empty while a generated name is not known, and in collections.
    pub(crate) name: &'a str,
    pub(crate) user: &'a UserInfo,
    pub(crate) dry_run: bool,
    /// The options of the request, null when it has none.
    pub(crate) options: Value,
}

impl Kind {
    pub(crate) fn of(resource: &Resource) -> Self {
        Self { group: resource.group.clone(), version: resource.version.clone(), name: resource.kind.clone() }
    }

    pub(crate) fn value(&self) -> Value {
        json!({"group": self.group, "version": self.version, "kind": self.name})
    }
}

impl Operation {
    /// Returns the word that rules and reviews use.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Create => "CREATE",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
            Self::Connect => "CONNECT",
        }
    }
}

impl Attributes<'_> {
    /// Returns what expressions ask about the rights of the caller.
    pub(crate) fn authorizer(&self) -> Authorization {
        let request = Access {
            group: self.resource.group.clone(),
            resource: self.resource.plural.clone(),
            subresource: self.subresource.to_owned(),
            namespace: self.namespace.to_owned(),
            name: self.name.to_owned(),
            ..Access::default()
        };
        Authorization::new(self.server.rules.clone(), self.user.clone(), request)
    }

    /// Whether the request is about a Namespace or a part of one.
    pub(crate) fn is_namespace(&self) -> bool {
        self.resource.group.is_empty() && self.resource.plural == "namespaces"
    }
}

/// Returns a resource as reviews name it.
pub(crate) fn resource_value(resource: &Resource) -> Value {
    json!({"group": resource.group, "version": resource.version, "resource": resource.plural})
}
