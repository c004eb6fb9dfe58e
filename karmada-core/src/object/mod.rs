//! Work on unstructured objects: quantities, selectors, paths, names and hashes.

mod json;
mod meta;
mod names;
mod nulls;
mod path;
mod quantity;
mod selector;
pub mod validation;

pub use json::to_go_json;
pub use meta::{
    GroupVersionKind, annotation, api_version, is_terminating, kind, label, labels, name, namespace,
    remove_annotation, remove_label, set_annotation, set_label, uid,
};
pub use names::{
    NameError, binding_name, binding_reference_key, cluster_of_execution_namespace, derived_service_name,
    estimator_deployment_name, estimator_service_name, execution_namespace, fnv1a_32,
    impersonation_secret_name, imported_endpoint_slice_name, is_reserved_namespace, namespaced_key,
    policy_name, role_name, safe_encode, service_account_name, work_name,
};
pub use nulls::{has_nulls, remove_unset_times, without_nulls};
pub use path::{
    PathError, nested, nested_i64, nested_list, nested_map, nested_str, remove_nested, set_nested,
};
pub use quantity::{Quantity, QuantityError, QuantityFormat};
pub use selector::{Selector, SelectorError, label_selector_matches};
