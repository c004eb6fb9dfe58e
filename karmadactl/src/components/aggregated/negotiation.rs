//! Which form an answer may have: always JSON, as an object or as a table.

use http::{HeaderMap, HeaderValue, header};
use karmada_apiserver::http::Failure;

const JSON: &str = "application/json";

/// Returns what to ask for, of what a client accepts: only forms that can be translated.
pub(super) fn accept(headers: &HeaderMap) -> Result<HeaderValue, Failure> {
    let values = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let said: Vec<&str> =
        values.flat_map(|value| value.split(',')).map(str::trim).filter(|part| !part.is_empty()).collect();
    let kept: Vec<String> = said.iter().filter_map(|part| json_form(part)).collect();
    if said.is_empty() {
        return Ok(HeaderValue::from_static(JSON));
    }
    if kept.is_empty() {
        return Err(Failure::not_acceptable(JSON));
    }
    HeaderValue::try_from(kept.join(", ")).map_err(|_| Failure::not_acceptable(JSON))
}

/// Whether a client takes JSON.
pub(super) fn takes_json(headers: &HeaderMap) -> bool {
    accept(headers).is_ok()
}

/// Returns a media range as one of JSON, if it is any.
fn json_form(range: &str) -> Option<String> {
    let mut parts = range.split(';').map(str::trim);
    let media_type = parts.next()?;
    if !matches!(media_type, "application/json" | "application/*" | "*/*") {
        return None;
    }
    Some(parts.fold(JSON.to_owned(), |form, parameter| format!("{form};{parameter}")))
}

/// The form of a request's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BodyForm {
    Json,
    Yaml,
    JsonPatch,
    MergePatch,
    StrategicMergePatch,
    /// A configuration that is applied; in YAML, of which JSON is a part.
    Apply,
}

/// Returns the form of a body.
pub(super) fn body_form(headers: &HeaderMap) -> Result<BodyForm, Failure> {
    let said = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or(JSON);
    let media_type = said.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    Ok(match media_type.as_str() {
        "" | JSON => BodyForm::Json,
        "application/yaml" => BodyForm::Yaml,
        "application/json-patch+json" => BodyForm::JsonPatch,
        "application/merge-patch+json" => BodyForm::MergePatch,
        "application/strategic-merge-patch+json" => BodyForm::StrategicMergePatch,
        "application/apply-patch+yaml" => BodyForm::Apply,
        _ => return Err(Failure::unsupported_media_type("application/json, application/yaml")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(text: &'static str) -> Option<String> {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_static(text));
        accept(&headers).ok().map(|value| value.to_str().unwrap().to_owned())
    }

    #[test]
    fn only_json_is_asked_for() {
        let table = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
        assert_eq!(asked(table).unwrap(), "application/json;as=Table;v=v1;g=meta.k8s.io, application/json");
        assert_eq!(asked("application/vnd.kubernetes.protobuf, */*").unwrap(), "application/json");
        assert_eq!(asked("application/vnd.kubernetes.protobuf"), None);
        assert_eq!(accept(&HeaderMap::new()).unwrap(), JSON);
    }

    #[test]
    fn forms_of_bodies_are_known_by_their_type() {
        let mut headers = HeaderMap::new();
        assert_eq!(body_form(&headers).unwrap(), BodyForm::Json);
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/yaml; charset=utf-8"));
        assert_eq!(body_form(&headers).unwrap(), BodyForm::Yaml);
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/vnd.kubernetes.protobuf"));
        assert!(body_form(&headers).is_err());
    }
}
