//! A process that writes to a store from several tasks and tells what it does, until it is killed.
//!
//! Arguments: file, number of the first operation, `fsync` or `async`, revision to resume watching from (0: not at all).
//! Every line is written at once, a call before it starts and its end after it ended.

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Context as _;
use karmada_apiserver::store::{
    Change, Draft, Durability, EventKind, Expect, Store, StoreOptions, Stored, Write, WriteError,
};
use serde_json::json;

const RESOURCE: &str = "/configmaps";
const WRITERS: u64 = 6;
const OBJECTS: u64 = 4;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, path, first, durability, resume] = arguments.as_slice() else {
        anyhow::bail!("expected FILE FIRST fsync|async RESUME");
    };
    let durability = if durability == "async" { Durability::Async } else { Durability::Fsync };
    let options = StoreOptions { durability, ..StoreOptions::default() };
    let store = Store::open(Path::new(path), &options)?;
    let next = Arc::new(AtomicU64::new(first.parse()?));
    let listing = store.list(RESOURCE, "");
    tell(&format!("open {} {}", store.revision(), listing.revision));
    for object in &listing.objects {
        tell(&format!("found {} {} {}", object.name(), state(Some(object)), object.revision()));
    }
    tell("listed");
    let resume: u64 = resume.parse()?;
    let watcher = match store.watch(RESOURCE, resume.max(1)) {
        Ok(watcher) if resume > 0 => {
            tell("resumed");
            watcher
        }
        _ => {
            tell(&format!("watching {}", listing.revision));
            store.watch(RESOURCE, listing.revision).context("a watch from now on")?
        }
    };
    tokio::spawn(watch(watcher));
    let tasks = (0..WRITERS).map(|writer| tokio::spawn(write(store.clone(), next.clone(), writer)));
    futures::future::try_join_all(tasks).await?;
    Ok(())
}

async fn watch(mut watcher: karmada_apiserver::store::Watcher) {
    while let Ok(events) = watcher.next().await {
        for event in events {
            let seen = if event.kind == EventKind::Deleted { 0 } else { state(Some(&event.object)) };
            tell(&format!("event {} {} {seen}", event.revision(), event.object.name()));
        }
    }
    tell("expired");
}

async fn write(store: Store, next: Arc<AtomicU64>, writer: u64) {
    loop {
        let id = next.fetch_add(1, Ordering::SeqCst);
        let name = format!("k{}", (id + writer) % OBJECTS);
        tell(&format!("call {id} {name} read"));
        let current = store.get(RESOURCE, &name);
        tell(&format!("saw {id} {}", state(current.as_deref())));
        let id = next.fetch_add(1, Ordering::SeqCst);
        let remove = id.is_multiple_of(7) && current.is_some();
        let new = if remove { 0 } else { id };
        let draft = Draft::new(&json!({"apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": name, "labels": {"state": id.to_string()}},
            "data": {"text": "x".repeat(usize::try_from(id % 5).unwrap_or(0) * 900)}}));
        let expect = current.as_ref().map_or(Expect::Absent, |current| Expect::Revision(current.revision()));
        let change = if remove { Change::Remove(draft) } else { Change::Put(draft) };
        tell(&format!("call {id} {name} swap {} {new}", state(current.as_deref())));
        match store.write(Write { resource: RESOURCE.into(), expect, change }).await {
            Ok(stored) => tell(&format!("done {id} {}", stored.revision())),
            Err(WriteError::Conflict(there)) => tell(&format!("saw {id} {}", state(there.as_deref()))),
            Err(error) => tell(&format!("failed {id} {error}")),
        }
    }
}

/// The number of the operation that wrote an object, 0 for none.
fn state(object: Option<&Stored>) -> u64 {
    object.and_then(|object| object.label("state")).and_then(|state| state.parse().ok()).unwrap_or(0)
}

fn tell(line: &str) {
    // Nobody reads any more when the test is over.
    std::io::stdout().write_all(format!("{line}\n").as_bytes()).ok();
}
