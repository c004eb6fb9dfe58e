//! The assembled server: configuration, start, in-process clients, TLS listener, shutdown.

mod config;
mod connection;
mod facade;
mod fairness;
mod inner;
#[cfg(test)]
mod limit_tests;
mod limits;
mod listener;
mod metrics;
mod pace;
mod process;
#[cfg(test)]
mod protobuf_tests;
#[cfg(test)]
mod security_tests;
mod shares;
#[cfg(test)]
mod tests;
mod traffic;

pub use config::{Controllers, ServerConfig, StartError};
pub use facade::{ApiServer, data_file};
pub(crate) use fairness::{Overloaded, Seat};
pub(crate) use inner::Inner;
pub use limits::{Limits, Share};
pub(crate) use listener::RemoteAddress;
pub use listener::{ListenError, Listener};
pub(crate) use metrics::{Labels, LongRunning};
pub(crate) use pace::{PacedBody, UnderWay};
pub(crate) use traffic::{Admitted, BodyBytes, Traffic, Unlimited, WatchSlot};
