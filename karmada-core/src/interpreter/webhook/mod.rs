//! Interpreter webhooks: which one is asked, the question, and what its answer means.
//!
//! [`WebhookInterpreter`] is the layer. It decides everything but the transport: an
//! [`InterpreterWebhookCaller`] carries a question to the address that [`endpoint`] names and brings the answer back.

mod answer;
mod endpoint;
mod hooks;
mod layer;
mod question;

pub use answer::AnswerError;
pub use endpoint::{Endpoint, EndpointError, endpoint};
pub use hooks::{Hook, Hooks};
pub use layer::{CallError, InterpreterWebhookCaller, WebhookError, WebhookInterpreter};
