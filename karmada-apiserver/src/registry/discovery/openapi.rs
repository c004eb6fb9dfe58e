//! OpenAPI documents, joined from stored text and the schemas of CRDs.

use std::sync::LazyLock;

use bytes::Bytes;
use serde_json::{Value, json};

use super::super::catalog::Registry;
use super::super::{built_in, crd, definitions};
use super::{Document, with_etag};

/// Hash of the stored documents by key: what `/openapi/v3` puts into its links.
static STORED: LazyLock<Vec<(String, String)>> = LazyLock::new(|| {
    let text = documents();
    let keyed = text.lines().filter_map(|line| line.split_once('\t'));
    keyed
        .filter(|(key, _)| key.starts_with("api"))
        .map(|(key, body)| (key.to_owned(), hash(body.as_bytes())))
        .collect()
});

const V2_PROTOBUF: &str = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";

/// Returns `/openapi/v2`; `None` when the client accepts no JSON.
pub(super) fn v2(registry: &Registry, accept: &str) -> Option<Document> {
    let acceptable = accept.is_empty()
        || accept.split(',').any(|range| {
            let media = range.split(';').next().unwrap_or_default().trim();
            matches!(media, "*/*" | "application/*" | "application/json") || media == V2_PROTOBUF
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
    let rest = stored("v2.rest")?.trim_start_matches('{').trim_end_matches('}');
    let mut paths = stored("v2.paths")?.trim_end_matches('}').to_owned() + "}";
    let mut schemas = definitions::json_members();
    let custom = crd::openapi::v2(registry);
    for (name, schema) in custom.definitions {
        schemas.push_str(&format!(",{}:{schema}", Value::from(name)));
    }
    for (path, item) in custom.paths {
        paths.push_str(&format!(",{}:{item}", Value::from(path)));
    }
    let body = format!(
        "{{\"swagger\":\"2.0\",\"info\":{{\"title\":\"Kubernetes\",\"version\":\"v1.36.2\"}},\"paths\":{paths}}},\
         \"definitions\":{{{schemas}}},{rest}}}"
    );
    Some(with_etag("application/json", Bytes::from(body)))
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
    for (key, document) in crd::openapi::v3_documents(registry) {
        add(&key, &hash(document.to_string().as_bytes()));
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

fn hash(body: &[u8]) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA512, body);
    digest.as_ref().iter().map(|byte| format!("{byte:02X}")).collect()
}
