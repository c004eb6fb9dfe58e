//! OpenAPI documents, joined from stored text and the schemas of CRDs.

use std::sync::LazyLock;

use bytes::Bytes;
use serde_json::{Value, json};

use super::super::catalog::Registry;
use super::super::{built_in, crd, definitions};
use super::{Document, content_hash, protobuf, with_etag};

/// Hash of the stored documents by key: what `/openapi/v3` puts into its links.
static STORED: LazyLock<Vec<(String, String)>> = LazyLock::new(|| {
    let text = documents();
    let keyed = text.lines().filter_map(|line| line.split_once('\t'));
    keyed
        .filter(|(key, _)| key.starts_with("api"))
        .map(|(key, body)| (key.to_owned(), content_hash(body.as_bytes())))
        .collect()
});

/// Returns `/openapi/v2`; `None` when the client accepts no JSON.
pub(super) fn v2(registry: &Registry, accept: &str) -> Option<Document> {
    let acceptable = accept.is_empty()
        || accept.split(',').any(|range| {
            let media = range.split(';').next().unwrap_or_default().trim();
            matches!(media, "*/*" | "application/*" | "application/json") || media == protobuf::ACCEPTED
        });
    if !acceptable {
        return None;
    }
    let text = documents();
    let stored = |wanted: &str| {
        text.lines()
            .filter_map(|line| line.split_once('\t'))
            .find(|(key, _)| *key == wanted)
            .map(|(_, body)| body)
    };
    let rest = stored("v2.rest")?.strip_prefix('{')?.strip_suffix('}')?;
    let paths = stored("v2.paths")?;
    let mut schemas = definitions::json_members();
    for (name, schema) in crd::openapi::v2_definitions(registry) {
        schemas.push(',');
        schemas.push_str(&Value::from(name).to_string());
        schemas.push(':');
        schemas.push_str(&schema.to_string());
    }
    let body = format!(
        "{{\"swagger\":\"2.0\",\"info\":{{\"title\":\"Kubernetes\",\"version\":\"v1.36.2\"}},\"paths\":{paths},\
         \"definitions\":{{{schemas}}},{rest}}}"
    );
    let document = with_etag("application/json", Bytes::from(body));
    let first = accept.split(',').next().unwrap_or_default();
    if first.split(';').next().unwrap_or_default().trim() != protobuf::ACCEPTED {
        return Some(document);
    }
    let value: Value = serde_json::from_slice(&document.body).ok()?;
    // Both forms are one document, with one tag.
    Some(Document {
        content_type: protobuf::CONTENT_TYPE.to_owned(),
        body: Bytes::from(protobuf::document(value["definitions"].as_object()?)),
        etag: document.etag,
    })
}

/// Returns `/openapi/v3`: the paths of all documents.
pub(super) fn v3_index(registry: &Registry) -> Document {
    let mut paths = serde_json::Map::new();
    let mut add = |key: &str, hash: &str| {
        paths.insert(key.to_owned(), json!({"serverRelativeURL": format!("/openapi/v3/{key}?hash={hash}")}));
    };
    for (key, hash) in STORED.iter() {
        add(key, hash);
    }
    for key in crd::openapi::v3_keys(registry) {
        // The hash names the content: clients keep what they have under it.
        let document =
            crd::openapi::v3(registry, &key).map(|document| document.to_string()).unwrap_or_default();
        add(&key, &content_hash(document.as_bytes()));
    }
    let body = Bytes::from(json!({"paths": paths}).to_string());
    Document { content_type: "text/plain; charset=utf-8".to_owned(), body, etag: None }
}

/// Returns one OpenAPI v3 document.
pub(super) fn v3(registry: &Registry, key: &str) -> Option<Document> {
    let text = documents();
    let stored = text.lines().filter_map(|line| line.split_once('\t')).find(|(found, _)| *found == key);
    let body = match stored {
        Some((_, body)) => body.to_owned(),
        None => crd::openapi::v3(registry, key)?.to_string(),
    };
    Some(with_etag("application/json", Bytes::from(body)))
}

fn documents() -> String {
    built_in::unpack(include_bytes!("../../../data/documents.tsv.zst"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_document_is_json() {
        let registry = Registry::built_in();
        let v2 = v2(&registry, "").unwrap();
        let value: Value = serde_json::from_slice(&v2.body).unwrap();
        assert_eq!(value["swagger"], "2.0");
        assert!(value["definitions"]["io.k8s.api.core.v1.Pod"].is_object());
        assert!(value["paths"].as_object().is_some_and(|paths| paths.len() > 100));
        let index: Value = serde_json::from_slice(&v3_index(&registry).body).unwrap();
        for key in index["paths"].as_object().unwrap().keys() {
            let document: Value = serde_json::from_slice(&v3(&registry, key).unwrap().body).unwrap();
            assert_eq!(document["openapi"], "3.0.0", "{key}");
        }
    }

    #[test]
    fn answers_in_protobuf_when_that_is_asked_first() {
        let registry = Registry::built_in();
        let json = v2(&registry, "application/json").unwrap();
        let protobuf = v2(&registry, protobuf::ACCEPTED).unwrap();
        assert_eq!(protobuf.content_type, protobuf::CONTENT_TYPE);
        assert_eq!(protobuf.etag, json.etag);
        assert!(v2(&registry, "application/xml").is_none());
    }
}
