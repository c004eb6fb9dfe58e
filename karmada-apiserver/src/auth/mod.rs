//! Who calls, and what they may do: certificates, service-account tokens, impersonation, RBAC.

mod authority;
mod bootstrap;
pub(crate) mod rbac;
mod request;
mod token;
mod user;

pub use authority::{AuthError, Authority};
pub use bootstrap::bootstrap_objects;
pub use rbac::{Access, Decision, Rules};
pub use request::{Credentials, PeerUser, authenticate, impersonate};
pub(crate) use request::{certificate_user, complete};
pub(crate) use token::ISSUER;
pub use token::{Bound, Claims, KubernetesClaims, TokenError};
pub use user::UserInfo;
