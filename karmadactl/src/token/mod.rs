//! Bootstrap tokens: what a cluster shows once, to be registered.

mod bootstrap_token;
mod store;

pub use bootstrap_token::{BootstrapToken, InvalidToken, TokenId};
pub use store::{
    DEFAULT_GROUP, ListedToken, TokenError, TokenOptions, Usage, check_group, create_token, delete_token,
    list_tokens,
};
