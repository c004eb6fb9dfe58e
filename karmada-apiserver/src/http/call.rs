//! One operation on one resource: who, on what, and with which options.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use super::convert;
use super::failure::{Cause, Failure};
use super::options::WriteOptions;
use super::respond::Saved;
use crate::admission::webhook::{self, Circumstances, Reviewing, Rounds};
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
    /// What admission knows besides the objects.
    pub(crate) circumstances: Circumstances,
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
            now: server.clock.now(),
            warnings: Vec::new(),
            body: None,
            circumstances: Circumstances { reviewing: Reviewing::Skipped, ..Circumstances::default() },
        }
    }

    /// Lets a write of the server itself be reviewed, as one of this controller of Kubernetes.
    pub(crate) fn reviewed_as(mut self, controller: &str) -> Self {
        self.user = UserInfo::service_account("kube-system", controller, "");
        self.circumstances.reviewing = Reviewing::Asked;
        self
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
    ///
    /// # Errors
    /// When its conversion webhook fails.
    pub(crate) async fn read(&self, stored: &Arc<Stored>) -> Result<Value, Failure> {
        let items = convert::localized(self.server, &self.resource, vec![stored.clone()]).await?;
        let item = items.first().unwrap_or(stored);
        Ok(convert::read(item, &self.resource))
    }

    /// Returns what was saved as the operation's version shows it.
    ///
    /// # Errors
    /// When its conversion webhook fails.
    pub(crate) async fn shown(&self, saved: Saved) -> Result<Saved, Failure> {
        let Saved::Stored(stored) = saved else { return Ok(saved) };
        let items = convert::localized(self.server, &self.resource, vec![stored.clone()]).await?;
        Ok(Saved::Stored(items.into_iter().next().unwrap_or(stored)))
    }

    /// Returns an object in the version in which it is stored.
    ///
    /// # Errors
    /// When its conversion webhook fails.
    pub(super) async fn for_storage(&self, object: Value) -> Result<Value, Failure> {
        let Some(conversion) = &self.resource.conversion else { return Ok(object) };
        let objects = vec![object];
        let converted =
            Box::pin(webhook::convert(self.server, &self.resource, &conversion.storage_version, objects))
                .await?;
        let mut object = converted.into_iter().next().unwrap_or(Value::Null);
        prepare::prune_for_storage(&self.resource, &mut object);
        Ok(object)
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

    /// Lets the plug-ins and webhooks change or refuse an object.
    ///
    /// After a webhook has changed it, the plug-ins see it again, and the webhooks that want to.
    pub(super) async fn admit(
        &mut self,
        operation: Operation,
        mut object: Option<&mut Value>,
        old: Option<&Value>,
    ) -> Result<(), Failure> {
        self.admit_by_plugins(operation, object.as_deref_mut(), old)?;
        if self.subresource.is_empty()
            && webhook::may_change(&self.server.store)
            && let Some(object) = object.as_deref_mut()
        {
            let (name, resource) = (object_name(object), self.resource.clone());
            self.prepare(&name, |context| prepare::admit_early(&resource, object, old, context))?;
        }
        let mut rounds = Rounds::default();
        self.ask_mutating(operation, object.as_deref_mut(), old, &mut rounds).await?;
        if rounds.has_changed() {
            self.admit_by_plugins(operation, object.as_deref_mut(), old)?;
            self.ask_mutating(operation, object, old, &mut rounds).await?;
        }
        Ok(())
    }

    fn admit_by_plugins(
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

    /// Lets the plug-ins and webhooks refuse an object in its final form.
    pub(super) async fn admit_final(
        &mut self,
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
        self.ask_validating(operation, object, old).await
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
        let reason = match denied.reason.as_str() {
            "Invalid" => "Invalid",
            "BadRequest" => "BadRequest",
            "Conflict" => "Conflict",
            "NotFound" => "NotFound",
            "QuotaExceeded" => "QuotaExceeded",
            "InternalError" => "InternalError",
            _ => "Forbidden",
        };
        failure.reason = reason.into();
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
