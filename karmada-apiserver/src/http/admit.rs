//! Asking webhooks and policies about an operation.

use serde_json::Value;

use super::call::{Call, object_name};
use super::failure::Failure;
use super::scale;
use crate::admission::webhook::{self, Attributes, Kind, Remarks, Reviewing, Rounds};
use crate::admission::{Operation, policy};
use crate::patch::managed_fields;
use crate::registry::{FieldValidation, PrepareContext, PrepareError, prepare};

/// The kind of a scale.
const SCALE: (&str, &str, &str) = ("autoscaling", "v1", "Scale");

/// An object that a request to a subresource brings: of a kind of its own, and not stored.
pub(super) struct Request<'a> {
    /// Group, version and kind.
    pub(super) kind: (&'a str, &'a str, &'a str),
    /// The options of the request, null when it has none.
    pub(super) options: Value,
}

/// What is shown of an operation, besides its objects.
struct Subject {
    kind: Kind,
    name: String,
    namespace: String,
    options: Value,
}

impl Call<'_> {
    /// Whether anybody may change an object. Most servers have nobody: then nothing is prepared.
    fn may_be_changed(&self) -> bool {
        self.circumstances.reviewing == Reviewing::Asked && webhook::may_change(&self.server.store)
    }

    fn may_be_refused(&self) -> bool {
        let store = &self.server.store;
        self.circumstances.reviewing == Reviewing::Asked
            && (webhook::may_refuse(store) || policy::may_refuse(store))
    }

    fn subject(&self, operation: Operation, object: Option<&Value>) -> Subject {
        let name = match operation {
            _ if self.circumstances.collection => String::new(),
            Operation::Create => {
                let asked = self.circumstances.asked_name.clone().filter(|name| !name.is_empty());
                asked.unwrap_or_else(|| object.map_or(String::new(), object_name))
            }
            _ => self.name.clone(),
        };
        let options = match operation {
            Operation::Create => self.options.shown("CreateOptions"),
            Operation::Update => self.options.shown("UpdateOptions"),
            Operation::Delete => self.circumstances.delete_options.clone().unwrap_or(Value::Null),
            Operation::Connect => Value::Null,
        };
        let is_namespace = self.resource.group.is_empty() && self.resource.plural == "namespaces";
        // A Namespace is in itself.
        let namespace = if is_namespace { name.clone() } else { self.namespace.clone() };
        Subject { kind: self.kind_of_objects(), name, namespace, options }
    }

    fn kind_of_objects(&self) -> Kind {
        if self.subresource == "scale" { kind(SCALE) } else { Kind::of(&self.resource) }
    }

    fn attributes<'c>(&'c self, operation: Operation, subject: &'c Subject) -> Attributes<'c> {
        Attributes {
            server: self.server,
            registry: &self.registry,
            resource: &self.resource,
            subresource: &self.subresource,
            kind: subject.kind.clone(),
            operation,
            namespace: &subject.namespace,
            name: &subject.name,
            user: &self.user,
            dry_run: self.options.dry_run,
            options: subject.options.clone(),
        }
    }

    /// Keeps what webhooks said besides their answers.
    fn note(&mut self, remarks: Remarks) {
        for warning in remarks.warnings {
            if !self.warnings.contains(&warning) {
                self.warnings.push(warning);
            }
        }
        self.circumstances.annotations.extend(remarks.annotations);
    }

    /// Lets the mutating webhooks change or refuse an object of the resource, or its scale.
    pub(super) async fn ask_mutating(
        &mut self,
        operation: Operation,
        object: Option<&mut Value>,
        old: Option<&Value>,
        rounds: &mut Rounds,
    ) -> Result<(), Failure> {
        if !self.may_be_changed() {
            return Ok(());
        }
        let mut remarks = Remarks::default();
        let subject = self.subject(operation, object.as_deref());
        let result = {
            let attributes = self.attributes(operation, &subject);
            match (object, &self.resource.scale) {
                (Some(object), Some(paths)) if self.subresource == "scale" => {
                    let mut view = scale::scale_of(object, paths);
                    let old = old.map(|old| scale::scale_of(old, paths));
                    let before = view.clone();
                    let keep = |view: Value| Ok(view);
                    let result = Box::pin(webhook::mutate(
                        &attributes,
                        Some(&mut view),
                        old.as_ref(),
                        &keep,
                        rounds,
                        &mut remarks,
                    ))
                    .await;
                    if view != before {
                        let replicas = view.pointer("/spec/replicas").cloned().unwrap_or_else(|| 0.into());
                        scale::set(object, &paths.spec_replicas, Some(replicas));
                    }
                    result
                }
                (Some(object), _) => {
                    let decode = |patched: Value| self.decode_mutated(patched);
                    let owners = object["metadata"]["managedFields"].clone();
                    let result = Box::pin(webhook::mutate(
                        &attributes,
                        Some(object),
                        old,
                        &decode,
                        rounds,
                        &mut remarks,
                    ))
                    .await;
                    remarks.warnings.extend(keep_owners(object, owners));
                    result
                }
                (None, _) => {
                    let decode = |patched: Value| Ok(patched);
                    Box::pin(webhook::mutate(&attributes, None, old, &decode, rounds, &mut remarks)).await
                }
            }
        };
        self.note(remarks);
        result
    }

    /// Lets the validating webhooks refuse an object of the resource, or its scale.
    pub(super) async fn ask_validating(
        &mut self,
        operation: Operation,
        object: Option<&Value>,
        old: Option<&Value>,
    ) -> Result<(), Failure> {
        if !self.may_be_refused() {
            return Ok(());
        }
        let mut remarks = Remarks::default();
        let subject = self.subject(operation, object);
        let result = {
            let attributes = self.attributes(operation, &subject);
            match &self.resource.scale {
                Some(paths) if self.subresource == "scale" => {
                    let view = |object: Option<&Value>| object.map(|object| scale::scale_of(object, paths));
                    let (object, old) = (view(object), view(old));
                    judge(&attributes, object.as_ref(), old.as_ref(), &mut remarks).await
                }
                _ => judge(&attributes, object, old, &mut remarks).await,
            }
        };
        self.note(remarks);
        result
    }

    /// Lets the webhooks change or refuse what a request to a subresource brings.
    pub(super) async fn admit_request(
        &mut self,
        operation: Operation,
        request: Request<'_>,
        object: &mut Value,
    ) -> Result<(), Failure> {
        if !self.may_be_changed() && !self.may_be_refused() {
            return Ok(());
        }
        let mut remarks = Remarks::default();
        let subject = Subject {
            kind: kind(request.kind),
            name: self.name.clone(),
            namespace: self.namespace.clone(),
            options: request.options,
        };
        let attributes = self.attributes(operation, &subject);
        let keep = |patched: Value| Ok(patched);
        let mut rounds = Rounds::default();
        let mut result =
            Box::pin(webhook::mutate(&attributes, Some(object), None, &keep, &mut rounds, &mut remarks))
                .await;
        if result.is_ok() && rounds.has_changed() {
            result =
                Box::pin(webhook::mutate(&attributes, Some(object), None, &keep, &mut rounds, &mut remarks))
                    .await;
        }
        if result.is_ok() {
            result = judge(&attributes, Some(object), None, &mut remarks).await;
        }
        self.note(remarks);
        result
    }

    /// Reads what a webhook made of an object.
    fn decode_mutated(&self, mut patched: Value) -> Result<Value, Failure> {
        let text = |key: &str| patched[key].as_str().unwrap_or_default().to_owned();
        let (found_kind, found_version) = (text("kind"), text("apiVersion"));
        let resource = &self.resource;
        if (found_kind.as_str(), found_version.as_str()) != (&resource.kind, &resource.api_version()) {
            return Err(Failure::internal_cause(format!(
                "no kind {found_kind:?} is registered for version {found_version:?} in scheme \"pkg/runtime/scheme.go:111\""
            )));
        }
        let context = PrepareContext::new(FieldValidation::Ignore, self.now);
        match prepare::decode(resource, &mut patched, &context) {
            Ok(_) => Ok(patched),
            Err(PrepareError::Unreadable(mismatch)) => Err(Failure::internal_cause(mismatch.decoded)),
            Err(error) => Err(self.prepare_failure(error, &object_name(&patched))),
        }
    }
}

/// Restores the owners of an object that a webhook made unreadable. Returns what the client should know.
fn keep_owners(object: &mut Value, owners: Value) -> Option<String> {
    let why = managed_fields::unreadable_owners(object)?;
    object["metadata"]["managedFields"] = owners;
    Some(format!(
        ".metadata.managedFields was in an invalid state after admission; this could be caused by an outdated mutating \
         admission controller; please fix your requests: {why}"
    ))
}

/// Lets policies and then webhooks refuse an object.
async fn judge(
    attributes: &Attributes<'_>,
    object: Option<&Value>,
    old: Option<&Value>,
    remarks: &mut Remarks,
) -> Result<(), Failure> {
    // Boxed, as most requests are over without them: they shall not make all futures large.
    Box::pin(policy::validate(attributes, object, old, remarks)).await?;
    Box::pin(webhook::validate(attributes, object, old, remarks)).await
}

fn kind((group, version, name): (&str, &str, &str)) -> Kind {
    Kind { group: group.to_owned(), version: version.to_owned(), name: name.to_owned() }
}
