//! Which document a path has.

use bytes::Bytes;
use serde_json::Value;

use super::super::catalog::Registry;
use super::{aggregated, legacy, openapi};

/// A document and what its headers say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    pub content_type: String,
    pub body: Bytes,
    /// Quoted, as in the header.
    pub etag: Option<String>,
}

impl Registry {
    /// Answers a discovery or OpenAPI path: `/api`, `/apis`, their groups and versions, `/openapi/v2`, `/openapi/v3/...`.
    ///
    /// A trailing slash is accepted. `None`: there is no such document.
    pub fn discovery(&self, path: &str, accept: &str) -> Option<Document> {
        let path = path.trim_matches('/');
        let parts: Vec<&str> = path.split('/').collect();
        match parts.as_slice() {
            ["openapi", "v2"] => openapi::v2(self, accept),
            ["openapi", "v3"] => Some(openapi::v3_index(self)),
            ["openapi", "v3", rest @ ..] => openapi::v3(self, &rest.join("/")),
            ["api" | "apis"] if aggregated::wanted(accept).is_some() => {
                Some(aggregated::document(self, path, aggregated::wanted(accept)?))
            }
            ["api"] => Some(json_document(&legacy::api_versions())),
            ["apis"] => Some(json_document(&legacy::groups(self))),
            ["api", version] => legacy::resources(self, "", version).map(|list| json_document(&list)),
            ["apis", group] => legacy::group(self, group).map(|group| json_document(&group)),
            ["apis", group, version] => {
                legacy::resources(self, group, version).map(|list| json_document(&list))
            }
            _ => None,
        }
    }

    /// Returns all paths that have a discovery document, as the root document lists them.
    pub fn discovery_paths(&self) -> Vec<String> {
        let mut paths =
            vec!["/api".to_owned(), "/api/v1".to_owned(), "/apis".to_owned(), "/apis/".to_owned()];
        for (group, versions) in self.groups() {
            if group.is_empty() {
                continue;
            }
            paths.push(format!("/apis/{group}"));
            paths.extend(versions.iter().map(|version| format!("/apis/{group}/{version}")));
        }
        paths.sort();
        paths
    }

    /// Returns the groups with their versions, both in the order of discovery.
    pub(crate) fn groups(&self) -> Vec<(&str, Vec<&str>)> {
        let mut groups: Vec<(&str, Vec<&str>)> = Vec::new();
        for resource in self.resources() {
            let position = groups.iter().position(|(group, _)| *group == resource.group);
            let index = position.unwrap_or_else(|| {
                groups.push((&resource.group, Vec::new()));
                groups.len() - 1
            });
            if !groups[index].1.contains(&resource.version.as_str()) {
                groups[index].1.push(&resource.version);
            }
        }
        for (group, versions) in &mut groups {
            // The recorded order of built-in versions stands; those of CRDs follow the version rules.
            let custom = self.resources().any(|r| r.group == **group && r.is_custom());
            if custom {
                versions.sort_by(|a, b| super::super::crd::compare_versions(a, b));
            }
        }
        groups
    }
}

fn json_document(value: &Value) -> Document {
    Document { content_type: "application/json".to_owned(), body: Bytes::from(value.to_string()), etag: None }
}

pub(super) fn with_etag(content_type: &str, body: Bytes) -> Document {
    let hash = content_hash(&body);
    Document { content_type: content_type.to_owned(), body, etag: Some(format!("\"{hash}\"")) }
}

/// Returns the SHA-512 of a document in capital hexadecimal digits, as etags and links show it.
pub(super) fn content_hash(body: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let digest = ring::digest::digest(&ring::digest::SHA512, body);
    let digits = digest.as_ref().iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
}
