//! The way through the control plane to a member's API: `clusters/NAME/proxy/...`.
//!
//! A request keeps its method, path, query and body, and is made in the name of its caller: the control plane proves itself
//! by the member's impersonator account and says who asks. Answers stream, and connections that are upgraded (exec,
//! attach, port-forward) are copied byte by byte in both directions.

mod destination;
mod headers;
mod proxy;
mod transport;
mod tunnel;

pub use destination::DestinationError;
pub use headers::Caller;
pub use proxy::{ClusterProxy, Forwarded, ProxyError};
pub use transport::{ProxyBody, TransportError, proxy_body};
pub use tunnel::Tunnel;
