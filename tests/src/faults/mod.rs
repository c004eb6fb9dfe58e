//! Members that misbehave on demand, and a control plane over them.

mod foo;
mod member;
mod server;
mod world;

pub use foo::{CRDS, FOOS, any, foo_crd, install_crd};
pub use member::SickMember;
pub use server::{Fault, FaultyServer, Moment, Scope};
pub use world::{SICK, WELL, World, eventually, merge, write};
