//! The protobuf form of the built-in kinds.
//!
//! Objects are JSON values everywhere in this crate; this module turns them into the messages that typed clients
//! exchange, and back. The messages are a table ([`messages`]), not generated code: [`decode`] and [`encode`] walk it.
//! Kubernetes' JSON is not the JSON of protobuf (quantities, times, inlined and raw parts), so the few messages that
//! differ have a [`messages::Form`] of their own. Custom resources have no messages.

mod decode;
mod encode;
mod envelope;
mod messages;
mod reader;
#[cfg(test)]
mod tests;
mod writer;

pub(crate) use decode::DecodeError;
pub(crate) use encode::EncodeError;
pub(crate) use envelope::{Envelope, definition, encode, encode_event, is_enveloped};
pub(crate) use writer::Message;
