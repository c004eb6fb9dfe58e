//! A custom kind that nobody knows by itself.

use http::Method;
use kube::Client;
use serde_json::{Value, json};

use super::world::write;

/// Where objects of kind Foo are.
pub const FOOS: &str = "apis/example.io/v1";
/// Where definitions of kinds are.
pub const CRDS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

/// Makes a definition of kind Foo; `spec` is the schema of its specs.
pub fn foo_crd(spec: &Value) -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "foos.example.io"},
        "spec": {
            "group": "example.io", "scope": "Namespaced",
            "names": {"plural": "foos", "singular": "foo", "kind": "Foo", "listKind": "FooList"},
            "versions": [{
                "name": "v1", "served": true, "storage": true, "subresources": {"status": {}},
                "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec, "status": any()}}},
            }],
        },
    })
}

/// The schema of anything.
pub fn any() -> Value {
    json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true})
}

/// Installs a definition.
pub async fn install_crd(client: &Client, crd: &Value) -> anyhow::Result<()> {
    write(client, Method::POST, "application/json", CRDS, crd).await.map(drop)
}
