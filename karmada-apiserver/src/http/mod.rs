//! The HTTP face: routing, content negotiation, verbs, errors.
//!
//! [`serve::serve`] takes every request: it finds out who calls ([`crate::auth`]) and what for ([`route`]), and
//! hands it to a verb. Verbs that write go through [`call::Call`], which controllers inside the server use too.

mod admit;
mod backup;
pub(crate) mod body;
pub(crate) mod call;
mod certificate;
pub(crate) mod connect;
mod convert;
mod create;
mod delete;
mod dispatch;
mod duration;
pub mod failure;
pub(crate) mod health;
mod list;
mod list_body;
mod meta;
pub(crate) mod negotiate;
pub(crate) mod options;
mod patch_body;
mod pod;
pub(crate) mod query;
mod respond;
mod reviews;
pub(crate) mod route;
mod scale;
pub(crate) mod selector;
pub(crate) mod serve;
mod subresource;
mod token_request;
mod update;
mod watch;
mod yaml;
mod yaml_body;

pub use axum::body::Body;
pub use axum::response::Response;
pub(crate) use body::{hex, parse_yaml};
pub use connect::{Connect, ConnectTarget, Connection, Lasting};
pub(crate) use convert::{read as read_stored, to_version};
pub(crate) use delete::{set_finalizers, whole_second};
pub use failure::{Cause, Failure};
pub use meta::version;
pub(crate) use options::{DeleteOptions, Propagation};
pub(crate) use pod::selects;
#[cfg(test)]
pub(crate) use yaml::to_yaml;
