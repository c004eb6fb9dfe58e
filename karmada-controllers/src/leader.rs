//! Leader election over a Lease, as client-go does it: of several processes one works, another takes over.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::Client;
use kube::api::{Api, ObjectMeta, PostParams};
use tokio::time::Instant;

use crate::hub::{is_not_found, is_status};
use crate::tenure::Tenure;

/// How long an answer about the lease is waited for at least, if the renew deadline lets it.
const LEAST_PATIENCE: Duration = Duration::from_secs(3);

/// How a process takes part in an election.
#[derive(Clone, Debug)]
pub struct LeaderSettings {
    pub namespace: String,
    /// Name of the Lease.
    pub name: String,
    /// Who this process is; no two may have the same.
    pub identity: String,
    /// How long others wait after the last renewal before they take over. The lease says it in whole seconds, rounded up.
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

    /// Returns the lease duration as it is written. Rounded down, others would take over before the leader gives up.
    fn lease_seconds(&self) -> i32 {
        let whole = self.lease_duration.as_secs();
        let rounded = if self.lease_duration.subsec_nanos() > 0 { whole.saturating_add(1) } else { whole };
        i32::try_from(rounded).unwrap_or(i32::MAX)
    }
}

/// What a look at the lease came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    Leader,
    /// Someone else leads; without a name: someone else wrote the lease at the same time, and the next look says who.
    Standby {
        leader: String,
    },
}

/// The API server was asked about the lease and said nothing.
#[derive(Debug, thiserror::Error)]
#[error("no answer within {} ms", .0.as_millis())]
struct NoAnswer(Duration);

/// One process in an election.
#[derive(Debug)]
pub struct Candidate {
    settings: LeaderSettings,
    leases: Api<Lease>,
    /// The record as it was seen last, and since when it is like that by our own clock.
    observed: Option<(LeaseSpec, Instant)>,
    /// The lease as this process wrote it last.
    held: Option<Lease>,
    tenure: Tenure,
}

impl Candidate {
    /// Makes a candidate. Nothing is sent yet.
    pub fn new(client: Client, settings: LeaderSettings) -> Self {
        let leases = Api::namespaced(client, &settings.namespace);
        Self { settings, leases, observed: None, held: None, tenure: Tenure::default() }
    }

    /// Returns the name of the lease.
    pub fn lease(&self) -> &str {
        &self.settings.name
    }

    /// Returns the time that this process holds the lease for; it goes on with every renewal.
    pub fn tenure(&self) -> Tenure {
        self.tenure.clone()
    }

    /// Waits until this process leads. Errors of the API server are tried again.
    pub async fn lead(&mut self) {
        let (mut known_leader, mut known_error) = (None, None);
        loop {
            match self.attempt().await {
                Ok(Standing::Leader) => return,
                Ok(Standing::Standby { leader }) => {
                    if known_leader.as_ref() != Some(&leader) && !leader.is_empty() {
                        tracing::info!(lease = self.settings.name, leader, "standing by");
                        known_leader = Some(leader);
                    }
                }
                Err(error) => {
                    let error = crate::hub::chain(&error);
                    if known_error.as_ref() != Some(&error) {
                        tracing::warn!(
                            lease = self.settings.name,
                            error,
                            "cannot acquire the lease, will retry"
                        );
                        known_error = Some(error);
                    }
                }
            }
            tokio::time::sleep(self.pause()).await;
        }
    }

    /// Renews until the lease is lost: taken by another, or not renewed in time.
    pub async fn hold(&mut self) {
        loop {
            let Some(end) = self.tenure.until() else { break };
            tokio::time::sleep_until(end.min(Instant::now() + self.settings.retry_period)).await;
            // The process may have been stopped meanwhile, for longer than the lease lasts.
            if self.tenure.is_over() {
                break;
            }
            match tokio::time::timeout_at(end, self.attempt()).await {
                Ok(Ok(Standing::Standby { leader })) if !leader.is_empty() => {
                    self.tenure.end();
                    tracing::error!(lease = self.settings.name, leader, "another process took the lease");
                    return;
                }
                Ok(Ok(_)) | Err(_) => {}
                Ok(Err(error)) => tracing::warn!(
                    lease = self.settings.name,
                    error = crate::hub::chain(&error),
                    "cannot renew the lease, will retry"
                ),
            }
        }
        tracing::error!(lease = self.settings.name, "the lease was not renewed in time");
    }

    /// Gives the lease up, so that another need not wait for its end. Nothing may be written any more.
    pub async fn release(&mut self) {
        self.tenure.end();
        match tokio::time::timeout(self.settings.renew_deadline, self.give_up()).await {
            Ok(Ok(())) => {}
            // Others then wait for its end.
            Ok(Err(error)) => tracing::debug!(
                lease = self.settings.name,
                error = crate::hub::chain(&error),
                "lease not released"
            ),
            Err(_) => tracing::debug!(lease = self.settings.name, "lease not released in time"),
        }
    }

    async fn give_up(&self) -> Result<(), kube::Error> {
        let Some(mut lease) = self.leases.get_opt(&self.settings.name).await? else { return Ok(()) };
        let Some(spec) = &mut lease.spec else { return Ok(()) };
        if spec.holder_identity.as_deref() != Some(self.settings.identity.as_str()) {
            return Ok(());
        }
        spec.holder_identity = Some(String::new());
        spec.lease_duration_seconds = Some(1);
        spec.renew_time = Some(MicroTime(Timestamp::now()));
        self.leases.replace(&self.settings.name, &PostParams::default(), &lease).await.map(drop)
    }

    /// Takes or renews the lease if that is allowed.
    ///
    /// # Errors
    /// When the API server cannot be asked, says nothing for long, or refuses; that another was faster is no error.
    pub async fn attempt(&mut self) -> Result<Standing, kube::Error> {
        // A second try fits into the deadline where that is long enough. A short one goes to a single try: a server under
        // load answers late, and a leader that gives up and begins again adds to the load.
        let deadline = self.settings.renew_deadline;
        let patience = (deadline / 2).max(LEAST_PATIENCE).min(deadline);
        match tokio::time::timeout(patience, self.ask()).await {
            Ok(standing) => standing,
            Err(_) => Err(kube::Error::Service(Box::new(NoAnswer(patience)))),
        }
    }

    async fn ask(&mut self) -> Result<Standing, kube::Error> {
        let now = MicroTime(Timestamp::now());
        // Whoever leads renews what it wrote last; when somebody else has written, the lease is looked at.
        if let Some(held) = self.held.take().filter(|_| !self.tenure.is_over()) {
            let renewed = Lease {
                spec: Some(self.claim(held.spec.as_ref().unwrap_or(&LeaseSpec::default()), now.clone())),
                ..held
            };
            let asked = Instant::now();
            let written = self.leases.replace(&self.settings.name, &PostParams::default(), &renewed).await;
            match self.conclude(written, asked) {
                Ok(Standing::Standby { .. }) => {}
                Err(error) if is_not_found(&error) => {}
                renewed_or_failed => return renewed_or_failed,
            }
        }
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
                let asked = Instant::now();
                let written = self.leases.create(&PostParams::default(), &lease).await;
                return self.conclude(written, asked);
            }
            Err(error) => return Err(error),
        };
        let spec = current.spec.clone().unwrap_or_default();
        let unchanged_since = self.observe(&spec);
        match verdict(&spec, &self.settings, unchanged_since.elapsed()) {
            Standing::Leader => {
                let claimed = Lease { spec: Some(self.claim(&spec, now)), ..current };
                let asked = Instant::now();
                let written =
                    self.leases.replace(&self.settings.name, &PostParams::default(), &claimed).await;
                self.conclude(written, asked)
            }
            standby @ Standing::Standby { .. } => Ok(standby),
        }
    }

    fn conclude(
        &mut self,
        written: Result<Lease, kube::Error>,
        asked: Instant,
    ) -> Result<Standing, kube::Error> {
        match written {
            Ok(lease) => {
                self.observed = Some((lease.spec.clone().unwrap_or_default(), Instant::now()));
                self.held = Some(lease);
                if self.tenure.is_over() {
                    tracing::info!(lease = self.settings.name, identity = self.settings.identity, "leading");
                }
                // Others count from when they see the renewal, which is after it was asked for.
                self.tenure.extend(asked + self.settings.renew_deadline);
                Ok(Standing::Leader)
            }
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

    /// Returns the time until the next look: at the latest when the lease may be taken.
    fn pause(&self) -> Duration {
        let is_others = |spec: &LeaseSpec| {
            spec.holder_identity
                .as_ref()
                .is_some_and(|holder| !holder.is_empty() && *holder != self.settings.identity)
        };
        match &self.observed {
            Some((spec, since)) if is_others(spec) => {
                let left = validity(spec).saturating_sub(since.elapsed());
                // One that has ended was just tried.
                if left.is_zero() { self.settings.retry_period } else { left.min(self.settings.retry_period) }
            }
            _ => self.settings.retry_period,
        }
    }

    fn claim(&self, before: &LeaseSpec, now: MicroTime) -> LeaseSpec {
        let is_ours = before.holder_identity.as_deref() == Some(self.settings.identity.as_str());
        let transitions = before.lease_transitions.unwrap_or_default();
        LeaseSpec {
            holder_identity: Some(self.settings.identity.clone()),
            lease_duration_seconds: Some(self.settings.lease_seconds()),
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

/// Returns how long a record holds if it is not renewed.
fn validity(spec: &LeaseSpec) -> Duration {
    let seconds = spec.lease_duration_seconds.unwrap_or_default().max(0);
    Duration::from_secs(u64::from(seconds.unsigned_abs()))
}

/// Decides who leads, from the record and the time it has not changed.
fn verdict(spec: &LeaseSpec, settings: &LeaderSettings, unchanged: Duration) -> Standing {
    let holder = spec.holder_identity.as_deref().unwrap_or_default();
    if holder.is_empty() || holder == settings.identity || unchanged >= validity(spec) {
        Standing::Leader
    } else {
        Standing::Standby { leader: holder.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

    use http::{Method, Request, Response};
    use kube::client::Body;
    use parking_lot::Mutex;
    use serde_json::{Value, json};

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

    /// A server with one lease, as two candidates with clocks of their own see it.
    #[derive(Clone, Default)]
    struct Server {
        lease: Arc<Mutex<Option<Value>>>,
        answers: Arc<AtomicBool>,
        writes: Arc<Mutex<Vec<String>>>,
        /// How many of the next writes find that somebody was faster.
        conflicts: Arc<AtomicU32>,
    }

    impl Server {
        fn client(&self) -> Client {
            self.answers.store(true, Ordering::SeqCst);
            let server = self.clone();
            let service = tower::service_fn(move |request: Request<Body>| {
                let server = server.clone();
                async move {
                    if !server.answers.load(Ordering::SeqCst) {
                        std::future::pending::<()>().await;
                    }
                    let method = request.method().clone();
                    let bytes = request.into_body().collect_bytes().await.unwrap();
                    let (code, body) = server.answer(&method, &bytes);
                    let body = Body::from(body.to_string().into_bytes());
                    Ok::<_, kube::Error>(Response::builder().status(code).body(body).unwrap())
                }
            });
            Client::new(service, "default")
        }

        fn answer(&self, method: &Method, body: &[u8]) -> (u16, Value) {
            let status = |code: u16| {
                (
                    code,
                    json!({"kind": "Status", "status": "Failure", "code": code, "reason": "No", "message": "no"}),
                )
            };
            let mut lease = self.lease.lock();
            let version = lease.as_ref().map_or(0, |lease| {
                lease["metadata"]["resourceVersion"].as_str().unwrap().parse::<u64>().unwrap()
            });
            if method == Method::GET {
                return lease.clone().map_or_else(|| status(404), |lease| (200, lease));
            }
            let mut new: Value = serde_json::from_slice(body).unwrap();
            let expected =
                new["metadata"]["resourceVersion"].as_str().map_or(0, |text| text.parse::<u64>().unwrap());
            let is_late =
                self.conflicts.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
            if expected != version || is_late.is_ok() {
                return status(409);
            }
            new["metadata"]["resourceVersion"] = (version + 1).to_string().into();
            self.writes.lock().push(new["spec"]["holderIdentity"].as_str().unwrap().to_owned());
            *lease = Some(new.clone());
            (200, new)
        }

        /// What was written is of another time than that of everybody else.
        fn shift_times(&self, days: i64) {
            let mut lease = self.lease.lock();
            let spec = &mut lease.as_mut().unwrap()["spec"];
            for field in ["renewTime", "acquireTime"] {
                let time: Timestamp = spec[field].as_str().unwrap().parse().unwrap();
                let shifted = time + jiff::SignedDuration::from_hours(24 * days);
                spec[field] = shifted.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string().into();
            }
        }

        fn candidate(&self, identity: &str) -> Candidate {
            let settings = LeaderSettings {
                lease_duration: Duration::from_secs(2),
                renew_deadline: Duration::from_millis(1500),
                retry_period: Duration::from_millis(300),
                ..LeaderSettings::new("lock", identity)
            };
            settings.check().unwrap();
            Candidate::new(self.client(), settings)
        }
    }

    #[test]
    fn no_one_takes_a_lease_before_its_leader_gives_up() {
        let settings = |millis| LeaderSettings {
            lease_duration: Duration::from_millis(millis),
            ..LeaderSettings::new("lock", "me")
        };
        let seconds = [1, 400, 1000, 1500, 2000, 15_000].map(|millis| settings(millis).lease_seconds());
        assert_eq!(seconds, [1, 1, 1, 2, 2, 15]);
    }

    #[tokio::test(start_paused = true)]
    async fn clocks_that_differ_by_a_day_neither_take_a_lease_early_nor_keep_it_for_ever() {
        for days in [-1, 1] {
            let server = Server::default();
            let (mut first, mut second) = (server.candidate("a"), server.candidate("b"));
            assert_eq!(first.attempt().await.unwrap(), Standing::Leader);
            // The first has a clock of its own: also its renewals are of another day.
            for _ in 0..10 {
                server.shift_times(days);
                assert_eq!(second.attempt().await.unwrap(), Standing::Standby { leader: "a".into() });
                tokio::time::advance(Duration::from_secs(1)).await;
                assert_eq!(first.attempt().await.unwrap(), Standing::Leader);
            }
            server.shift_times(days);
            let before = Instant::now();
            second.lead().await;
            let waited = before.elapsed();
            assert!(waited >= Duration::from_secs(2) && waited < Duration::from_millis(2100), "{waited:?}");
            assert!(first.tenure().is_over());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_leader_that_was_stopped_for_long_gives_up_without_a_write() {
        let server = Server::default();
        let (mut first, mut second) = (server.candidate("a"), server.candidate("b"));
        first.lead().await;
        let tenure = first.tenure();
        let holding = first.hold();
        tokio::pin!(holding);
        assert!(tokio::time::timeout(Duration::from_secs(20), &mut holding).await.is_err(), "renewed");
        assert!(!tenure.is_over());
        // Nothing of the first runs while time goes on and the second takes over.
        second.lead().await;
        assert!(tenure.is_over(), "known before anything was asked");
        let writes = server.writes.lock().clone();
        holding.await;
        assert_eq!(*server.writes.lock(), writes);
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_does_not_answer_delays_nobody_for_ever() {
        let server = Server::default();
        let mut first = server.candidate("a");
        first.lead().await;
        server.answers.store(false, Ordering::SeqCst);
        let before = Instant::now();
        first.hold().await;
        assert!(before.elapsed() <= Duration::from_millis(1500), "{:?}", before.elapsed());
        first.release().await;
        let error = first.attempt().await.unwrap_err();
        assert!(crate::hub::chain(&error).contains("no answer within 1500 ms"), "{error}");
        server.answers.store(true, Ordering::SeqCst);
        first.lead().await;
        assert!(!first.tenure().is_over());
    }

    #[tokio::test(start_paused = true)]
    async fn somebody_who_touches_the_lease_takes_it_from_no_one() {
        let server = Server::default();
        let mut first = server.candidate("a");
        first.lead().await;
        for _ in 0..5 {
            server.conflicts.store(2, Ordering::SeqCst);
            let held = tokio::time::timeout(Duration::from_millis(1200), first.hold()).await;
            assert!(held.is_err(), "given up");
            assert_eq!(server.conflicts.load(Ordering::SeqCst), 0);
        }
        assert!(!first.tenure().is_over());
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
