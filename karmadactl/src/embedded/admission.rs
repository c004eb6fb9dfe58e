//! Karmada's admission as a plug-in of the embedded API server.

use std::sync::Arc;

use jiff::Timestamp;
use karmada_apiserver::admission::{AdmissionDenied, AdmissionPlugin, AdmissionRequest, Operation};
use karmada_core::admission::{self, AdmissionInput, TaintPolicyRule};
use karmada_core::api::FeatureGates;
use serde_json::Value;

/// Groups whose objects are changed on their way in.
const OWN_GROUPS: &str = ".karmada.io";

/// Defaults, identifiers and validation of Karmada's kinds, and deletion protection of all kinds.
#[derive(Clone, Debug, Default)]
pub struct KarmadaAdmission {
    gates: FeatureGates,
}

impl KarmadaAdmission {
    /// Admission with upstream's default feature gates.
    pub fn plugin() -> Arc<dyn AdmissionPlugin> {
        Arc::new(Self::default())
    }
}

impl AdmissionPlugin for KarmadaAdmission {
    fn admit(
        &self,
        request: &AdmissionRequest<'_>,
        object: Option<&mut Value>,
    ) -> Result<(), AdmissionDenied> {
        let (Some(object), Some(operation)) = (object, operation_of(request.operation)) else {
            return Ok(());
        };
        // Everything else is left as it is; the many writes of other kinds need no copy.
        if !request.group.ends_with(OWN_GROUPS) || operation == admission::Operation::Delete {
            return Ok(());
        }
        let uuid = uuid::Uuid::new_v4().to_string();
        *object = admission::mutate(&self.input(request, operation, object, &uuid)).map_err(denied)?;
        Ok(())
    }

    fn validate(
        &self,
        request: &AdmissionRequest<'_>,
        object: Option<&Value>,
    ) -> Result<(), AdmissionDenied> {
        let Some(operation) = operation_of(request.operation) else { return Ok(()) };
        if !request.group.ends_with(OWN_GROUPS) && operation != admission::Operation::Delete {
            return Ok(());
        }
        let object = object.unwrap_or(&Value::Null);
        admission::validate(&self.input(request, operation, object, "")).map_err(denied)
    }
}

impl KarmadaAdmission {
    fn input<'a>(
        &'a self,
        request: &AdmissionRequest<'a>,
        operation: admission::Operation,
        object: &'a Value,
        uuid: &'a str,
    ) -> AdmissionInput<'a> {
        AdmissionInput {
            operation,
            group: request.group,
            kind: request.kind,
            subresource: request.subresource,
            object,
            old_object: request.old_object,
            namespace: request.namespace,
            gates: &self.gates,
            taint_policies: TaintPolicyRule::default(),
            uuid,
            now: Timestamp::now(),
        }
    }
}

fn operation_of(operation: Operation) -> Option<admission::Operation> {
    match operation {
        Operation::Create => Some(admission::Operation::Create),
        Operation::Update => Some(admission::Operation::Update),
        Operation::Delete => Some(admission::Operation::Delete),
        Operation::Connect => None,
    }
}

fn denied(error: admission::AdmissionDenied) -> AdmissionDenied {
    let cause = |cause: admission::FieldError| {
        let text = cause.to_string();
        // The cause names its field apart.
        let message = text.strip_prefix(&format!("{}: ", cause.field)).unwrap_or(&text).to_owned();
        (cause.type_.reason().to_owned(), cause.field, message)
    };
    AdmissionDenied {
        code: error.code,
        reason: error.reason.to_owned(),
        message: error.message,
        causes: error.causes.into_iter().map(cause).collect(),
    }
}
