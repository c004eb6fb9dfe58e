//! Replays HTTP transcripts of a real API server against ours, in process.
//!
//! [`scenario`] runs the steps, [`request`] sends one request, [`matching`] compares answers that hold [`placeholder`]s.

pub mod matching;
pub mod placeholder;
pub mod request;
pub mod scenario;
pub mod watch;

pub use scenario::run;
