//! Members that misbehave on demand, and a control plane over them.

mod server;
mod world;

pub use server::{Fault, FaultyServer, Moment, Scope};
pub use world::{SICK, WELL, World, eventually, merge, write};
