//! The assembled server: configuration, start, in-process clients, TLS listener, shutdown.

mod config;
mod facade;
mod inner;
mod listener;
#[cfg(test)]
mod protobuf_tests;
#[cfg(test)]
mod security_tests;
#[cfg(test)]
mod tests;

pub use config::{Controllers, ServerConfig, StartError};
pub use facade::ApiServer;
pub(crate) use inner::Inner;
pub(crate) use listener::RemoteAddress;
pub use listener::{ListenError, Listener};
