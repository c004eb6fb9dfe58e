//! Objects, writes and what a store holds, in few words.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::*;

pub(super) const RESOURCE: &str = "/configmaps";

/// What a store holds: key to revision and value.
pub(super) type State = BTreeMap<String, (u64, u64)>;

pub(super) fn object(name: &str, value: u32) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "n", "uid": name, "labels": {"v": value.to_string()}},
        "data": {"v": value}})
}

pub(super) fn put(name: &str, value: u32, expect: Expect) -> Write {
    Write { resource: RESOURCE.into(), expect, change: Change::Put(Draft::new(&object(name, value))) }
}

pub(super) fn remove(stored: &Stored) -> Write {
    let expect = Expect::Revision(stored.revision());
    Write { resource: RESOURCE.into(), expect, change: Change::Remove(Draft::new(&stored.value())) }
}

pub(super) fn options(durability: Durability) -> StoreOptions {
    StoreOptions { durability, retry_pause: Duration::ZERO, ..StoreOptions::default() }
}

pub(super) fn contents(store: &Store) -> State {
    let objects = store.list(RESOURCE, "").objects;
    objects.iter().map(|o| (o.key(), (o.revision(), o.value()["data"]["v"].as_u64().unwrap()))).collect()
}

/// One step of a test: an object, and a new value or its removal.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) name: String,
    pub(super) value: Option<u32>,
}

pub(super) fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step =
        ("[a-d]", proptest::option::weighted(0.8, 0u32..100)).prop_map(|(name, value)| Step { name, value });
    proptest::collection::vec(step, 1..30)
}

/// The write of a step, `None` when there is nothing to do.
pub(super) fn write_of(store: &Store, step: &Step) -> Option<Write> {
    let current = store.get(RESOURCE, &format!("n/{}", step.name));
    Some(match (&current, step.value) {
        (None, Some(value)) => put(&step.name, value, Expect::Absent),
        (Some(stored), Some(value)) => put(&step.name, value, Expect::Revision(stored.revision())),
        (Some(stored), None) => remove(stored),
        (None, None) => return None,
    })
}

pub(super) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}
