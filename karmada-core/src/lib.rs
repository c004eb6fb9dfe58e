//! Karmada's API types and every decision it takes, as a pure library.
//!
//! Nothing here reads a file, a clock, the environment or a network, and nothing is random:
//! time is a [`jiff::Timestamp`] argument, random identifiers are arguments. The same input
//! gives the same answer on every machine.
//!
//! Start reading at [`api`] (the wire types), then follow an object through
//! [`propagation`], [`scheduling`], [`overriding`], [`work`] and [`interpreter`].

pub mod admission;
pub mod api;
mod causes;
pub mod interpreter;
pub mod membership;
pub mod native;
pub mod object;
pub mod overriding;
pub mod propagation;
pub mod scheduling;
pub mod simulation;
pub mod work;
