//! Who calls, and what they may do: certificates, service-account tokens, impersonation, RBAC.

mod authority;
mod bootstrap;
mod rbac;
mod request;
mod token;
mod user;

pub use authority::{AuthError, Authority};
pub use bootstrap::bootstrap_objects;
pub use rbac::{Access, Decision, Rules};
pub use request::{PeerUser, authenticate, impersonate};
pub use token::{Bound, Claims, TokenError};
pub use user::UserInfo;
