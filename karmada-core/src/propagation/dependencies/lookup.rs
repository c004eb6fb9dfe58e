//! What is looked up about dependencies.

use std::{collections::BTreeMap, sync::Arc};

use crate::{api::work::ResourceBinding, propagation::TemplateKey};

/// The caches that dependencies are found in.
pub trait DependencyLookup {
    /// Returns an object that can be propagated.
    fn object(&self, key: &TemplateKey) -> Option<DependencyObject>;

    /// Returns the objects of a kind in a namespace, which is empty for cluster-scoped kinds.
    fn objects(&self, api_version: &str, kind: &str, namespace: &str) -> Vec<DependencyObject>;

    /// Returns a ResourceBinding.
    fn binding(&self, namespace: &str, name: &str) -> Option<Arc<ResourceBinding>>;
}

/// What is looked at of an object that others need.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DependencyObject {
    /// Its kind and name.
    pub key: TemplateKey,
    /// Its uid.
    pub uid: String,
    /// Its resource version.
    pub resource_version: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
}
