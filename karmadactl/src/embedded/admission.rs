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
            Some(RelatedKind::Quotas) => quotas(request.stored, request.namespace),
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
fn quotas(stored: StoredObjects<'_>, namespace: &str) -> Vec<Value> {
    let mut quotas = stored.list("policy.karmada.io", "federatedresourcequotas", namespace);
    if !quotas.is_empty() {
        count_use(&mut quotas, &stored.list("work.karmada.io", "resourcebindings", namespace));
    }
    quotas
}

/// Writes into the quotas of a namespace what its bindings use of them.
///
/// DEVIATION: upstream goes by the quotas' status, which may lag.
pub(crate) fn count_use(quotas: &mut [Value], bindings: &[Value]) {
    // What is stored was checked when it was written; a binding that cannot be read has no replicas either.
    let bindings: Vec<ResourceBindingSpec> = bindings
        .iter()
        .filter_map(|binding| ResourceBindingSpec::deserialize(&binding["spec"]).ok())
        .collect();
    for quota in quotas {
        let Ok(spec) = FederatedResourceQuotaSpec::deserialize(&quota["spec"]) else { continue };
        quota["status"] = json!({"overallUsed": overall_use(&bindings, &spec.overall)});
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use karmada_apiserver::auth::UserInfo;
    use karmada_apiserver::{ApiServer, ServerConfig};
    use kube::api::{Api, DynamicObject, PostParams};
    use kube::core::{ApiResource, GroupVersionKind};

    use super::*;

    async fn create(client: &kube::Client, plural: &str, object: Value) -> Result<(), kube::core::Status> {
        let (group, version) = object["apiVersion"].as_str().unwrap().split_once('/').unwrap();
        let gvk = GroupVersionKind::gvk(group, version, object["kind"].as_str().unwrap());
        let resource = ApiResource::from_gvk_with_plural(&gvk, plural);
        let api: Api<DynamicObject> = match object["metadata"]["namespace"].as_str() {
            Some(namespace) => Api::namespaced_with(client.clone(), namespace, &resource),
            None => Api::all_with(client.clone(), &resource),
        };
        match api.create(&PostParams::default(), &serde_json::from_value(object).unwrap()).await {
            Ok(_) => Ok(()),
            Err(kube::Error::Api(status)) => Err(*status),
            Err(error) => unreachable!("the server answers: {error}"),
        }
    }

    async fn server() -> ApiServer {
        let gates = FeatureGates::from_names([("FederatedQuotaEnforcement", true)]).unwrap();
        let config = ServerConfig {
            crds: karmada_core::api::crds(),
            admission: vec![Arc::new(KarmadaAdmission { gates, ..KarmadaAdmission::default() })],
            ..ServerConfig::default()
        };
        ApiServer::start(config).await.unwrap()
    }

    fn binding(name: &str, replicas: i32) -> Value {
        json!({
            "apiVersion": "work.karmada.io/v1alpha2", "kind": "ResourceBinding",
            "metadata": {"name": name, "namespace": "default"},
            "spec": {
                "resource": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name, "namespace": "default"},
                "replicaRequirements": {"resourceRequest": {"cpu": "1"}},
                "clusters": [{"name": "m1", "replicas": replicas}]
            }
        })
    }

    #[tokio::test]
    async fn bindings_are_counted_against_the_quota_of_their_namespace() {
        let server = server().await;
        let client = server.client(UserInfo::admin());
        let quota = json!({
            "apiVersion": "policy.karmada.io/v1alpha1", "kind": "FederatedResourceQuota",
            "metadata": {"name": "q", "namespace": "default"}, "spec": {"overall": {"cpu": "5"}}
        });
        create(&client, "federatedresourcequotas", quota).await.unwrap();
        create(&client, "resourcebindings", binding("a", 3)).await.unwrap();
        let status = create(&client, "resourcebindings", binding("b", 3)).await.unwrap_err();
        assert_eq!((status.code, status.reason.as_str()), (403, "QuotaExceeded"));
        assert!(status.message.contains("requested sum 6, limit 5."), "{}", status.message);
        create(&client, "resourcebindings", binding("c", 2)).await.unwrap();
        server.shutdown().await;
    }

    #[tokio::test]
    async fn two_customizations_do_not_answer_the_same_question() {
        let server = server().await;
        let client = server.client(UserInfo::admin());
        let customization = |name: &str, script: &str| {
            json!({
                "apiVersion": "config.karmada.io/v1alpha1", "kind": "ResourceInterpreterCustomization",
                "metadata": {"name": name},
                "spec": {
                    "target": {"apiVersion": "example.io/v1", "kind": "W"},
                    "customizations": {"retention": {"luaScript": script}}
                }
            })
        };
        let plural = "resourceinterpretercustomizations";
        let status = create(&client, plural, customization("a", "if if")).await.unwrap_err();
        assert!(status.message.contains("near 'if':   syntax error"), "{}", status.message);
        create(&client, plural, customization("a", "function Retain() end")).await.unwrap();
        let status = create(&client, plural, customization("b", "function Retain() end")).await.unwrap_err();
        assert!(
            status.message.contains("conflicting with InterpreterOperation(Retain)"),
            "{}",
            status.message
        );
        server.shutdown().await;
    }
}
