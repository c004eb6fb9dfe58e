//! Member clusters: one isolated unit each, so that a dead or slow one delays no other.

mod bounds;
mod connector;
mod fleet;
mod member;

pub(crate) use connector::pem_certificates;
pub use connector::{ConnectError, Connector, Endpoint, InProcessClient, Verification};
pub use fleet::Fleet;
pub use member::{CALL_TIMEOUT, CallError, Member};
