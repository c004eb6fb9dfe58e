//! Policies against a whole server.

use axum::body::Body;
use http::Request;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::auth::UserInfo;
use crate::{ApiServer, Controllers, ServerConfig};

const ROOT: &str = "/apis/admissionregistration.k8s.io/v1";

async fn server() -> ApiServer {
    let config = ServerConfig { controllers: Controllers::ApiServer, ..ServerConfig::default() };
    ApiServer::start(config).await.unwrap()
}

async fn send(server: &ApiServer, method: &str, path: &str, body: &Value) -> (u16, Value, Vec<String>) {
    let request = Request::builder().method(method).uri(path).header("content-type", "application/json");
    let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
    let response = server.router_as(UserInfo::admin()).oneshot(request.body(body).unwrap()).await.unwrap();
    let warnings = response.headers().get_all("warning").iter();
    let warnings = warnings.map(|warning| warning.to_str().unwrap().to_owned()).collect();
    let status = response.status().as_u16();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null), warnings)
}

/// Replaces the policy `p` and its binding `p-b`; parts are merged into what both have mostly.
async fn install(server: &ApiServer, spec: Value, binding: Value) {
    let merge = |mut base: Value, parts: Value| {
        for (key, value) in parts.as_object().unwrap() {
            base[key] = value.clone();
        }
        base
    };
    let rules =
        json!([{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["*"], "resources": ["configmaps"]}]);
    let spec = merge(json!({"matchConstraints": {"resourceRules": rules}}), spec);
    let binding = merge(json!({"policyName": "p", "validationActions": ["Deny"]}), binding);
    let objects = [
        ("validatingadmissionpolicies", json!({"metadata": {"name": "p"}, "spec": spec})),
        ("validatingadmissionpolicybindings", json!({"metadata": {"name": "p-b"}, "spec": binding})),
    ];
    for (plural, object) in objects {
        let path = format!("{ROOT}/{plural}");
        let name = object["metadata"]["name"].as_str().unwrap();
        send(server, "DELETE", &format!("{path}/{name}"), &Value::Null).await;
        let (status, answer, _) = send(server, "POST", &path, &object).await;
        assert_eq!(status, 201, "{answer}");
    }
}

async fn create(server: &ApiServer, object: Value) -> (u16, Value, Vec<String>) {
    send(server, "POST", "/api/v1/namespaces/default/configmaps?dryRun=All", &object).await
}

fn map(value: &str) -> Value {
    json!({"metadata": {"name": "x"}, "data": {"a": value}})
}

#[tokio::test]
async fn a_policy_says_what_is_wrong_in_its_own_words() {
    let server = server().await;
    let rule = "object.data.a == '1'";
    let denied = |why: &str| {
        format!(
            "configmaps \"x\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'p-b' denied request: {why}"
        )
    };
    let rows = [
        (json!({"expression": rule}), 422, "failed expression: object.data.a == '1'"),
        (json!({"expression": rule, "message": "a must be 1"}), 422, "a must be 1"),
        (json!({"expression": rule, "messageExpression": "'a is ' + object.data.a"}), 422, "a is 2"),
        (json!({"expression": rule, "message": "m", "messageExpression": "'a\\nb'"}), 422, "m"),
        (
            json!({"expression": rule, "messageExpression": "'  '"}),
            422,
            "failed expression: object.data.a == '1'",
        ),
        (json!({"expression": rule, "reason": "Forbidden"}), 403, "failed expression: object.data.a == '1'"),
        (
            json!({"expression": "object.nope == 1"}),
            422,
            "expression 'object.nope == 1' resulted in error: no such key: nope",
        ),
        (
            json!({"expression": "oldObject.data.a == '1'"}),
            422,
            "expression 'oldObject.data.a == '1'' resulted in error: no such key: data",
        ),
        (
            json!({"expression": "lists.range(10000000).size() == 1"}),
            422,
            "expression 'lists.range(10000000).size() == 1' resulted in error: operation cancelled: actual cost limit \
          exceeded",
        ),
        (
            json!({"expression": "namespaceObject.metadata.labels['x'] == '1'"}),
            422,
            "expression 'namespaceObject.metadata.labels['x'] == '1'' resulted in error: no such key: x",
        ),
        (
            json!({"expression": "!authorizer.requestResource.check('create').allowed()",
            "messageExpression": "request.operation + request.kind.kind + string(request.dryRun)"}),
            422,
            "CREATEConfigMaptrue",
        ),
    ];
    for (validation, code, why) in rows {
        install(&server, json!({"validations": [validation]}), json!({})).await;
        let (status, answer, _) = create(&server, map("2")).await;
        assert_eq!((status, answer["message"].as_str()), (code, Some(denied(why).as_str())));
        let cause = answer["details"]["causes"][0]["message"].as_str().unwrap();
        assert!(cause.ends_with(why), "{cause}");
    }
    install(&server, json!({"validations": [{"expression": rule}]}), json!({})).await;
    assert_eq!(create(&server, map("1")).await.0, 201);
}

#[tokio::test]
async fn variables_are_read_by_those_after_them_and_fail_only_who_reads_them() {
    let server = server().await;
    let spec = json!({
        "variables": [
            {"name": "a", "expression": "object.data.a"},
            {"name": "bad", "expression": "object.nope.x"},
            {"name": "twice", "expression": "variables.a + variables.a"}],
        "validations": [{"expression": "variables.twice == '11' || variables.bad == 1"}]});
    install(&server, spec, json!({})).await;
    assert_eq!(create(&server, map("1")).await.0, 201);
    let (status, answer, _) = create(&server, map("2")).await;
    assert_eq!(status, 422);
    let expected = "composited variable \"bad\" fails to evaluate: no such key: nope";
    assert!(answer["message"].as_str().unwrap().ends_with(expected), "{answer}");
}

#[tokio::test]
async fn actions_decide_what_follows() {
    let server = server().await;
    let spec = json!({"validations": [{"expression": "false", "message": "m"}]});
    install(&server, spec.clone(), json!({"validationActions": ["Warn", "Audit"]})).await;
    let (status, _, warnings) = create(&server, map("1")).await;
    let expected = "299 - \"Validation failed for ValidatingAdmissionPolicy 'p' with binding 'p-b': m\"";
    assert_eq!((status, warnings), (201, vec![expected.to_owned()]));
    // Mistakes of a policy that may fail count for nothing; its refusals do.
    let lenient =
        |expression: &str| json!({"failurePolicy": "Ignore", "validations": [{"expression": expression}]});
    install(&server, lenient("object.nope == 1"), json!({})).await;
    assert_eq!(create(&server, map("1")).await.0, 201);
    install(&server, lenient("false"), json!({})).await;
    assert_eq!(create(&server, map("1")).await.0, 422);
}

#[tokio::test]
async fn parameters_are_found_by_name_and_selector() {
    let server = server().await;
    for (name, value) in [("pa", "1"), ("pb", "2")] {
        let object = json!({"metadata": {"name": name, "labels": {"p": "y"}}, "data": {"v": value}});
        assert_eq!(send(&server, "POST", "/api/v1/namespaces/kube-public/configmaps", &object).await.0, 201);
    }
    let spec = json!({"paramKind": {"apiVersion": "v1", "kind": "ConfigMap"}, "validations": [
        {"expression": "object.data.a == params.data.v", "messageExpression": "'want ' + params.data.v"}]});
    let by = |reference: Value| {
        let mut reference = reference;
        reference["namespace"] = "kube-public".into();
        json!({"paramRef": reference})
    };
    let missing =
        "failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction";
    let rows = [
        (by(json!({"name": "pa", "parameterNotFoundAction": "Deny"})), 201, ""),
        (by(json!({"name": "pb", "parameterNotFoundAction": "Deny"})), 422, "want 2"),
        (by(json!({"name": "zz", "parameterNotFoundAction": "Deny"})), 422, missing),
        (by(json!({"name": "zz", "parameterNotFoundAction": "Allow"})), 201, ""),
        (
            by(json!({"selector": {"matchLabels": {"p": "y"}}, "parameterNotFoundAction": "Deny"})),
            422,
            "want 2",
        ),
        (
            by(json!({"selector": {"matchLabels": {"p": "n"}}, "parameterNotFoundAction": "Deny"})),
            422,
            missing,
        ),
        (json!({}), 422, "expression 'object.data.a == params.data.v' resulted in error: no such key: data"),
    ];
    for (binding, code, why) in rows {
        install(&server, spec.clone(), binding.clone()).await;
        let (status, answer, _) = create(&server, map("1")).await;
        assert_eq!(status, code, "{binding}: {answer}");
        assert!(why.is_empty() || answer["message"].as_str().unwrap().ends_with(why), "{answer}");
    }
    let mut unknown = spec;
    unknown["paramKind"] = json!({"apiVersion": "x.io/v1", "kind": "Zap"});
    install(&server, unknown, json!({})).await;
    let (_, answer, _) = create(&server, map("1")).await;
    let expected = "configmaps \"x\" is forbidden: ValidatingAdmissionPolicy 'p' denied request: failed to configure \
                    policy: failed to find resource referenced by paramKind: 'x.io/v1, Kind=Zap'";
    assert_eq!(answer["message"], expected);
}

#[tokio::test]
async fn rules_of_policy_and_binding_both_have_to_match() {
    let server = server().await;
    let never = json!([{"expression": "false"}]);
    let rule = |resource: &str, more: Value| {
        let mut rule =
            json!({"apiGroups": [""], "apiVersions": ["v1"], "operations": ["*"], "resources": [resource]});
        for (key, value) in more.as_object().unwrap() {
            rule[key] = value.clone();
        }
        json!([rule])
    };
    let named = json!({"resourceNames": ["x"]});
    let rows = [
        (json!({"resourceRules": rule("configmaps", named.clone())}), json!({}), 422),
        (json!({"resourceRules": rule("configmaps", json!({"resourceNames": ["y"]}))}), json!({}), 201),
        (
            json!({"resourceRules": rule("configmaps", json!({})), "excludeResourceRules": rule("configmaps", named)}),
            json!({}),
            201,
        ),
        (
            json!({"resourceRules": rule("*", json!({}))}),
            json!({"resourceRules": rule("secrets", json!({}))}),
            201,
        ),
        (
            json!({"resourceRules": rule("*", json!({}))}),
            json!({"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "default"}}}),
            422,
        ),
        (
            json!({"resourceRules": rule("*", json!({}))}),
            json!({"objectSelector": {"matchLabels": {"a": "b"}}}),
            201,
        ),
    ];
    for (constraints, resources, code) in rows {
        let spec = json!({"matchConstraints": constraints, "validations": never});
        install(&server, spec, json!({"matchResources": resources})).await;
        let (status, answer, _) = create(&server, map("1")).await;
        assert_eq!(status, code, "{constraints} {resources}: {answer}");
    }
}

#[tokio::test]
async fn policies_that_cannot_run_are_not_stored() {
    let server = server().await;
    let rules =
        json!([{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["*"], "resources": ["configmaps"]}]);
    let rows = [
        (json!({"validations": [{"expression": "foo == 1"}]}), "spec.validations[0].expression"),
        (json!({"validations": [{"expression": "'a'"}]}), "spec.validations[0].expression"),
        (
            json!({"validations": [{"expression": "true", "messageExpression": "1"}]}),
            "spec.validations[0].messageExpression",
        ),
        (json!({"validations": [{"expression": "params.x == 1"}]}), "spec.validations[0].expression"),
        (
            json!({"variables": [{"name": "v", "expression": "variables.v"}], "validations": [{"expression": "true"}]}),
            "spec.variables[0].expression",
        ),
        (
            json!({"variables": [{"name": "1v", "expression": "1"}], "validations": [{"expression": "true"}]}),
            "spec.variables[0].name",
        ),
        (
            json!({"auditAnnotations": [{"key": "k", "valueExpression": "1"}]}),
            "spec.auditAnnotations[0].valueExpression",
        ),
        (
            json!({"validations": [{"expression": "namespaceObject.foo == 1"}]}),
            "spec.validations[0].expression",
        ),
        (
            json!({"validations": [{"expression": "true"}], "matchConditions": [{"name": "c", "expression": "1"}]}),
            "spec.matchConditions[0].expression",
        ),
    ];
    for (mut spec, field) in rows {
        spec["matchConstraints"] = json!({"resourceRules": rules});
        let policy = json!({"metadata": {"name": "p"}, "spec": spec});
        let path = format!("{ROOT}/validatingadmissionpolicies");
        let (status, answer, _) = send(&server, "POST", &path, &policy).await;
        assert_eq!((status, &answer["details"]["causes"][0]["field"]), (422, &json!(field)), "{answer}");
    }
}
