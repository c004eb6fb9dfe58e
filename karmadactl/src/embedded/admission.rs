//! Karmada's admission as a plug-in of the embedded API server.

use karmada_apiserver::admission::{AdmissionDenied, AdmissionPlugin, AdmissionRequest, Operation};
use karmada_core::admission::{
    AdmissionDenied as CoreDenied, AdmissionInput, Operation as CoreOperation, Related, TaintPolicyRule,
    mutate, validate,
};
use karmada_core::api::FeatureGates;
use serde_json::Value;

/// Defaults and validates Karmada's kinds, and protects objects from deletion.
#[derive(Clone, Debug, Default)]
pub struct KarmadaAdmission {
    pub gates: FeatureGates,
    pub taint_policies: TaintPolicyRule,
}

impl AdmissionPlugin for KarmadaAdmission {
    fn admit(
        &self,
        request: &AdmissionRequest<'_>,
        object: Option<&mut Value>,
    ) -> Result<(), AdmissionDenied> {
        let Some(object) = object else { return Ok(()) };
        let Some(operation) = operation_of(request) else { return Ok(()) };
        // Only Karmada's own kinds are changed: others need no copy.
        if !request.group.ends_with(".karmada.io") {
            return Ok(());
        }
        let uuid = uuid::Uuid::new_v4().to_string();
        *object = mutate(&self.input(request, operation, object, &uuid)).map_err(denied)?;
        Ok(())
    }

    fn validate(
        &self,
        request: &AdmissionRequest<'_>,
        object: Option<&Value>,
    ) -> Result<(), AdmissionDenied> {
        let Some(operation) = operation_of(request) else { return Ok(()) };
        validate(&self.input(request, operation, object.unwrap_or(&Value::Null), "")).map_err(denied)?;
        Ok(())
    }
}

impl KarmadaAdmission {
    fn input<'a>(
        &'a self,
        request: &AdmissionRequest<'a>,
        operation: CoreOperation,
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
            taint_policies: self.taint_policies,
            related: Related::default(),
            uuid,
            now: jiff::Timestamp::now(),
        }
    }
}

fn operation_of(request: &AdmissionRequest<'_>) -> Option<CoreOperation> {
    match request.operation {
        Operation::Create => Some(CoreOperation::Create),
        Operation::Update => Some(CoreOperation::Update),
        Operation::Delete => Some(CoreOperation::Delete),
        Operation::Connect => None,
    }
}

fn denied(denied: CoreDenied) -> AdmissionDenied {
    let causes = denied.causes.into_iter().map(|cause| {
        let text = cause.to_string();
        // A cause names its field apart from its message.
        let message = text.strip_prefix(&format!("{}: ", cause.field)).unwrap_or(&text).to_owned();
        (cause.type_.reason().to_owned(), cause.field, message)
    });
    AdmissionDenied {
        code: denied.code,
        reason: denied.reason.to_owned(),
        causes: causes.collect(),
        message: denied.message,
    }
}
