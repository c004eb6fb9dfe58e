//! Changing objects: compare-and-swap with retry, finalizers at their end.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;

use super::call::{Call, object_name};
use super::failure::{Cause, Failure};
use super::patch_body::Shown;
use super::respond::Saved;
use crate::admission::webhook::{self, Rounds};
use crate::admission::{Operation, check_escalation};
use crate::lifecycle::crds;
use crate::patch::{self, managed_fields};
use crate::registry::{PrepareError, Resource, UpdateTarget, prepare};
use crate::store::{Change, Draft, Expect, Stored, Write, WriteError};

/// How a change was computed.
pub(super) enum Changed {
    /// An object as a client wrote it: still to be decoded, owned by who writes.
    Raw(Value),
    /// The object that a patch made of the stored one, which may be tried on another state too.
    Patched { new: Value, shown: Shown },
    /// The object that the patch of its scale made of the stored one.
    Scaled(Value),
    /// The result of an apply: decoded, with its managed fields.
    Applied(Value),
    /// A state that is past the rules of the resource, but not past webhooks.
    Reviewed(Value),
    /// A state that the server itself wants, past all rules.
    Final(Value),
}

/// How often a change that names no revision is tried against writers in between.
const TRIES: usize = 64;

impl Call<'_> {
    /// Changes an object: `change` gets the stored state and returns the wanted one.
    ///
    /// Tries again when someone else wrote in between, unless the wanted state names a revision.
    ///
    /// # Errors
    /// When the object is not there, the change is refused or not valid, or names an old revision.
    pub(crate) async fn update(
        &mut self,
        target: UpdateTarget,
        mut change: impl FnMut(&Self, &Value) -> Result<Value, Failure>,
    ) -> Result<Saved, Failure> {
        self.change(target, |call, old| change(call, old).map(Changed::Raw)).await
    }

    pub(super) async fn change(
        &mut self,
        target: UpdateTarget,
        mut change: impl FnMut(&Self, &Value) -> Result<Changed, Failure>,
    ) -> Result<Saved, Failure> {
        let told = self.warnings.len();
        for _ in 0..TRIES {
            self.warnings.truncate(told);
            let current = self.existing()?;
            let old = self.read(&current).await?;
            let changed = change(self, &old)?;
            let prepared = self.prepare_change(target, changed, &old, &current).await?;
            self.reserve_quota(Operation::Update, &prepared.new, Some(&old)).await?;
            match self.commit(prepared, &current).await {
                Ok(saved) => {
                    if let Saved::Stored(stored) = &saved
                        && &*self.storage == crds::STORAGE
                        && self.subresource.is_empty()
                    {
                        // The next request finds the names that this one asked for.
                        crds::settle(self.server, stored).await;
                    }
                    return Ok(saved);
                }
                Err((WriteError::Conflict(_), Retry::Allowed)) => {}
                Err((error, _)) => return Err(Failure::from_write(error, &self.resource, &self.name)),
            }
        }
        Err(Failure::modified(&self.resource, &self.name))
    }

    async fn prepare_change(
        &mut self,
        target: UpdateTarget,
        changed: Changed,
        old: &Value,
        current: &Stored,
    ) -> Result<Prepared, Failure> {
        let name = self.name.clone();
        let resource = self.resource.clone();
        // The revision in what was computed from the current object is not one that the client named.
        let patched = matches!(changed, Changed::Patched { .. } | Changed::Scaled(_) | Changed::Applied(_));
        let replaces = matches!(changed, Changed::Raw(_));
        let new = match changed {
            Changed::Raw(new) | Changed::Scaled(new) => {
                let (new, found) =
                    self.decode_owned(new, old).map_err(|error| self.prepare_failure(error, &name))?;
                self.warnings.extend(found);
                self.disown_converted(new, old).await?
            }
            Changed::Patched { new, shown } => {
                let (new, found) = self.decode_owned(new, old).map_err(|error| match error {
                    PrepareError::Unreadable(_) | PrepareError::UnknownFields(_) => {
                        shown.refusal(self, old, &error)
                    }
                    _ => self.prepare_failure(error, &name),
                })?;
                self.warnings.extend(found);
                self.disown_converted(new, old).await?
            }
            Changed::Applied(new) => new,
            Changed::Reviewed(mut new) => {
                let retry = self.check_revision(&new, current)?;
                let mut rounds = Rounds::default();
                self.ask_mutating(Operation::Update, Some(&mut new), Some(old), &mut rounds).await?;
                self.ask_validating(Operation::Update, Some(&new), Some(old)).await?;
                return self.in_stored_form(prepared(&resource, new, old, current, retry)).await;
            }
            Changed::Final(new) => {
                let retry = self.check_revision(&new, current)?;
                return self.in_stored_form(prepared(&resource, new, old, current, retry)).await;
            }
        };
        let mut new = new;
        if replaces {
            self.check_uid(&new, current)?;
        }
        let retry = self.check_revision(&new, current)?;
        if retry == Retry::Allowed && !allows_unconditional_update(&self.resource) {
            return Err(self.revision_required());
        }
        let retry = if patched { Retry::Allowed } else { retry };
        self.check_certificate_request(&mut new, old)?;
        self.admit(Operation::Update, Some(&mut new), Some(old)).await?;
        let admitted = {
            let new = &mut new;
            self.prepare(&name, |context| prepare::admit_update(&resource, new, old, target, context))
        };
        self.warnings.extend(admitted?);
        let server = self.server;
        check_escalation(&server.rules, &self.resource, &self.user, &self.namespace, &new, Some(old))?;
        self.check_signer_rights(&new, old)?;
        self.admit_final(Operation::Update, Some(&new), Some(old)).await?;
        let prepared = prepared(&resource, new, old, current, retry);
        self.in_stored_form(prepared).await
    }

    /// Takes what changes away from those who own it in another version, which a webhook converts to.
    async fn disown_converted(&self, mut new: Value, old: &Value) -> Result<Value, Failure> {
        if self.resource.conversion.is_none() {
            return Ok(new);
        }
        let own = self.resource.api_version();
        let entries = new.pointer("/metadata/managedFields").and_then(Value::as_array).into_iter().flatten();
        let versions: BTreeSet<String> = entries
            .filter_map(|entry| entry["apiVersion"].as_str())
            .filter(|version| *version != own)
            .map(str::to_owned)
            .collect();
        for version in versions {
            let short = version.rsplit('/').next().unwrap_or_default();
            let Some(other) = self.registry.resource(&self.resource.group, short, &self.resource.plural)
            else {
                continue;
            };
            let states = vec![old.clone(), new.clone()];
            let states = Box::pin(webhook::convert(self.server, &other, &version, states)).await?;
            if let [before, after] = states.as_slice() {
                let target = patch::Target { schema: &other.schema, ..self.patch_target(&version) };
                managed_fields::disown_in_version(&mut new, before, after, &target);
            }
        }
        Ok(new)
    }

    /// Converts what is about to be stored.
    async fn in_stored_form(&self, prepared: Prepared) -> Result<Prepared, Failure> {
        if prepared.same || self.options.dry_run {
            return Ok(prepared);
        }
        let new = self.for_storage(prepared.new).await?;
        Ok(Prepared { new, ..prepared })
    }

    /// Reads a wanted object and notes who owns what of it.
    fn decode_owned(&self, mut new: Value, old: &Value) -> Result<(Value, Vec<String>), PrepareError> {
        // An empty list resets the owners; the decoder would drop it.
        let sent = new.pointer_mut("/metadata/managedFields").filter(|sent| sent.is_array());
        let sent = sent.map(|sent| match old.pointer("/metadata/managedFields") {
            // What was stored needs no reading.
            Some(stored) if stored == sent => sent.take(),
            _ => sent.clone(),
        });
        let warnings = self.decode(&mut new)?;
        if let Some(sent) = sent {
            new["metadata"]["managedFields"] = sent;
        }
        self.own_fields(&mut new, Some(old));
        Ok((new, warnings))
    }

    /// Writes a prepared object, or removes it when nothing holds it any longer.
    async fn commit(&self, prepared: Prepared, current: &Arc<Stored>) -> Result<Saved, (WriteError, Retry)> {
        let Prepared { new, retry, same } = prepared;
        let gone = may_go(&new) && current.is_deleting();
        if same && !gone {
            return Ok(Saved::Stored(current.clone()));
        }
        if self.options.dry_run {
            return Ok(Saved::Unstored(new));
        }
        let write = |change| Write {
            resource: self.storage.clone(),
            expect: Expect::Revision(current.revision()),
            change,
        };
        let result = if gone {
            // Watchers see the last stored state; the writer sees what it wrote.
            let removed = self.server.store.write(write(Change::Remove(Draft::new(&current.value())))).await;
            removed.map(|_| Saved::Unstored(new))
        } else {
            self.server.store.write(write(Change::Put(Draft::new(&new)))).await.map(Saved::Stored)
        };
        result.map_err(|error| (error, retry))
    }

    fn check_uid(&self, new: &Value, current: &Stored) -> Result<(), Failure> {
        let uid = new.pointer("/metadata/uid").and_then(Value::as_str).unwrap_or_default();
        if uid.is_empty() || uid == current.uid() {
            return Ok(());
        }
        // These come from servers of their own, which store by group.
        let apart =
            ["apiextensions.k8s.io", "apiregistration.k8s.io"].contains(&self.resource.group.as_str());
        let group = if apart || self.resource.is_custom() {
            format!("{}/", self.resource.group)
        } else {
            String::new()
        };
        let scope = if self.namespace.is_empty() { String::new() } else { format!("{}/", self.namespace) };
        let why = format!(
            "StorageError: invalid object, Code: 4, Key: /registry/{group}{}/{scope}{}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: {uid}, UID in object meta: {}",
            storage_name(&self.resource.plural),
            self.name,
            current.uid()
        );
        Err(Failure::conflict(&self.resource.group, &self.resource.plural, &self.name, &why))
    }

    fn revision_required(&self) -> Failure {
        let message = "Invalid value: 0: must be specified for an update";
        let cause = Cause::new("FieldValueInvalid", "metadata.resourceVersion", message);
        Failure::invalid(&self.resource.group, &self.resource.plural, &self.name, &[cause])
    }

    /// Checks the revision that the new object names, if it names one.
    fn check_revision(&self, new: &Value, current: &Stored) -> Result<Retry, Failure> {
        let text = new.pointer("/metadata/resourceVersion").and_then(Value::as_str).unwrap_or_default();
        if text.is_empty() {
            return Ok(Retry::Allowed);
        }
        let revision: u64 = text
            .parse()
            .map_err(|_| Failure::unknown(format!("strconv.ParseUint: parsing {text:?}: invalid syntax")))?;
        if revision == 0 {
            return Ok(Retry::Allowed);
        }
        if revision != current.revision() {
            return Err(Failure::modified(&self.resource, &self.name));
        }
        Ok(Retry::Refused)
    }
}

/// Returns the name that the real server stores a resource under, which some messages show.
fn storage_name(plural: &str) -> &str {
    match plural {
        "services" => "services/specs",
        "endpoints" => "services/endpoints",
        "replicationcontrollers" => "controllers",
        "ingresses" => "ingress",
        "nodes" => "minions",
        other => other,
    }
}

/// Says whether a PUT of this resource may leave out the revision that it replaces.
fn allows_unconditional_update(resource: &Resource) -> bool {
    const KINDS: [(&str, &str); 12] = [
        ("admissionregistration.k8s.io", "mutatingadmissionpolicies"),
        ("admissionregistration.k8s.io", "mutatingadmissionpolicybindings"),
        ("admissionregistration.k8s.io", "mutatingwebhookconfigurations"),
        ("admissionregistration.k8s.io", "validatingadmissionpolicies"),
        ("admissionregistration.k8s.io", "validatingadmissionpolicybindings"),
        ("admissionregistration.k8s.io", "validatingwebhookconfigurations"),
        ("apiextensions.k8s.io", "customresourcedefinitions"),
        ("apiregistration.k8s.io", "apiservices"),
        ("coordination.k8s.io", "leases"),
        ("policy", "poddisruptionbudgets"),
        ("storage.k8s.io", "csidrivers"),
        ("storage.k8s.io", "volumeattachments"),
    ];
    !resource.is_custom() && !KINDS.contains(&(resource.group.as_str(), resource.plural.as_str()))
}

struct Prepared {
    new: Value,
    retry: Retry,
    /// Nothing but times of managed fields would change.
    same: bool,
}

fn prepared(resource: &Resource, mut new: Value, old: &Value, current: &Stored, retry: Retry) -> Prepared {
    if let Some(metadata) = new.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.insert("resourceVersion".to_owned(), current.revision().to_string().into());
    }
    let lacks_defaults = || {
        let stored = current.value();
        stored.get("apiVersion") == old.get("apiVersion") && stored != *old
    };
    // What was read has defaults that what is stored may lack.
    let same =
        managed_fields::equal_but_for_times(old, &new) && !(resource.defaults_on_read && lacks_defaults());
    Prepared { new, retry, same }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Retry {
    Allowed,
    /// The client named the revision that it changed.
    Refused,
}

/// Says whether a deleted object is held by nothing any longer.
pub(super) fn may_go(object: &Value) -> bool {
    let metadata = object.get("metadata");
    let field = |key: &str| metadata.and_then(|metadata| metadata.get(key)).filter(|value| !value.is_null());
    let finalizers = field("finalizers").and_then(Value::as_array).is_none_or(Vec::is_empty);
    let grace_over = field("deletionGracePeriodSeconds").and_then(Value::as_i64).unwrap_or(0) == 0;
    let namespace = object.get("kind").is_some_and(|kind| kind == "Namespace")
        && object.get("apiVersion").is_some_and(|version| version == "v1");
    let content_gone =
        !namespace || object.pointer("/spec/finalizers").and_then(Value::as_array).is_none_or(Vec::is_empty);
    field("deletionTimestamp").is_some() && finalizers && grace_over && content_gone
}

/// Checks that a replacement is about the object that its path names.
pub(super) fn check_names(call: &Call<'_>, object: &mut Value) -> Result<(), Failure> {
    let name = object_name(object);
    if name.is_empty() {
        return Err(Failure::bad_request(format!(
            "the name of the object ({} based on URL) was undeterminable: name must be provided",
            call.name
        )));
    }
    if name != call.name {
        return Err(Failure::bad_request(format!(
            "the name of the object ({name}) does not match the name on the URL ({})",
            call.name
        )));
    }
    check_namespace_matches(call, object)
}

/// Checks the namespace of a body against the path, and fills it in.
pub(super) fn check_namespace_matches(call: &Call<'_>, object: &mut Value) -> Result<(), Failure> {
    let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) else {
        return Ok(());
    };
    if !call.resource.namespaced {
        metadata.remove("namespace");
        return Ok(());
    }
    match metadata.get("namespace") {
        Some(Value::String(namespace)) if namespace.is_empty() => {}
        Some(Value::String(namespace)) if *namespace != call.namespace => {
            return Err(Failure::bad_request(
                "the namespace of the provided object does not match the namespace sent on the request",
            ));
        }
        // Another type is for the decoder to refuse.
        Some(value) if !value.is_string() && !value.is_null() => return Ok(()),
        _ => {}
    }
    metadata.insert("namespace".to_owned(), call.namespace.clone().into());
    Ok(())
}
