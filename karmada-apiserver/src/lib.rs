//! An embedded, durable, Kubernetes-compatible API server as a library.
//!
//! [`ApiServer`] gives a store and an axum router. The router is called in process (a
//! [`kube::Client`] made by [`ApiServer::client`]) or served over TLS ([`ApiServer::listen`]).
//!
//! The crate knows Kubernetes and nothing of Karmada: other kinds reach it as
//! CustomResourceDefinitions, their admission as an [`admission::AdmissionPlugin`].
//!
//! Start reading at [`server`], then [`http`], [`store`] and [`registry`].

pub mod admission;
pub mod audit;
pub mod auth;
mod cel;
pub mod clock;
#[cfg(test)]
mod fuzz;
mod go_json;
pub mod http;
pub mod lifecycle;
pub mod patch;
mod protobuf;
pub mod registry;
pub mod server;
pub mod store;

pub use auth::UserInfo;
pub use clock::Clock;
pub use server::{ApiServer, Controllers, ListenError, Listener, ServerConfig, StartError};
pub use store::Durability;
