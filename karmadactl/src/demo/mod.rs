//! The story that `karmadactl demo` tells: one nginx, one policy, three members.
//!
//! Every step acts through the API and reads its result back from the API.

mod story;

pub use story::{DemoError, Drift, Observed, Story};
