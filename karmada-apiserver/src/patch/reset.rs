//! Fields that an endpoint takes from the stored object whatever the request says, so that nobody comes to own them there.

use super::field_set::FieldSet;
use super::target::{Origin, Target};

/// Returns the fields that requests to the target's endpoint cannot change.
pub(super) fn reset_fields(target: &Target<'_>) -> FieldSet {
    let fields: &[&[&str]] = match (target.subresource, target.kind) {
        ("", "CertificateSigningRequest") if target.origin == Origin::BuiltIn => &[&["spec"], &["status"]],
        ("" | "scale" | "ephemeralcontainers" | "resize", _) if target.status_subresource => &[&["status"]],
        ("status", "Deployment") if target.origin == Origin::BuiltIn => &[&["spec"], &["metadata", "labels"]],
        ("status", "Pod") if target.origin == Origin::BuiltIn => {
            &[&["spec"], &["metadata", "deletionTimestamp"], &["metadata", "ownerReferences"]]
        }
        ("status", "CustomResourceDefinition") => &[
            &["spec"],
            &["metadata", "annotations"],
            &["metadata", "finalizers"],
            &["metadata", "labels"],
            &["metadata", "ownerReferences"],
        ],
        ("status", _) if target.origin == Origin::Custom => &[
            &["spec"],
            &["metadata", "annotations"],
            &["metadata", "deletionTimestamp"],
            &["metadata", "finalizers"],
            &["metadata", "labels"],
            &["metadata", "ownerReferences"],
        ],
        ("status", _) => &[&["spec"]],
        _ => &[],
    };
    FieldSet::of_fields(fields)
}
