//! One operation on one resource: who, on what, and with which options.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use super::convert;
use super::failure::{Cause, Failure};
use super::options::WriteOptions;
use crate::admission::{AdmissionDenied, AdmissionRequest, Operation, StoredObjects, limit_ranger};
use crate::auth::UserInfo;
use crate::registry::{
    Body, FieldError, Lookup, Persistence, PrepareContext, PrepareError, Registry, Resource, prepare,
};
use crate::server::Inner;
use crate::store::{Store, Stored, object_key};

/// An operation under way. Writes collect their warnings here.
pub(crate) struct Call<'a> {
    pub(crate) server: &'a Inner,
    pub(crate) registry: Arc<Registry>,
    pub(crate) resource: Arc<Resource>,
    /// Storage key of the resource.
    pub(crate) storage: Arc<str>,
    pub(crate) namespace: String,
    /// Empty when the operation is about no single object.
    pub(crate) name: String,
    pub(crate) subresource: String,
    pub(crate) user: UserInfo,
    pub(crate) options: WriteOptions,
    pub(crate) now: Timestamp,
    pub(crate) warnings: Vec<String>,
    /// The body that the object came in.
    pub(crate) body: Option<Body>,
}

/// Reads other objects for the registry's rules.
pub(crate) struct StoreLookup(pub(crate) Store);

impl Lookup for StoreLookup {
    fn object(&self, storage_key: &str, namespace: &str, name: &str) -> Option<Value> {
        self.0.get(storage_key, &object_key(namespace, name)).map(|stored| stored.value())
    }

    fn objects(&self, storage_key: &str) -> Vec<Value> {
        self.0.list(storage_key, "").objects.iter().map(|stored| stored.value()).collect()
    }
}

impl<'a> Call<'a> {
    /// Starts an operation of the server itself, which is not limited by rights.
    pub(crate) fn internal(
        server: &'a Inner,
        resource: Arc<Resource>,
        namespace: &str,
        name: &str,
        manager: &str,
    ) -> Self {
        let registry = server.registry();
        Self {
            server,
            storage: registry.storage_key(&resource).into(),
            registry,
            resource,
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            subresource: String::new(),
            user: UserInfo::admin(),
            options: WriteOptions { field_manager: manager.to_owned(), ..WriteOptions::default() },
            now: Timestamp::now(),
            warnings: Vec::new(),
            body: None,
        }
    }

    /// Returns the stored object that the operation names.
    pub(crate) fn stored(&self) -> Option<Arc<Stored>> {
        self.server.store.get(&self.storage, &object_key(&self.namespace, &self.name))
    }

    /// Returns the stored object or the error that it is not there.
    pub(crate) fn existing(&self) -> Result<Arc<Stored>, Failure> {
        self.stored().ok_or_else(|| self.not_found())
    }

    pub(crate) fn not_found(&self) -> Failure {
        Failure::not_found(&self.resource.group, &self.resource.plural, &self.name)
    }

    /// Returns a stored object in the version of the operation.
    pub(crate) fn read(&self, stored: &Stored) -> Value {
        convert::read(stored, &self.resource)
    }

    /// Reads an object as the resource; the error is the registry's own.
    pub(super) fn decode(&self, object: &mut Value) -> Result<Vec<String>, PrepareError> {
        let mut context = PrepareContext::new(self.options.field_validation, self.now);
        if let Some(body) = &self.body {
            context = context.with_body(body);
        }
        prepare::decode(&self.resource, object, &context)
    }

    /// Calls a function of the registry with the circumstances of this operation.
    pub(super) fn prepare<T>(
        &self,
        object_name: &str,
        rules: impl FnOnce(&PrepareContext<'_>) -> Result<T, PrepareError>,
    ) -> Result<T, Failure> {
        self.prepare_named(|context| rules(context).map_err(|error| (error, object_name.to_owned())))
    }

    /// Calls a function of the registry whose errors bring the name of the object.
    pub(super) fn prepare_named<T>(
        &self,
        rules: impl FnOnce(&PrepareContext<'_>) -> Result<T, (PrepareError, String)>,
    ) -> Result<T, Failure> {
        let lookup = StoreLookup(self.server.store.clone());
        let persistence = if self.options.dry_run { Persistence::DryRun } else { Persistence::Stored };
        let mut context = PrepareContext::new(self.options.field_validation, self.now)
            .with_lookup(&lookup)
            .with_persistence(persistence);
        if let Some(body) = &self.body {
            context = context.with_body(body);
        }
        rules(&context).map_err(|(error, name)| self.prepare_failure(error, &name))
    }

    pub(super) fn prepare_failure(&self, error: PrepareError, name: &str) -> Failure {
        let resource = &self.resource;
        match error {
            PrepareError::Invalid(errors) => {
                let causes: Vec<Cause> = errors.iter().map(cause).collect();
                // Both kinds of events are those of the core group inside.
                let group = if resource.kind == "Event" { "" } else { resource.group.as_str() };
                Failure::invalid(group, &resource.kind, name, &causes)
            }
            PrepareError::UnknownFields(_) | PrepareError::Unreadable(_) => Failure::bad_request(format!(
                "{} in version {:?} cannot be handled as a {}: {error}",
                resource.kind, resource.version, resource.kind
            )),
            PrepareError::NoRevision(error) => {
                Failure::invalid(&resource.group, &resource.plural, name, &[cause(&error)])
            }
            PrepareError::Forbidden(why) => Failure::forbidden(&resource.group, &resource.plural, name, &why),
        }
    }

    fn admission_request<'r>(
        &'r self,
        operation: Operation,
        name: &'r str,
        old_object: Option<&'r Value>,
    ) -> AdmissionRequest<'r> {
        AdmissionRequest {
            operation,
            group: &self.resource.group,
            version: &self.resource.version,
            resource: &self.resource.plural,
            kind: &self.resource.kind,
            subresource: &self.subresource,
            namespace: &self.namespace,
            name,
            user: &self.user,
            old_object,
            dry_run: self.options.dry_run,
            stored: StoredObjects::new(&self.server.store),
        }
    }

    /// Lets the plug-ins change or refuse an object.
    pub(super) fn admit(
        &self,
        operation: Operation,
        mut object: Option<&mut Value>,
        old: Option<&Value>,
    ) -> Result<(), Failure> {
        let name = object.as_deref().or(old).map_or(String::new(), object_name);
        if operation == Operation::Create
            && self.subresource.is_empty()
            && let Some(object) = object.as_deref_mut()
        {
            limit_ranger::set_defaults(&self.server.store, &self.resource, &self.namespace, object);
        }
        let request = self.admission_request(operation, &name, old);
        for plugin in &self.server.config.admission {
            plugin.admit(&request, object.as_deref_mut()).map_err(|denied| self.denied(denied, &name))?;
        }
        Ok(())
    }

    /// Lets the plug-ins refuse an object in its final form.
    pub(super) fn admit_final(
        &self,
        operation: Operation,
        object: Option<&Value>,
        old: Option<&Value>,
    ) -> Result<(), Failure> {
        let name = object.or(old).map_or(String::new(), object_name);
        if self.subresource.is_empty()
            && let Some(object) = object
        {
            limit_ranger::check(&self.server.store, &self.resource, operation, &self.namespace, object)?;
        }
        let request = self.admission_request(operation, &name, old);
        for plugin in &self.server.config.admission {
            plugin.validate(&request, object).map_err(|denied| self.denied(denied, &name))?;
        }
        Ok(())
    }

    fn denied(&self, denied: AdmissionDenied, name: &str) -> Failure {
        let resource = &self.resource;
        let causes: Vec<Cause> = denied
            .causes
            .iter()
            .map(|(reason, field, message)| Cause::new(reason, field, message.clone()))
            .collect();
        let mut failure = if causes.is_empty() {
            Failure::forbidden(&resource.group, &resource.plural, name, "")
        } else {
            Failure::invalid(&resource.group, &resource.kind, name, &causes)
        };
        failure.message = denied.message;
        failure.code = http::StatusCode::from_u16(denied.code).unwrap_or(http::StatusCode::FORBIDDEN);
        failure.reason = match denied.reason.as_str() {
            "Invalid" => "Invalid",
            "BadRequest" => "BadRequest",
            "Conflict" => "Conflict",
            "NotFound" => "NotFound",
            "QuotaExceeded" => "QuotaExceeded",
            "InternalError" => "InternalError",
            _ => "Forbidden",
        };
        failure
    }
}

fn cause(error: &FieldError) -> Cause {
    Cause::new(error.kind.reason(), &error.field, error.message.clone())
}

/// Returns the name in an object's metadata, empty when there is none.
pub(crate) fn object_name(object: &Value) -> String {
    object.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default().to_owned()
}
