//! Replays HTTP transcripts of a real API server against ours, in process.
//!
//! [`target`] is the server, ours or a real one; [`scenario`] runs the steps, [`request`] sends one request, [`hooks`] answers for webhooks, [`matching`] compares answers that hold [`placeholder`]s.

pub mod hooks;
pub mod matching;
mod message;
pub mod placeholder;
mod real;
pub mod request;
pub mod scenario;
pub mod target;
pub mod watch;

pub use real::RealServers;
pub use scenario::run;
