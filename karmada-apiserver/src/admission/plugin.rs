//! The interface of in-process admission.

use serde_json::Value;

use crate::auth::UserInfo;
use crate::store::Store;

/// What a request does to its object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    Create,
    Update,
    Delete,
    Connect,
}

/// What is stored at the moment, for decisions that look at more than one object.
#[derive(Clone, Copy, Debug)]
pub struct StoredObjects<'a> {
    store: &'a Store,
}

impl<'a> StoredObjects<'a> {
    pub(crate) fn new(store: &'a Store) -> Self {
        Self { store }
    }

    /// Lists the objects of a resource (its group and plural) in a namespace, by name; in all when it is empty.
    pub fn list(&self, group: &str, plural: &str, namespace: &str) -> Vec<Value> {
        let prefix = if namespace.is_empty() { String::new() } else { format!("{namespace}/") };
        let listing = self.store.list(&format!("{group}/{plural}"), &prefix);
        listing.objects.iter().map(|stored| stored.value()).collect()
    }
}

/// A write that asks for admission.
#[derive(Clone, Debug)]
pub struct AdmissionRequest<'a> {
    pub operation: Operation,
    pub group: &'a str,
    pub version: &'a str,
    /// Plural.
    pub resource: &'a str,
    pub kind: &'a str,
    /// Empty for the object itself.
    pub subresource: &'a str,
    /// Empty for cluster scope.
    pub namespace: &'a str,
    /// Empty while a generated name is not known.
    pub name: &'a str,
    pub user: &'a UserInfo,
    /// The stored object; absent when it is created.
    pub old_object: Option<&'a Value>,
    pub dry_run: bool,
    pub stored: StoredObjects<'a>,
}

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct AdmissionDenied {
    /// HTTP status; 403 when in doubt.
    pub code: u16,
    /// Reason of the `Status`, such as `Forbidden` or `Invalid`.
    pub reason: String,
    pub message: String,
    /// (reason, field, message) of each cause.
    pub causes: Vec<(String, String, String)>,
}

impl AdmissionDenied {
    /// A refusal with 403.
    pub fn forbidden(message: impl Into<String>) -> Self {
        Self { code: 403, reason: "Forbidden".to_owned(), message: message.into(), causes: Vec::new() }
    }

    /// A refusal of an object that is not valid.
    pub fn invalid(message: impl Into<String>, causes: Vec<(String, String, String)>) -> Self {
        Self { code: 422, reason: "Invalid".to_owned(), message: message.into(), causes }
    }
}

/// Changes or refuses writes. Called in the order of configuration, twice: first to change, then to check.
pub trait AdmissionPlugin: Send + Sync {
    /// Changes or refuses an object before it is validated; there is no object when it is deleted.
    ///
    /// # Errors
    /// When the write is refused.
    fn admit(
        &self,
        request: &AdmissionRequest<'_>,
        object: Option<&mut Value>,
    ) -> Result<(), AdmissionDenied>;

    /// Refuses an object in its final form. Everything passes by default.
    ///
    /// # Errors
    /// When the write is refused.
    fn validate(
        &self,
        request: &AdmissionRequest<'_>,
        object: Option<&Value>,
    ) -> Result<(), AdmissionDenied> {
        let _ = (request, object);
        Ok(())
    }
}
