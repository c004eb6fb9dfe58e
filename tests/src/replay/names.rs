//! Replays the names Karmada derives (operations `names.*`).

use karmada_core::object;
use serde_json::{Value, json};

use super::{Outcome, compare};

/// Runs one case.
pub fn run(case: &Value) -> Outcome {
    let input = &case["input"];
    let text = |field: &str| input[field].as_str().unwrap_or_default();
    let result = match case["op"].as_str().unwrap_or_default() {
        "names.GenerateBindingName" => object::binding_name(text("kind"), text("name")),
        "names.GenerateWorkName" => object::work_name(text("kind"), text("name"), text("namespace")),
        "names.GenerateBindingReferenceKey" => object::binding_reference_key(text("namespace"), text("name")),
        "names.GeneratePolicyName" => object::policy_name(text("namespace"), text("name"), text("gvk")),
        "names.NamespacedKey" => object::namespaced_key(text("namespace"), text("name")),
        "names.GenerateDerivedServiceName" => object::derived_service_name(text("name")),
        "names.GenerateRoleName" => object::role_name(text("serviceAccount")),
        "names.GenerateExecutionSpaceName" => object::execution_namespace(text("cluster")),
        "names.GenerateServiceAccountName" => object::service_account_name(text("cluster")),
        "names.GenerateImpersonationSecretName" => object::impersonation_secret_name(text("cluster")),
        "names.GenerateEstimatorDeploymentName" => object::estimator_deployment_name(text("cluster")),
        "names.GenerateEstimatorServiceName" => {
            object::estimator_service_name(text("prefix"), text("cluster"))
        }
        "names.GenerateEndpointSliceName" => {
            object::imported_endpoint_slice_name(text("name"), text("cluster"))
        }
        "names.GetClusterName" => match object::cluster_of_execution_namespace(text("namespace")) {
            Ok(cluster) => cluster.to_owned(),
            Err(error) => return compare_error(&case["expect"], &error),
        },
        "names.IsReservedNamespace" => {
            let reserved = object::is_reserved_namespace(text("namespace"));
            return compare(&case["expect"], &json!({ "reserved": reserved }));
        }
        other => return Outcome::Skipped(format!("no runner for {other}")),
    };
    compare(&case["expect"], &json!({ "result": result }))
}

fn compare_error(expected: &Value, error: &dyn std::error::Error) -> Outcome {
    if expected.get("error").is_some() {
        return Outcome::Passed;
    }
    Outcome::Failed(format!("failed with {error:?}, expected {expected}"))
}
