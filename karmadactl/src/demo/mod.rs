//! The story that `karmadactl demo` tells: one nginx, one policy, three members.
//!
//! Every step acts through the API and reads its result back from the API.

mod stage;
mod story;

pub use stage::Stage;
pub use story::{DemoError, Drift, Story};
