//! Who calls, and what they may do: certificates, service-account tokens, impersonation, RBAC.

mod authority;
mod bootstrap;
pub(crate) mod bootstrap_token;
mod callers;
mod der;
mod files;
mod front_proxy;
pub(crate) mod leaf;
mod peer;
pub(crate) mod rbac;
mod request;
mod serving;
pub(crate) mod signing_request;
mod token;
mod user;

pub use authority::{AuthError, Authority};
pub(crate) use bootstrap::bootstrap_objects;
pub use callers::{AnyCertificate, Caller, Callers};
pub use front_proxy::{FromProxy, FrontProxy};
pub(crate) use peer::{ForeignPeer, PeerVerifier};
pub use rbac::{Access, Decision, Rules};
pub(crate) use request::complete;
pub use request::{Credentials, PeerUser, authenticate, impersonate};
pub(crate) use token::ISSUER;
pub use token::{Bound, Claims, KubernetesClaims, TokenError};
pub(crate) use user::MASTERS;
pub use user::UserInfo;
