//! Discovery and OpenAPI documents.

mod aggregated;
mod document;
mod legacy;
mod openapi;
mod protobuf;

pub use document::Document;
use document::{content_hash, with_etag};
