//! Taking an installation out of its host cluster.

use std::time::{Duration, Instant};

use karmada_core::api::reserved::BOOTSTRAPPING_LABEL;

use super::objects;
use crate::api_error::ApiError;
use crate::attached::prepare::title;
use crate::raw;

/// Kinds that an installation leaves, in the order in which they go: workloads before what they mount.
const KINDS: [(&str, &str); 8] = [
    ("apps/v1", "Deployment"),
    ("apps/v1", "StatefulSet"),
    ("policy/v1", "PodDisruptionBudget"),
    ("v1", "Service"),
    ("v1", "Secret"),
    ("v1", "ConfigMap"),
    ("v1", "ServiceAccount"),
    ("v1", "PersistentVolumeClaim"),
];
/// Pause between two looks at a namespace that is going.
const PAUSE: Duration = Duration::from_millis(250);

/// An object that is removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Such as `deployment.apps/karmada-apiserver`.
    pub title: String,
    path: String,
}

/// A removal that did not go through. It can be repeated.
#[derive(Debug, thiserror::Error)]
pub enum RemovalError {
    #[error("cannot look for what was installed")]
    List(#[source] ApiError),
    #[error("cannot delete {object}")]
    Delete {
        object: String,
        #[source]
        source: ApiError,
    },
    #[error("the namespace {namespace} was still there after {} seconds", .timeout.as_secs())]
    Namespace { namespace: String, timeout: Duration },
}

/// Returns everything that `init` made in a namespace.
///
/// # Errors
/// When the host cluster does not answer, or refuses.
pub async fn find(client: &kube::Client, namespace: &str) -> Result<Vec<Found>, RemovalError> {
    let mut found = Vec::new();
    for (api_version, kind) in KINDS {
        let collection = objects::collection(api_version, kind, namespace);
        let items =
            objects::list(client, &collection, BOOTSTRAPPING_LABEL).await.map_err(RemovalError::List)?;
        for mut item in items {
            // Items of a list do not say what they are.
            item["apiVersion"] = api_version.into();
            item["kind"] = kind.into();
            found.push(Found { title: title(&item), path: objects::path_of(&item) });
        }
    }
    Ok(found)
}

/// Deletes an object; one that is gone already is no failure.
///
/// # Errors
/// When the host cluster does not answer, or refuses.
pub async fn remove(client: &kube::Client, found: &Found) -> Result<(), RemovalError> {
    let failed = |source| RemovalError::Delete { object: found.title.clone(), source };
    objects::delete(client, &found.path).await.map(|_| ()).map_err(failed)
}

/// Deletes the namespace and waits until it is gone; says whether it was there.
///
/// # Errors
/// When it does not go in time.
pub async fn purge(client: &kube::Client, namespace: &str, timeout: Duration) -> Result<bool, RemovalError> {
    let path = format!("/api/v1/namespaces/{namespace}");
    let failed = |source| RemovalError::Delete { object: format!("namespace/{namespace}"), source };
    let was_there = objects::delete(client, &path).await.map_err(failed)?;
    let started = Instant::now();
    while raw::read(client, &path).await.map_err(RemovalError::List)?.is_some() {
        if started.elapsed() >= timeout {
            return Err(RemovalError::Namespace { namespace: namespace.to_owned(), timeout });
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(was_there)
}
