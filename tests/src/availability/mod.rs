//! A control plane whose components run twice, what keeps it busy, and what its audit log proves.

mod audit;
mod load;
mod replica;
mod site;

pub use audit::{Audit, Request, TakeOver};
pub use load::{Expected, Load};
pub use replica::{CONTROLLER_MANAGER, Component, Replica, SCHEDULER, holder, lease};
pub use site::{Kind, MEMBERS, Site};
