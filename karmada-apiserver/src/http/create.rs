//! Creating objects.

use serde_json::Value;

use super::call::{Call, object_name};
use super::delete::whole_second;
use super::failure::Failure;
use super::respond::Saved;
use super::update::check_namespace_matches;
use crate::admission::{Operation, check_escalation, check_namespace};
use crate::lifecycle::crds;
use crate::patch::{self, managed_fields};
use crate::registry::prepare;
use crate::store::{Change, Draft, Expect, Stored, Write, WriteError};

/// How often a generated name is tried.
const NAME_TRIES: usize = 8;

/// A new object has no revision yet.
fn check_new_revision(object: &Value) -> Result<(), Failure> {
    let text = object.pointer("/metadata/resourceVersion").and_then(Value::as_str).unwrap_or_default();
    match text.parse::<u64>() {
        Ok(revision) if revision > 0 => {
            Err(Failure::unknown("resourceVersion should not be set on objects to be created"))
        }
        _ => Ok(()),
    }
}

/// A conversion that fails on the way to the store is the server's own error.
fn internal(failure: Failure) -> Failure {
    Failure::internal_cause(failure.message)
}

/// Removes what only the system sets.
fn wipe(object: &mut Value) {
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        for key in ["deletionTimestamp", "deletionGracePeriodSeconds", "selfLink", "creationTimestamp", "uid"]
        {
            metadata.remove(key);
        }
    }
}

/// Gives an object what every stored object has. Returns its name.
fn complete(object: &mut Value, now: &jiff::Timestamp) -> String {
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("resourceVersion");
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        if metadata.get("uid").map(text).is_none_or(|uid| uid.is_empty()) {
            metadata.insert("uid".to_owned(), uuid::Uuid::new_v4().to_string().into());
        }
        if metadata.get("creationTimestamp").is_none_or(Value::is_null) {
            metadata.insert("creationTimestamp".to_owned(), whole_second(*now).into());
        }
    }
    object_name(object)
}

impl Call<'_> {
    /// Creates an object.
    ///
    /// # Errors
    /// When it is refused, not valid, or there is one of this name.
    pub(crate) async fn create(&mut self, mut object: Value) -> Result<Saved, Failure> {
        let decoded = |call: &Self, object: &mut Value| {
            let name = object_name(object);
            call.prepare(&name, |context| prepare::decode(&call.resource, object, context))
        };
        check_new_revision(&object)?;
        wipe(&mut object);
        let warnings = decoded(self, &mut object)?;
        self.warnings.extend(warnings);
        self.own_fields(&mut object, Some(&prepare::blank(&self.resource)));
        self.note_requester(&mut object);
        self.create_decoded(object).await
    }

    /// Creates an object that was decoded and has its managed fields.
    pub(super) async fn create_decoded(&mut self, object: Value) -> Result<Saved, Failure> {
        let server = self.server;
        let generated = object_name(&object).is_empty();
        check_namespace(
            &server.store,
            &self.resource,
            Operation::Create,
            &self.namespace,
            &object_name(&object),
        )?;
        let mut object = object;
        self.circumstances.asked_name = Some(object_name(&object));
        self.admit(Operation::Create, Some(&mut object), None).await?;
        // Nobody but the system identifies objects, whatever a webhook says.
        wipe(&mut object);
        check_namespace_matches(self, &mut object)?;
        let mut tries = 0;
        loop {
            tries += 1;
            // Only a generated name is tried again.
            let last = !generated || tries == NAME_TRIES;
            let mut candidate = if last { std::mem::take(&mut object) } else { object.clone() };
            let resource = self.resource.clone();
            let admitted = {
                let candidate = &mut candidate;
                self.prepare_named(|context| {
                    let result = prepare::admit_create(&resource, candidate, context);
                    // The name may have been made just now.
                    result.map_err(|error| (error, object_name(candidate)))
                })
            };
            let warnings = admitted?;
            let name = complete(&mut candidate, &self.now);
            self.check_new_request(&candidate)?;
            check_escalation(&server.rules, &self.resource, &self.user, &self.namespace, &candidate, None)?;
            self.admit_final(Operation::Create, Some(&candidate), None).await?;
            self.reserve_quota(Operation::Create, &candidate, None).await?;
            let stored_form = self.for_storage(candidate).await.map_err(internal)?;
            let written = self.insert(stored_form).await;
            match written {
                Err(WriteError::Conflict(_)) if generated && tries < NAME_TRIES => {}
                Err(WriteError::Conflict(_)) if generated => {
                    return Err(Failure::generated_name_taken(&self.resource, &name));
                }
                Err(WriteError::Conflict(existing)) => return Err(self.exists(existing.as_deref(), &name)),
                Err(error) => return Err(Failure::from_write(error, &self.resource, &name)),
                Ok(saved) => {
                    self.warnings.extend(warnings);
                    if let Saved::Stored(stored) = &saved
                        && &*self.storage == crds::STORAGE
                    {
                        crds::settle(server, stored).await;
                    }
                    return Ok(saved);
                }
            }
        }
    }

    async fn insert(&self, object: Value) -> Result<Saved, WriteError> {
        let draft = Draft::new(&object);
        if self.options.dry_run {
            return match self.server.store.get(&self.storage, &draft.key()) {
                Some(existing) => Err(WriteError::Conflict(Some(existing))),
                None => Ok(Saved::Unstored(object)),
            };
        }
        let write =
            Write { resource: self.storage.clone(), expect: Expect::Absent, change: Change::Put(draft) };
        self.server.store.write(write).await.map(Saved::Stored)
    }

    fn exists(&self, existing: Option<&Stored>, name: &str) -> Failure {
        let mut failure = Failure::already_exists(&self.resource, name);
        if existing.is_some_and(Stored::is_deleting) {
            failure.message = format!("object is being deleted: {}", failure.message);
        }
        failure
    }

    /// Says who owns which fields after this write.
    pub(super) fn own_fields(&self, new: &mut Value, old: Option<&Value>) {
        let api_version = self.resource.api_version();
        let update = managed_fields::Update {
            old,
            manager: &self.options.field_manager,
            target: self.patch_target(&api_version),
            now: self.now,
        };
        match &self.resource.scale {
            Some(paths) if self.subresource == "scale" => {
                patch::update_scale(new, &update, &paths.spec_replicas);
            }
            _ => managed_fields::update(new, &update),
        }
    }

    /// The real server notes no time for owners that came by a scale.
    pub(super) fn forget_scale_times(&self, object: &mut Value) {
        if self.subresource != "scale" {
            return;
        }
        let entries = object.pointer_mut("/metadata/managedFields").and_then(Value::as_array_mut);
        for entry in entries.into_iter().flatten().filter_map(Value::as_object_mut) {
            if entry.get("subresource").is_some_and(|subresource| subresource == "scale") {
                entry.remove("time");
            }
        }
    }

    pub(super) fn patch_target<'t>(&'t self, api_version: &'t str) -> patch::Target<'t> {
        patch::Target {
            schema: &self.resource.schema,
            api_version,
            kind: &self.resource.kind,
            origin: if self.resource.is_custom() { patch::Origin::Custom } else { patch::Origin::BuiltIn },
            status_subresource: self.resource.status_subresource,
            subresource: &self.subresource,
        }
    }
}
