//! Karmada's admission as a plug-in of the embedded API server.

use karmada_apiserver::admission::{
    AdmissionDenied, AdmissionPlugin, AdmissionRequest, Operation, StoredObjects,
};
use karmada_core::admission::{
    AdmissionDenied as CoreDenied, AdmissionInput, Operation as CoreOperation, Related, RelatedKind,
    TaintPolicyRule, mutate, overall_use, related, validate,
};
use karmada_core::api::FeatureGates;
use karmada_core::api::policy::FederatedResourceQuotaSpec;
use karmada_core::api::work::ResourceBindingSpec;
use serde::Deserialize as _;
use serde_json::{Value, json};

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

    /// Refuses what is not valid.
    ///
    /// What bindings use of quotas is counted in what is stored, so nothing has to be written here;
    /// the quotas' status follows later. Writes that are checked at the same moment do not see each
    /// other, and may together use more than a quota allows.
    fn validate(
        &self,
        request: &AdmissionRequest<'_>,
        object: Option<&Value>,
    ) -> Result<(), AdmissionDenied> {
        let Some(operation) = operation_of(request) else { return Ok(()) };
        let input = self.input(request, operation, object.unwrap_or(&Value::Null), "");
        let stored = match related(&input) {
            Some(RelatedKind::Customizations) => {
                request.stored.list("config.karmada.io", "resourceinterpretercustomizations", "")
            }
            Some(RelatedKind::Quotas) => quotas(&request.stored, request.namespace),
            None => Vec::new(),
        };
        let related = Related { customizations: &stored, quotas: &stored };
        validate(&AdmissionInput { related, ..input }).map(|_| ()).map_err(denied)
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

/// Returns the quotas of a namespace with what its bindings use of them now.
fn quotas(stored: &StoredObjects<'_>, namespace: &str) -> Vec<Value> {
    let mut quotas = stored.list("policy.karmada.io", "federatedresourcequotas", namespace);
    if quotas.is_empty() {
        return quotas;
    }
    let bindings = stored.list("work.karmada.io", "resourcebindings", namespace);
    // What is stored was checked when it was written; a binding that cannot be read has no replicas either.
    let bindings: Vec<ResourceBindingSpec> = bindings
        .iter()
        .filter_map(|binding| ResourceBindingSpec::deserialize(&binding["spec"]).ok())
        .collect();
    for quota in &mut quotas {
        let Ok(spec) = FederatedResourceQuotaSpec::deserialize(&quota["spec"]) else { continue };
        quota["status"] = json!({"overallUsed": overall_use(&bindings, &spec.overall)});
    }
    quotas
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
