//! Karmada's CRDs in the embedded API server's registry.

use jiff::Timestamp;
use karmada_apiserver::registry::{FieldValidation, PrepareContext, Registry, prepare_create};
use serde_json::json;

#[test]
fn every_crd_is_accepted_and_served() {
    let built_in = Registry::built_in();
    let definitions = built_in
        .resource("apiextensions.k8s.io", "v1", "customresourcedefinitions")
        .expect("CRDs are built in");
    let context = PrepareContext::new(FieldValidation::Strict, Timestamp::UNIX_EPOCH);
    let mut registry = built_in;
    for crd in karmada_core::api::crds() {
        let name = crd["metadata"]["name"].as_str().unwrap().to_owned();
        let mut stored = crd.clone();
        let warnings = prepare_create(&definitions, &mut stored, &context);
        assert_eq!(warnings, Ok(Vec::new()), "{name}");
        registry = registry.with_crd(&stored).unwrap_or_else(|errors| panic!("{name}: {errors:?}"));
    }
    let resource = registry.resource("policy.karmada.io", "v1alpha1", "propagationpolicies").unwrap();
    let mut policy = json!({"metadata": {"name": "p"}, "spec": {"unknown": 1, "resourceSelectors": [
        {"apiVersion": "apps/v1", "kind": "Deployment"}]}});
    let error = prepare_create(&resource, &mut policy, &context).unwrap_err();
    assert_eq!(error.to_string(), "strict decoding error: unknown field \"spec.unknown\"");
}
