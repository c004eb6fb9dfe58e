//! Whether the agent of a Pull cluster is still there.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::api::Condition;
use crate::api::cluster::constants::CONDITION_READY;

const UNKNOWN: &str = "Unknown";

/// How long an agent may be silent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeartbeatLimits {
    /// Since its last sign of life.
    pub grace: SignedDuration,
    /// Until its first one.
    pub startup_grace: SignedDuration,
}

impl Default for HeartbeatLimits {
    fn default() -> Self {
        Self { grace: SignedDuration::from_secs(40), startup_grace: SignedDuration::from_secs(60) }
    }
}

/// What is remembered of a cluster between two looks.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HeartbeatMemory {
    known: Option<Known>,
}

#[derive(Clone, Debug, PartialEq)]
struct Known {
    renewed: Option<Timestamp>,
    ready: Option<Condition>,
    /// When one of the two was seen to change, by the clock of who looks.
    alive: Timestamp,
    looked: Timestamp,
}

/// Returns the `Ready` condition of a cluster whose agent was silent for too long.
///
/// `renewed` is what the agent's lease says. The agent's clock is not trusted: only that the lease or the condition
/// changes counts. Time in which nobody looked does not count against the agent.
///
/// Source: karmada v1.19 cluster-controller, `--cluster-monitor-grace-period`, `--cluster-startup-grace-period`.
pub fn lost_heartbeat(
    ready: Option<&Condition>,
    renewed: Option<Timestamp>,
    memory: &mut HeartbeatMemory,
    limits: HeartbeatLimits,
    now: Timestamp,
) -> Option<Condition> {
    let grace = if ready.is_some() { limits.grace } else { limits.startup_grace };
    let alive = match &memory.known {
        Some(known) if known.renewed == renewed && known.ready.as_ref() == ready => {
            let was_away = now.duration_since(known.looked) > grace / 2 || now < known.looked;
            if was_away { now } else { known.alive }
        }
        _ => now,
    };
    memory.known = Some(Known { renewed, ready: ready.cloned(), alive, looked: now });
    let is_silent = now.duration_since(alive) > grace;
    if !is_silent || ready.is_some_and(|ready| ready.status == UNKNOWN) {
        return None;
    }
    let (reason, message) = match ready {
        Some(_) => ("ClusterStatusUnknown", "Cluster status controller stopped posting cluster status."),
        None => ("ClusterStatusNeverUpdated", "Cluster status controller never posted cluster status."),
    };
    Some(Condition {
        type_: CONDITION_READY.into(),
        status: UNKNOWN.into(),
        reason: reason.into(),
        message: message.into(),
        last_transition_time: Some(Time(now)),
        ..Condition::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEP: SignedDuration = SignedDuration::from_secs(5);

    fn ready(status: &str) -> Condition {
        Condition { type_: CONDITION_READY.into(), status: status.into(), ..Condition::default() }
    }

    /// Looks every five seconds and returns after how many seconds the agent counts as lost.
    fn lost_after(
        condition: Option<&Condition>,
        renewed: impl Fn(i64) -> Option<Timestamp>,
        until: i64,
    ) -> Option<(i64, String)> {
        let start = Timestamp::from_second(1_000_000).unwrap();
        let (mut memory, mut now) = (HeartbeatMemory::default(), start);
        loop {
            let passed = now.duration_since(start).as_secs();
            if passed > until {
                return None;
            }
            let lost =
                lost_heartbeat(condition, renewed(passed), &mut memory, HeartbeatLimits::default(), now);
            if let Some(lost) = lost {
                return Some((passed, lost.reason));
            }
            now += STEP;
        }
    }

    #[test]
    fn an_agent_is_lost_when_neither_lease_nor_condition_change() {
        let up = ready("True");
        let still = |_| Some(Timestamp::UNIX_EPOCH);
        assert_eq!(lost_after(Some(&up), still, 300), Some((45, "ClusterStatusUnknown".into())));
        assert_eq!(lost_after(None, |_| None, 300), Some((65, "ClusterStatusNeverUpdated".into())));
        assert_eq!(lost_after(Some(&ready("Unknown")), still, 300), None, "known already");
    }

    #[test]
    fn an_agent_with_another_clock_is_alive_while_it_renews() {
        let up = ready("True");
        let behind = |passed: i64| Timestamp::from_second(passed / 10).ok();
        assert_eq!(lost_after(Some(&up), behind, 600), None);
    }

    #[test]
    fn time_in_which_nobody_looked_does_not_count() {
        let (up, limits) = (ready("True"), HeartbeatLimits::default());
        let mut memory = HeartbeatMemory::default();
        let start = Timestamp::from_second(1_000_000).unwrap();
        let mut look = |seconds: i64| {
            let now = start + SignedDuration::from_secs(seconds);
            lost_heartbeat(Some(&up), None, &mut memory, limits, now).is_some()
        };
        assert!(!look(0));
        assert!(!look(86_400), "the one who looks was away for a day");
        assert!(!look(80_000), "its clock was set back");
        assert!((1..20).any(|step| look(80_000 + 5 * step)));
    }
}
