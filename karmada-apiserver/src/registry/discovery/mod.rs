//! Discovery and OpenAPI documents.

mod aggregated;
mod document;
mod legacy;
mod openapi;
mod protobuf;

pub use document::Document;
use document::with_etag;
