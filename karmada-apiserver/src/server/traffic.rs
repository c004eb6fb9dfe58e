//! What every request from a client asks for before it is answered.

use std::sync::Arc;
use std::time::Duration;

use super::fairness::{Flow, Level, Overloaded, Seat, Seats};
use super::limits::Limits;
use super::shares::{Held, Shares};
use crate::auth::UserInfo;

/// How many objects of a list one seat stands for.
const OBJECTS_PER_SEAT: usize = 1000;
/// The most seats that one request takes.
const WIDEST: usize = 10;
/// Which part of its time a request may spend waiting for a seat.
const WAITING_PART: u32 = 4;
/// Names of the system's own clients start with this.
const SYSTEM_CLIENT: &str = "system:kube-";
const SYSTEM_GROUPS: [&str; 3] = ["system:masters", "system:nodes", "system:serviceaccounts:kube-system"];

/// Marks requests that are not limited: of the program that the server is a part of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unlimited;

/// The limits that all clients share.
#[derive(Debug)]
pub(crate) struct Traffic {
    reading: Arc<Seats>,
    writing: Arc<Seats>,
    watches: Arc<Shares<Flow>>,
    bodies: Arc<Shares<Flow>>,
    patience: Duration,
}

/// One client's way in.
#[derive(Clone, Debug)]
pub(crate) struct Admitted {
    flow: Flow,
    level: Level,
}

/// The bytes of a request's body that count against the limits while this lives.
#[derive(Debug)]
pub(crate) struct BodyBytes(Held<Flow>);

/// An open watch.
#[derive(Debug)]
pub(crate) struct WatchSlot {
    _held: Held<Flow>,
}

impl Traffic {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            reading: Seats::new(limits.max_requests_inflight),
            writing: Seats::new(limits.max_mutating_requests_inflight),
            watches: Shares::new(limits.watches),
            bodies: Shares::new(limits.body_bytes),
            patience: limits.request_timeout / WAITING_PART,
        }
    }

    /// Finds out how a user's requests for a resource are ranked.
    pub(crate) fn rank(user: &UserInfo, group: &str, resource: &str) -> Admitted {
        let is_system = user.name.starts_with(SYSTEM_CLIENT)
            || SYSTEM_GROUPS.iter().any(|group| user.is_in(group))
            || (group, resource) == ("coordination.k8s.io", "leases");
        Admitted {
            flow: user.name.as_str().into(),
            level: if is_system { Level::System } else { Level::Normal },
        }
    }

    /// Waits for a turn to run. `objects` is how many objects the request goes through.
    ///
    /// # Errors
    /// When the client has to come back later.
    pub(crate) async fn seat(
        &self,
        admitted: &Admitted,
        verb: &str,
        objects: usize,
    ) -> Result<Seat, Overloaded> {
        let seats = match verb {
            "create" | "update" | "patch" | "delete" | "deletecollection" => &self.writing,
            _ => &self.reading,
        };
        let width = (1 + objects / OBJECTS_PER_SEAT).min(WIDEST);
        seats.acquire(admitted.level, &admitted.flow, width, self.patience).await
    }

    /// Counts a watch.
    ///
    /// # Errors
    /// When too many are open.
    pub(crate) fn watch(&self, admitted: &Admitted) -> Result<WatchSlot, Overloaded> {
        self.watches.take(&admitted.flow, 1).map(|held| WatchSlot { _held: held }).ok_or(Overloaded)
    }

    /// Starts to count a body.
    pub(crate) fn body(&self, admitted: &Admitted) -> Option<BodyBytes> {
        self.bodies.take(&admitted.flow, 0).map(BodyBytes)
    }

    /// Returns the seats that are taken and the requests that wait: for reading and for writing.
    pub(crate) fn load(&self) -> [(usize, usize); 2] {
        [self.reading.load(), self.writing.load()]
    }

    /// Returns how many watches of clients are open.
    pub(crate) fn watch_count(&self) -> usize {
        self.watches.taken()
    }
}

impl BodyBytes {
    /// Counts more bytes, or says that there are too many already.
    pub(crate) fn grow(&mut self, bytes: usize) -> Result<(), Overloaded> {
        if self.0.grow(bytes) { Ok(()) } else { Err(Overloaded) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_and_leader_election_come_first() {
        let level = |name: &str, groups: &[&str], group: &str, resource: &str| {
            let groups = groups.iter().map(|&group| group.to_owned()).collect();
            let user = UserInfo { name: name.to_owned(), groups, ..UserInfo::default() };
            Traffic::rank(&user, group, resource).level
        };
        assert_eq!(level("admin", &["system:masters"], "", "pods"), Level::System);
        assert_eq!(level("system:kube-scheduler", &[], "", "pods"), Level::System);
        assert_eq!(level("bob", &["dev"], "coordination.k8s.io", "leases"), Level::System);
        assert_eq!(level("bob", &["dev"], "", "pods"), Level::Normal);
        assert_eq!(level("system:anonymous", &["system:unauthenticated"], "", "pods"), Level::Normal);
    }
}
