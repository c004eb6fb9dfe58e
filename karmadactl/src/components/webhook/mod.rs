//! Admission and conversion of Karmada's kinds as webhooks.
//!
//! The decisions are those of the embedded control plane (`karmada_core::admission`); what they look at besides the
//! object is read through the API. [`rules`] is the table of paths, [`review`] one question, [`server`] the way in.

mod conversion;
mod review;
pub mod rules;
mod server;

pub use review::Reviewer;
pub use server::WebhookServer;
