//! Deleting objects: preconditions, finalizers, grace periods.

use std::sync::Arc;

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::call::Call;
use super::failure::Failure;
use super::options::{DeleteOptions, Propagation};
use super::respond::Saved;
use super::selector::Selection;
use crate::admission::{Operation, check_namespace};
use crate::lifecycle::crds;
use crate::store::{Change, Draft, Expect, Stored, Write, WriteError};

const ORPHAN: &str = "orphan";
const FOREGROUND: &str = "foregroundDeletion";
const TRIES: usize = 64;

/// Kinds whose deletion answers with the object, by group and plural.
const RETURNS_OBJECT: [(&str, &str); 10] = [
    ("", "persistentvolumeclaims"),
    ("", "persistentvolumes"),
    ("", "pods"),
    ("", "podtemplates"),
    ("", "resourcequotas"),
    ("", "serviceaccounts"),
    ("", "services"),
    ("storage.k8s.io", "csidrivers"),
    ("storage.k8s.io", "storageclasses"),
    ("storage.k8s.io", "volumeattachments"),
];

/// What a deletion came to.
pub(crate) enum Deleted {
    /// The object is gone; this was its last state.
    Gone(Saved),
    /// The object waits for finalizers or the end of its grace period.
    Waiting(Saved),
}

/// What to do with one object.
enum Step {
    Remove,
    Mark(Box<Value>),
    /// It is marked already.
    Nothing,
}

impl Call<'_> {
    /// Deletes the object of the operation.
    ///
    /// # Errors
    /// When it is not there, a precondition fails or it may not be deleted.
    pub(crate) async fn delete(&mut self, options: &DeleteOptions) -> Result<Deleted, Failure> {
        for _ in 0..TRIES {
            let current = self.existing()?;
            check_namespace(
                &self.server.store,
                &self.resource,
                Operation::Delete,
                &self.namespace,
                &self.name,
            )?;
            self.check_preconditions(options, &current)?;
            let shown = self.read(&current).await?;
            self.circumstances.delete_options = Some(self.shown_options(options, &current));
            self.admit(Operation::Delete, None, Some(&shown)).await?;
            self.admit_final(Operation::Delete, None, Some(&shown)).await?;
            let old = current.value();
            match self.delete_once(options, &current, &old).await {
                Err(WriteError::Conflict(_)) => {}
                Err(error) => return Err(Failure::from_write(error, &self.resource, &self.name)),
                Ok(deleted) => return Ok(deleted),
            }
        }
        Err(Failure::modified(&self.resource, &self.name))
    }

    /// Returns the options of a deletion as reviews show them.
    fn shown_options(&self, options: &DeleteOptions, current: &Stored) -> Value {
        let mut shown = options.shown();
        if self.options.dry_run {
            shown["dryRun"] = json!(["All"]);
        }
        // These are deleted in steps, which are all about the same object.
        let in_steps = self.is("", "namespaces") || self.is(crds::GROUP, crds::PLURAL);
        if in_steps && options.uid.is_none() {
            shown["preconditions"]["uid"] = current.uid().into();
        }
        shown
    }

    async fn delete_once(
        &self,
        options: &DeleteOptions,
        current: &Arc<Stored>,
        old: &Value,
    ) -> Result<Deleted, WriteError> {
        match self.step(options, current, old) {
            Step::Nothing => Ok(Deleted::Waiting(Saved::Stored(current.clone()))),
            Step::Mark(new) => {
                let goes_at_once = super::update::may_go(&new);
                let saved = self.put(*new, current).await?;
                if !goes_at_once {
                    return Ok(Deleted::Waiting(saved));
                }
                // The marked state is shown once, then the object goes.
                if let Saved::Stored(marked) = &saved {
                    self.remove(marked).await?;
                }
                Ok(Deleted::Gone(saved))
            }
            Step::Remove if self.options.dry_run || options.dry_run => {
                Ok(Deleted::Gone(Saved::Unstored(current.value())))
            }
            Step::Remove => self.remove(current).await.map(|stored| Deleted::Gone(Saved::Stored(stored))),
        }
    }

    async fn put(&self, new: Value, current: &Stored) -> Result<Saved, WriteError> {
        if self.options.dry_run {
            return Ok(Saved::Unstored(new));
        }
        let expect = Expect::Revision(current.revision());
        let write = Write { resource: self.storage.clone(), expect, change: Change::Put(Draft::new(&new)) };
        self.server.store.write(write).await.map(Saved::Stored)
    }

    async fn remove(&self, current: &Stored) -> Result<Arc<Stored>, WriteError> {
        let expect = Expect::Revision(current.revision());
        let change = Change::Remove(Draft::new(&current.value()));
        self.server.store.write(Write { resource: self.storage.clone(), expect, change }).await
    }

    fn check_preconditions(&self, options: &DeleteOptions, current: &Stored) -> Result<(), Failure> {
        let resource = &self.resource;
        let failed = |why: String| Err(Failure::conflict(&resource.group, &resource.kind, &self.name, &why));
        if let Some(uid) = &options.uid
            && uid != current.uid()
        {
            return failed(format!(
                "the UID in the precondition ({uid}) does not match the UID in record ({}). The object might have been deleted and then recreated",
                current.uid()
            ));
        }
        if let Some(version) = &options.resource_version
            && *version != current.revision().to_string()
        {
            return failed(format!(
                "the ResourceVersion in the precondition ({version}) does not match the ResourceVersion in record ({}). The object might have been modified",
                current.revision()
            ));
        }
        Ok(())
    }

    /// Decides what a deletion does to an object now.
    fn step(&self, options: &DeleteOptions, current: &Stored, old: &Value) -> Step {
        let mut new = old.clone();
        let finalizers =
            wanted_finalizers(old, options.propagation.or_else(|| self.default_propagation(old)));
        set_finalizers(&mut new, &finalizers);
        if self.is(crds::GROUP, crds::PLURAL) {
            return self.crd_step(new, current, old);
        }
        if self.is("", "namespaces") {
            return self.namespace_step(new, &finalizers, current, old);
        }
        let marked = current.is_deleting();
        let grace = self.is("", "pods").then(|| pod_grace(old, options.grace_period));
        let metadata = &mut new["metadata"];
        match grace {
            Some(seconds) => {
                let before = old.pointer("/metadata/deletionGracePeriodSeconds").and_then(Value::as_i64);
                // A grace period only gets shorter.
                if marked && before.is_some_and(|before| options.grace_period.is_none() || seconds >= before)
                {
                    return if new == *old { Step::Nothing } else { Step::Mark(Box::new(new)) };
                }
                let end = self.now.saturating_add(SignedDuration::from_secs(seconds)).unwrap_or(self.now);
                if !marked {
                    bump_generation(metadata);
                }
                metadata["deletionTimestamp"] = whole_second(end).into();
                metadata["deletionGracePeriodSeconds"] = seconds.into();
                Step::Mark(Box::new(new))
            }
            None if finalizers.is_empty() => Step::Remove,
            None if marked => {
                if new == *old {
                    Step::Nothing
                } else {
                    Step::Mark(Box::new(new))
                }
            }
            None => {
                bump_generation(metadata);
                metadata["deletionTimestamp"] = whole_second(self.now).into();
                metadata["deletionGracePeriodSeconds"] = json!(0);
                Step::Mark(Box::new(new))
            }
        }
    }

    /// What some kinds do with their dependents when nothing was said, now or before.
    fn default_propagation(&self, old: &Value) -> Option<Propagation> {
        let said = wanted_finalizers(old, None)
            .iter()
            .any(|finalizer| finalizer == ORPHAN || finalizer == FOREGROUND);
        let orphans = self.is("batch", "jobs") || self.is("", "replicationcontrollers");
        (orphans && !said).then_some(Propagation::Orphan)
    }

    /// A CRD goes when its objects are gone: a finalizer holds it until then.
    fn crd_step(&self, mut new: Value, current: &Stored, old: &Value) -> Step {
        if current.is_deleting() {
            return if new == *old { Step::Nothing } else { Step::Mark(Box::new(new)) };
        }
        let mut finalizers = wanted_finalizers(&new, None);
        if !finalizers.iter().any(|finalizer| finalizer == crds::CLEANUP_FINALIZER) {
            finalizers.push(crds::CLEANUP_FINALIZER.to_owned());
        }
        set_finalizers(&mut new, &finalizers);
        let now = whole_second(self.now);
        new["metadata"]["deletionTimestamp"] = now.clone().into();
        let terminating = json!({"type": "Terminating", "status": "True", "lastTransitionTime": now,
            "reason": "InstanceDeletionPending",
            "message": "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon"});
        match new.pointer_mut("/status/conditions").and_then(Value::as_array_mut) {
            Some(conditions) => conditions.push(terminating),
            None => new["status"]["conditions"] = json!([terminating]),
        }
        Step::Mark(Box::new(new))
    }

    /// A namespace goes when its content is gone: `spec.finalizers` holds it until then.
    fn namespace_step(&self, mut new: Value, finalizers: &[String], current: &Stored, old: &Value) -> Step {
        let content_gone =
            old.pointer("/spec/finalizers").and_then(Value::as_array).is_none_or(Vec::is_empty);
        if content_gone && finalizers.is_empty() {
            return Step::Remove;
        }
        if current.is_deleting() {
            return if new == *old { Step::Nothing } else { Step::Mark(Box::new(new)) };
        }
        new["metadata"]["deletionTimestamp"] = whole_second(self.now).into();
        new["status"]["phase"] = "Terminating".into();
        Step::Mark(Box::new(new))
    }

    fn is(&self, group: &str, plural: &str) -> bool {
        self.resource.group == group && self.resource.plural == plural
    }

    /// Says whether the answer to a deletion is the object.
    pub(super) fn returns_object(&self) -> bool {
        RETURNS_OBJECT.iter().any(|(group, plural)| self.is(group, plural))
    }

    /// Deletes the objects of a collection, in order.
    ///
    /// # Errors
    /// The first one; objects before it are deleted.
    pub(crate) async fn delete_all(
        &mut self,
        items: &[Arc<Stored>],
        selection: &Selection,
        options: &DeleteOptions,
    ) -> Result<(), Failure> {
        self.circumstances.collection = true;
        for item in items {
            item.namespace().clone_into(&mut self.namespace);
            item.name().clone_into(&mut self.name);
            let selected =
                self.stored().is_some_and(|now| now.uid() == item.uid() && selection.matches(&now));
            if !selected {
                continue;
            }
            match self.delete(options).await {
                Err(failure) if failure.code != http::StatusCode::NOT_FOUND => return Err(failure),
                _ => {}
            }
        }
        Ok(())
    }
}

/// Returns the finalizers that an object has after a deletion with this propagation.
fn wanted_finalizers(object: &Value, propagation: Option<Propagation>) -> Vec<String> {
    let mut finalizers: Vec<String> = object
        .pointer("/metadata/finalizers")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|finalizer| Some(finalizer.as_str()?.to_owned()))
        .collect();
    let Some(propagation) = propagation else { return finalizers };
    let wanted = match propagation {
        Propagation::Background => None,
        Propagation::Foreground => Some(FOREGROUND),
        Propagation::Orphan => Some(ORPHAN),
    };
    finalizers.retain(|finalizer| {
        Some(finalizer.as_str()) == wanted || (finalizer != ORPHAN && finalizer != FOREGROUND)
    });
    if let Some(wanted) = wanted
        && !finalizers.iter().any(|finalizer| finalizer == wanted)
    {
        finalizers.push(wanted.to_owned());
    }
    finalizers
}

pub(crate) fn set_finalizers(object: &mut Value, finalizers: &[String]) {
    let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) else { return };
    if finalizers.is_empty() {
        metadata.remove("finalizers");
    } else {
        metadata.insert("finalizers".to_owned(), finalizers.into());
    }
}

/// Returns the grace period of a pod: 0 where nothing runs.
fn pod_grace(pod: &Value, asked: Option<i64>) -> i64 {
    let text = |pointer: &str| pod.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let default = pod.pointer("/spec/terminationGracePeriodSeconds").and_then(Value::as_i64).unwrap_or(30);
    let seconds = asked.unwrap_or(default);
    let unscheduled = text("/spec/nodeName").is_empty();
    let over = matches!(text("/status/phase"), "Failed" | "Succeeded");
    if unscheduled || over {
        return 0;
    }
    if seconds < 0 { 1 } else { seconds }
}

fn bump_generation(metadata: &mut Value) {
    if let Some(generation) = metadata.get("generation").and_then(Value::as_i64).filter(|g| *g > 0) {
        metadata["generation"] = (generation + 1).into();
    }
}

/// Prints a time as objects hold it.
pub(crate) fn whole_second(time: jiff::Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn propagation_replaces_the_finalizers_of_the_collector() {
        let object = json!({"metadata": {"finalizers": ["a", "orphan"]}});
        assert_eq!(wanted_finalizers(&object, None), ["a", "orphan"]);
        assert_eq!(wanted_finalizers(&object, Some(Propagation::Foreground)), ["a", "foregroundDeletion"]);
        assert_eq!(wanted_finalizers(&object, Some(Propagation::Background)), ["a"]);
        assert_eq!(wanted_finalizers(&object, Some(Propagation::Orphan)), ["a", "orphan"]);
    }

    #[test]
    fn a_pod_waits_only_where_something_runs() {
        let pod = |node: &str, phase: &str| json!({"spec": {"nodeName": node}, "status": {"phase": phase}});
        assert_eq!(pod_grace(&pod("", "Pending"), None), 0);
        assert_eq!(pod_grace(&pod("n", "Running"), None), 30);
        assert_eq!(pod_grace(&pod("n", "Succeeded"), Some(5)), 0);
        assert_eq!(pod_grace(&pod("n", "Running"), Some(-3)), 1);
    }
}
