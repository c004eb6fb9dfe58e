//! Leader election over a Lease, as client-go does it: of several processes one works, another takes over.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::Client;
use kube::api::{Api, ObjectMeta, PostParams};
use tokio::time::Instant;

use crate::hub::{is_not_found, is_status};

/// How a process takes part in an election.
#[derive(Clone, Debug)]
pub struct LeaderSettings {
    pub namespace: String,
    /// Name of the Lease.
    pub name: String,
    /// Who this process is; no two may have the same.
    pub identity: String,
    /// How long others wait after the last renewal before they take over.
    pub lease_duration: Duration,
    /// How long the leader tries to renew before it gives up.
    pub renew_deadline: Duration,
    /// Time between two tries.
    pub retry_period: Duration,
}

/// The times of an election contradict each other.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LeaderSettingsError {
    #[error("the lease duration must be longer than the renew deadline")]
    Lease,
    #[error("the renew deadline must be longer than 1.2 times the retry period")]
    Deadline,
    #[error("the retry period must be longer than 0")]
    Period,
}

impl LeaderSettings {
    /// Takes part with upstream's times.
    pub fn new(name: impl Into<String>, identity: impl Into<String>) -> Self {
        Self {
            namespace: karmada_core::api::reserved::SYSTEM_NAMESPACE.to_owned(),
            name: name.into(),
            identity: identity.into(),
            lease_duration: Duration::from_secs(15),
            renew_deadline: Duration::from_secs(10),
            retry_period: Duration::from_secs(2),
        }
    }

    /// Checks the times.
    ///
    /// # Errors
    /// When a leader could lose the lease before it notices.
    pub fn check(&self) -> Result<(), LeaderSettingsError> {
        if self.retry_period.is_zero() {
            return Err(LeaderSettingsError::Period);
        }
        if self.lease_duration <= self.renew_deadline {
            return Err(LeaderSettingsError::Lease);
        }
        if self.renew_deadline <= self.retry_period.mul_f64(1.2) {
            return Err(LeaderSettingsError::Deadline);
        }
        Ok(())
    }
}

/// What a look at the lease came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    Leader,
    /// Someone else leads.
    Standby {
        leader: String,
    },
}

/// One process in an election.
#[derive(Debug)]
pub struct Candidate {
    settings: LeaderSettings,
    leases: Api<Lease>,
    /// The record as it was seen last, and since when it is like that by our own clock.
    observed: Option<(LeaseSpec, Instant)>,
}

impl Candidate {
    /// Makes a candidate. Nothing is sent yet.
    pub fn new(client: Client, settings: LeaderSettings) -> Self {
        let leases = Api::namespaced(client, &settings.namespace);
        Self { settings, leases, observed: None }
    }

    /// Returns the name of the lease.
    pub fn lease(&self) -> &str {
        &self.settings.name
    }

    /// Waits until this process leads. Errors of the API server are tried again.
    pub async fn lead(&mut self) {
        let mut known_leader = None;
        loop {
            match self.attempt().await {
                Ok(Standing::Leader) => {
                    tracing::info!(lease = self.settings.name, identity = self.settings.identity, "leading");
                    return;
                }
                Ok(Standing::Standby { leader }) => {
                    if known_leader.as_ref() != Some(&leader) {
                        tracing::info!(lease = self.settings.name, leader, "standing by");
                        known_leader = Some(leader);
                    }
                }
                Err(error) => tracing::warn!(
                    lease = self.settings.name,
                    error = crate::hub::chain(&error),
                    "cannot acquire the lease, will retry"
                ),
            }
            tokio::time::sleep(self.settings.retry_period).await;
        }
    }

    /// Renews until the lease is lost: taken by another, or not renewed in time.
    pub async fn hold(&mut self) {
        let mut renewed = Instant::now();
        loop {
            tokio::time::sleep(self.settings.retry_period).await;
            let left = self.settings.renew_deadline.saturating_sub(renewed.elapsed());
            match tokio::time::timeout(left, self.attempt()).await {
                Ok(Ok(Standing::Leader)) => renewed = Instant::now(),
                Ok(Ok(Standing::Standby { leader })) => {
                    tracing::error!(lease = self.settings.name, leader, "another process took the lease");
                    return;
                }
                Ok(Err(error)) => tracing::warn!(
                    lease = self.settings.name,
                    error = crate::hub::chain(&error),
                    "cannot renew the lease, will retry"
                ),
                Err(_) => {}
            }
            if renewed.elapsed() >= self.settings.renew_deadline {
                tracing::error!(lease = self.settings.name, "the lease was not renewed in time");
                return;
            }
        }
    }

    /// Gives the lease up, so that another need not wait for its end.
    pub async fn release(&mut self) {
        let Ok(Some(mut lease)) = self.leases.get_opt(&self.settings.name).await else { return };
        let Some(spec) = &mut lease.spec else { return };
        if spec.holder_identity.as_deref() != Some(self.settings.identity.as_str()) {
            return;
        }
        spec.holder_identity = Some(String::new());
        spec.lease_duration_seconds = Some(1);
        spec.renew_time = Some(MicroTime(Timestamp::now()));
        if let Err(error) = self.leases.replace(&self.settings.name, &PostParams::default(), &lease).await {
            // Others then wait for its end.
            tracing::debug!(
                lease = self.settings.name,
                error = crate::hub::chain(&error),
                "lease not released"
            );
        }
    }

    /// Takes or renews the lease if that is allowed.
    ///
    /// # Errors
    /// When the API server cannot be asked or refuses; that another was faster is no error.
    pub async fn attempt(&mut self) -> Result<Standing, kube::Error> {
        let now = MicroTime(Timestamp::now());
        let current = match self.leases.get(&self.settings.name).await {
            Ok(lease) => lease,
            Err(error) if is_not_found(&error) => {
                let lease = Lease {
                    metadata: ObjectMeta {
                        name: Some(self.settings.name.clone()),
                        namespace: Some(self.settings.namespace.clone()),
                        ..ObjectMeta::default()
                    },
                    spec: Some(self.claim(&LeaseSpec::default(), now)),
                };
                let written = self.leases.create(&PostParams::default(), &lease).await;
                return self.conclude(written);
            }
            Err(error) => return Err(error),
        };
        let spec = current.spec.clone().unwrap_or_default();
        let unchanged_since = self.observe(&spec);
        match verdict(&spec, &self.settings, unchanged_since.elapsed()) {
            Standing::Leader => {
                let claimed = Lease { spec: Some(self.claim(&spec, now)), ..current };
                let written =
                    self.leases.replace(&self.settings.name, &PostParams::default(), &claimed).await;
                self.conclude(written)
            }
            standby @ Standing::Standby { .. } => Ok(standby),
        }
    }

    fn conclude(&mut self, written: Result<Lease, kube::Error>) -> Result<Standing, kube::Error> {
        match written {
            Ok(lease) => {
                self.observed = Some((lease.spec.unwrap_or_default(), Instant::now()));
                Ok(Standing::Leader)
            }
            // Someone else was faster; the next look says who.
            Err(error) if is_status(&error, 409) => Ok(Standing::Standby { leader: String::new() }),
            Err(error) => Err(error),
        }
    }

    /// Remembers since when the record is as it is: clocks of other machines are not trusted.
    fn observe(&mut self, spec: &LeaseSpec) -> Instant {
        match &self.observed {
            Some((known, since)) if known == spec => *since,
            _ => {
                let now = Instant::now();
                self.observed = Some((spec.clone(), now));
                now
            }
        }
    }

    fn claim(&self, before: &LeaseSpec, now: MicroTime) -> LeaseSpec {
        let is_ours = before.holder_identity.as_deref() == Some(self.settings.identity.as_str());
        let transitions = before.lease_transitions.unwrap_or_default();
        LeaseSpec {
            holder_identity: Some(self.settings.identity.clone()),
            lease_duration_seconds: Some(self.settings.lease_duration.as_secs() as i32),
            acquire_time: if is_ours { before.acquire_time.clone() } else { Some(now.clone()) },
            renew_time: Some(now),
            lease_transitions: Some(if is_ours || before.holder_identity.is_none() {
                transitions
            } else {
                transitions.saturating_add(1)
            }),
            ..before.clone()
        }
    }
}

/// Decides who leads, from the record and the time it has not changed.
fn verdict(spec: &LeaseSpec, settings: &LeaderSettings, unchanged: Duration) -> Standing {
    let holder = spec.holder_identity.as_deref().unwrap_or_default();
    let seconds = spec.lease_duration_seconds.unwrap_or_default().max(0);
    let valid = Duration::from_secs(u64::from(seconds.unsigned_abs()));
    if holder.is_empty() || holder == settings.identity || unchanged >= valid {
        Standing::Leader
    } else {
        Standing::Standby { leader: holder.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(holder: &str) -> LeaseSpec {
        LeaseSpec {
            holder_identity: Some(holder.into()),
            lease_duration_seconds: Some(15),
            lease_transitions: Some(2),
            ..LeaseSpec::default()
        }
    }

    #[test]
    fn a_lease_is_taken_when_it_is_free_ours_or_not_renewed() {
        let settings = LeaderSettings::new("karmada-controller-manager", "me");
        let standing = |holder: &str, seconds| {
            verdict(&record(holder), &settings, Duration::from_secs(seconds)) == Standing::Leader
        };
        assert!(standing("", 0) && standing("me", 0));
        assert!(!standing("other", 0) && !standing("other", 14));
        assert!(standing("other", 15));
    }

    #[test]
    fn times_that_contradict_are_refused() {
        let settings = LeaderSettings::new("x", "me");
        assert_eq!(settings.check(), Ok(()));
        let with = |lease, deadline, period| LeaderSettings {
            lease_duration: Duration::from_secs(lease),
            renew_deadline: Duration::from_secs(deadline),
            retry_period: Duration::from_secs(period),
            ..settings.clone()
        };
        assert_eq!(with(10, 10, 2).check(), Err(LeaderSettingsError::Lease));
        assert_eq!(with(15, 2, 2).check(), Err(LeaderSettingsError::Deadline));
        assert_eq!(with(15, 10, 0).check(), Err(LeaderSettingsError::Period));
    }

    #[tokio::test]
    async fn one_of_two_leads_and_the_other_takes_over_when_it_gives_up() {
        let server =
            karmada_apiserver::ApiServer::start(karmada_apiserver::ServerConfig::default()).await.unwrap();
        let client = server.client(karmada_apiserver::auth::UserInfo::admin());
        let candidate = |identity: &str| {
            let settings =
                LeaderSettings { namespace: "default".into(), ..LeaderSettings::new("lock", identity) };
            Candidate::new(client.clone(), settings)
        };
        let (mut first, mut second) = (candidate("a"), candidate("b"));
        assert_eq!(first.attempt().await.unwrap(), Standing::Leader);
        assert_eq!(second.attempt().await.unwrap(), Standing::Standby { leader: "a".into() });
        assert_eq!(first.attempt().await.unwrap(), Standing::Leader, "renewed");
        first.release().await;
        assert_eq!(second.attempt().await.unwrap(), Standing::Leader);
        assert_eq!(first.attempt().await.unwrap(), Standing::Standby { leader: "b".into() });
        let lease = second.leases.get("lock").await.unwrap().spec.unwrap();
        assert_eq!((lease.lease_duration_seconds, lease.lease_transitions), (Some(15), Some(1)));
        server.shutdown().await;
    }
}
