//! Who calls, and what they may do: certificates, service-account tokens, impersonation, RBAC.

mod authority;
mod bootstrap;
mod front_proxy;
pub(crate) mod rbac;
mod request;
mod token;
mod user;

pub use authority::{AuthError, Authority};
pub use bootstrap::bootstrap_objects;
pub(crate) use front_proxy::PeerVerifier;
pub use front_proxy::{FromProxy, FrontProxy};
pub use rbac::{Access, Decision, Rules};
pub use request::{Credentials, PeerUser, authenticate, impersonate};
pub(crate) use request::{certificate_user, complete};
pub(crate) use token::ISSUER;
pub use token::{Bound, Claims, KubernetesClaims, TokenError};
pub use user::UserInfo;
