//! The spec of clusters.

use serde_json::{Value, json};

use super::{
    FieldError, FieldErrorType,
    resource_models::{internal_json, validate_models},
    url,
};
use crate::{
    api::cluster::{
        ClusterSpec, ClusterSyncMode, LocalSecretReference, Taint,
        constants::{EFFECT_NO_EXECUTE, EFFECT_NO_SCHEDULE},
    },
    object::{
        to_go_json,
        validation::{label_value, qualified_name},
    },
};

const MAX_ID_LENGTH: usize = 128_000;
const HOST_FORM: &str = "desired format: hostname, hostname:port, IP or IP:port";

/// Checks the spec; `written` is the spec as the user wrote it.
pub(super) fn validate_spec(spec: &ClusterSpec, written: &Value, errors: &mut Vec<FieldError>) {
    if spec.id.len() > MAX_ID_LENGTH {
        let detail = format!("may not be more than {MAX_ID_LENGTH} bytes");
        errors.push(FieldError {
            type_: FieldErrorType::TooLong,
            field: "spec.id".to_owned(),
            value: None,
            detail,
        });
    }
    if spec.sync_mode.is_unset() {
        errors.push(FieldError::required("spec.syncMode", ""));
    }
    if !matches!(spec.sync_mode, ClusterSyncMode::Push | ClusterSyncMode::Pull) {
        errors.push(FieldError::not_supported("spec.syncMode", spec.sync_mode.as_str(), &["Pull", "Push"]));
    }
    if !spec.api_endpoint.is_empty() {
        validate_endpoint(&spec.api_endpoint, errors);
    }
    validate_secret(spec.secret_ref.as_ref(), "spec.secretRef", errors);
    validate_secret(spec.impersonator_secret_ref.as_ref(), "spec.impersonatorSecretRef", errors);
    if !spec.proxy_url.is_empty() {
        validate_proxy(&spec.proxy_url, errors);
    }
    push_label_messages("spec.provider", &spec.provider, errors);
    push_label_messages("spec.region", &spec.region, errors);
    if !spec.zone.is_empty() && !spec.zones.is_empty() {
        errors.push(FieldError {
            type_: FieldErrorType::TypeInvalid,
            field: "spec.spec".to_owned(),
            value: Some(internal_spec(spec)),
            detail: "Zone and Zones cannot co-exist".to_owned(),
        });
    } else {
        push_label_messages("spec.zone", &spec.zone, errors);
        for zone in &spec.zones {
            push_label_messages("spec.Zones", zone, errors);
        }
    }
    validate_taints(&spec.taints, errors);
    validate_models(&spec.resource_models, &written["resourceModels"], errors);
}

fn validate_endpoint(endpoint: &str, errors: &mut Vec<FieldError>) {
    let field = "spec.apiEndpoint";
    let url = match url::parse(endpoint) {
        Ok(url) => url,
        Err(error) => {
            let detail = format!("apiEndpoint must be a valid URL: {error}; {HOST_FORM}");
            errors.push(FieldError::invalid(field, endpoint, detail));
            return;
        }
    };
    if url.host.is_empty() {
        errors.push(FieldError::invalid(field, "", format!("host must be provided; {HOST_FORM}")));
    }
    if let Some(user) = url.user {
        errors.push(FieldError::invalid(field, user, "user information is not permitted in the URL"));
    }
    if !url.fragment.is_empty() {
        errors.push(FieldError::invalid(field, url.fragment, "fragments are not permitted in the URL"));
    }
    if !url.query.is_empty() {
        errors.push(FieldError::invalid(field, url.query, "query parameters are not permitted in the URL"));
    }
}

fn validate_proxy(proxy: &str, errors: &mut Vec<FieldError>) {
    let field = "spec.proxyURL";
    match url::parse(proxy) {
        Err(error) => {
            errors.push(FieldError::invalid(
                field,
                proxy,
                format!("apiEndpoint must be a valid URL: {error}"),
            ));
        }
        Ok(url) if !matches!(url.scheme.as_str(), "http" | "https" | "socks5") => {
            let detail = format!("unsupported scheme {:?}, must be http, https, or socks5", url.scheme);
            errors.push(FieldError::invalid(field, proxy, detail));
        }
        Ok(_) => {}
    }
}

fn validate_secret(secret: Option<&LocalSecretReference>, path: &str, errors: &mut Vec<FieldError>) {
    let Some(secret) = secret else {
        return;
    };
    if secret.namespace.is_empty() {
        errors.push(FieldError::required(format!("{path}.namespace"), ""));
    }
    if secret.name.is_empty() {
        errors.push(FieldError::required(format!("{path}.name"), ""));
    }
}

fn validate_taints(taints: &[Taint], errors: &mut Vec<FieldError>) {
    for (index, taint) in taints.iter().enumerate() {
        let path = format!("spec.taints[{index}]");
        let field = format!("{path}.key");
        errors.extend(
            qualified_name(&taint.key)
                .into_iter()
                .map(|message| FieldError::invalid(&field, &taint.key, message)),
        );
        push_label_messages(&format!("{path}.value"), &taint.value, errors);
        match taint.effect.as_str() {
            "" => errors.push(FieldError::required(format!("{path}.effect"), "")),
            EFFECT_NO_SCHEDULE | EFFECT_NO_EXECUTE => {}
            other => errors.push(FieldError::not_supported(
                format!("{path}.effect"),
                other,
                &[EFFECT_NO_SCHEDULE, EFFECT_NO_EXECUTE],
            )),
        }
        let same = |other: &Taint| other.key == taint.key && other.effect == taint.effect;
        if taints[..index].iter().any(same) {
            errors.push(FieldError {
                type_: FieldErrorType::Duplicate,
                field: path,
                value: Some(to_go_json(taint)),
                detail: "taints must be unique by key and effect pair".to_owned(),
            });
        }
    }
}

fn push_label_messages(field: &str, value: &str, errors: &mut Vec<FieldError>) {
    errors.extend(label_value(value).into_iter().map(|message| FieldError::invalid(field, value, message)));
}

/// Returns the spec as JSON with Go's internal field names, which upstream shows in one message.
fn internal_spec(spec: &ClusterSpec) -> String {
    let secret = |secret: Option<&LocalSecretReference>| match secret {
        None => "null".to_owned(),
        Some(secret) => {
            format!("{{\"Namespace\":{},\"Name\":{}}}", json!(secret.namespace), json!(secret.name))
        }
    };
    let headers =
        if spec.proxy_header.is_empty() { "null".to_owned() } else { to_go_json(&spec.proxy_header) };
    let taints = if spec.taints.is_empty() { "null".to_owned() } else { to_go_json(&spec.taints) };
    let models = if spec.resource_models.is_empty() {
        "null".to_owned()
    } else {
        internal_json(&spec.resource_models)
    };
    let members = [
        format!("\"SyncMode\":{}", json!(spec.sync_mode.as_str())),
        format!("\"APIEndpoint\":{}", to_go_json(&spec.api_endpoint)),
        format!("\"SecretRef\":{}", secret(spec.secret_ref.as_ref())),
        format!("\"ImpersonatorSecretRef\":{}", secret(spec.impersonator_secret_ref.as_ref())),
        format!("\"InsecureSkipTLSVerification\":{}", spec.insecure_skip_tls_verification),
        format!("\"ProxyURL\":{}", to_go_json(&spec.proxy_url)),
        format!("\"ProxyHeader\":{headers}"),
        format!("\"Provider\":{}", to_go_json(&spec.provider)),
        format!("\"Region\":{}", to_go_json(&spec.region)),
        format!("\"Zone\":{}", to_go_json(&spec.zone)),
        format!("\"zones\":{}", to_go_json(&spec.zones)),
        format!("\"Taints\":{taints}"),
        format!("\"ResourceModels\":{models}"),
    ];
    let id = if spec.id.is_empty() { String::new() } else { format!("\"id\":{},", to_go_json(&spec.id)) };
    format!("{{{id}{}}}", members.join(","))
}
