//! Columns that show a field as it is.

use serde_json::Value;

/// Kind, column, field, and what stands there when the field is absent.
const FIELDS: &[(&str, &str, &str, &str)] = &[
    ("Secret", "Type", "/type", ""),
    ("Namespace", "Status", "/status/phase", ""),
    ("StorageClass", "Provisioner", "/provisioner", ""),
    ("StorageClass", "ReclaimPolicy", "/reclaimPolicy", "Delete"),
    ("StorageClass", "VolumeBindingMode", "/volumeBindingMode", "<unset>"),
    ("PriorityClass", "PreemptionPolicy", "/preemptionPolicy", ""),
    ("Lease", "Holder", "/spec/holderIdentity", ""),
    ("RuntimeClass", "Handler", "/handler", ""),
    ("EndpointSlice", "AddressType", "/addressType", ""),
    ("VolumeAttachment", "Attacher", "/spec/attacher", ""),
    ("VolumeAttachment", "PV", "/spec/source/persistentVolumeName", ""),
    ("VolumeAttachment", "Node", "/spec/nodeName", ""),
    ("VolumeAttributesClass", "DriverName", "/driverName", ""),
    ("ValidatingAdmissionPolicyBinding", "PolicyName", "/spec/policyName", ""),
    ("MutatingAdmissionPolicyBinding", "PolicyName", "/spec/policyName", ""),
    ("CertificateSigningRequest", "SignerName", "/spec/signerName", "<none>"),
    ("CertificateSigningRequest", "Requestor", "/spec/username", ""),
    ("IngressClass", "Controller", "/spec/controller", ""),
    ("ResourceSlice", "Node", "/spec/nodeName", ""),
    ("ResourceSlice", "Driver", "/spec/driver", ""),
    ("ResourceSlice", "Pool", "/spec/pool/name", ""),
    ("FlowSchema", "PriorityLevel", "/spec/priorityLevelConfiguration/name", ""),
    ("FlowSchema", "DistinguisherMethod", "/spec/distinguisherMethod/type", "<none>"),
    ("PriorityLevelConfiguration", "Type", "/spec/type", ""),
    ("Event", "Type", "/type", ""),
    ("Event", "Reason", "/reason", ""),
];

/// Kind, column and list whose length is shown.
const COUNTS: &[(&str, &str, &str)] = &[
    ("ValidatingWebhookConfiguration", "Webhooks", "/webhooks"),
    ("MutatingWebhookConfiguration", "Webhooks", "/webhooks"),
    ("ValidatingAdmissionPolicy", "Validations", "/spec/validations"),
    ("MutatingAdmissionPolicy", "Mutations", "/spec/mutations"),
    ("CSINode", "Drivers", "/spec/drivers"),
    ("Secret", "Data", "/data"),
];

/// Kind, column and flag.
const FLAGS: &[(&str, &str, &str)] = &[
    ("PriorityClass", "Global-Default", "/globalDefault"),
    ("StorageClass", "AllowVolumeExpansion", "/allowVolumeExpansion"),
    ("CSIDriver", "AttachRequired", "/spec/attachRequired"),
    ("CSIDriver", "PodInfoOnMount", "/spec/podInfoOnMount"),
    ("CSIDriver", "StorageCapacity", "/spec/storageCapacity"),
    ("CSIDriver", "RequiresRepublish", "/spec/requiresRepublish"),
    ("VolumeAttachment", "Attached", "/status/attached"),
];

pub(super) fn cell(kind: &str, column: &str, object: &Value) -> Option<Value> {
    if let Some((_, _, path, absent)) = FIELDS.iter().find(|row| (row.0, row.1) == (kind, column)) {
        let found = object.pointer(path).filter(|value| !value.is_null());
        return Some(found.cloned().unwrap_or_else(|| Value::from(*absent)));
    }
    if let Some((_, _, path)) = COUNTS.iter().find(|row| (row.0, row.1) == (kind, column)) {
        let count = object.pointer(path).map_or(0, |list| {
            list.as_array()
                .map(Vec::len)
                .or_else(|| list.as_object().map(serde_json::Map::len))
                .unwrap_or_default()
        });
        return Some(count.into());
    }
    if let Some((_, _, path)) = FLAGS.iter().find(|row| (row.0, row.1) == (kind, column)) {
        return Some(object.pointer(path).and_then(Value::as_bool).unwrap_or_default().into());
    }
    match (kind, column) {
        ("PriorityClass", "Value") => Some(object.get("value").cloned().unwrap_or_else(|| 0.into())),
        _ => None,
    }
}
