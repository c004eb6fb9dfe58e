//! What the audit log of an API server says of the writes of replicas.

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::Component;

/// A write that an API server answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub user: String,
    pub verb: String,
    /// Resource and subresource, such as `works/status`.
    pub resource: String,
    /// Namespace and name.
    pub object: String,
    pub code: u64,
    /// When it came in.
    pub received: Timestamp,
    /// When it was answered.
    pub answered: Timestamp,
}

/// How long a component was without a leader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TakeOver {
    /// Until another held the lease.
    pub lease: Duration,
    /// Until its first write.
    pub write: Option<Duration>,
}

/// All writes of an API server, in the order they came in.
#[derive(Clone, Debug, Default)]
pub struct Audit {
    pub requests: Vec<Request>,
}

impl Audit {
    /// Returns the policy that the API server must have: writes only, once they are answered.
    pub fn policy() -> Value {
        json!({
            "apiVersion": "audit.k8s.io/v1", "kind": "Policy", "omitStages": ["RequestReceived"],
            "rules": [{"level": "None", "verbs": ["get", "list", "watch"]}, {"level": "Metadata"}],
        })
    }

    /// Reads a log.
    ///
    /// # Errors
    /// When it cannot be read or holds something else.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
        // The last line may be on its way.
        let complete = text.rfind('\n').map_or("", |end| &text[..end]);
        let mut requests = Vec::new();
        for line in complete.lines() {
            let event: Value = serde_json::from_str(line).with_context(|| line.to_owned())?;
            if event["stage"] == "ResponseComplete" {
                requests.push(Request::of(&event).with_context(|| line.to_owned())?);
            }
        }
        requests.sort_by_key(|request| request.received);
        Ok(Self { requests })
    }

    /// Returns the writes of a component's replicas but for those of its lease.
    pub fn writes_of(&self, component: Component) -> impl Iterator<Item = &Request> {
        self.requests
            .iter()
            .filter(move |request| component.is_replica(&request.user) && !request.is_of_lease(component))
    }

    fn renewals_of(&self, component: Component) -> impl Iterator<Item = &Request> {
        self.requests.iter().filter(move |request| {
            component.is_replica(&request.user) && request.is_of_lease(component) && request.code < 300
        })
    }

    /// Returns the writes of a component's replicas that came in while another of them, or none, held the lease.
    pub fn unfenced(&self, component: Component) -> Vec<Request> {
        let renewals: Vec<&Request> = self.renewals_of(component).collect();
        let is_leaders = |write: &Request| {
            let answered = renewals.iter().filter(|renewal| renewal.answered <= write.received);
            let last = answered.max_by_key(|renewal| renewal.received);
            // An answer is on its way to the replica before the server notes that it was given.
            let since = last.map_or(Timestamp::MIN, |last| last.received);
            last.is_some_and(|last| last.user == write.user)
                || renewals.iter().any(|renewal| {
                    renewal.user == write.user
                        && renewal.received >= since
                        && renewal.received <= write.received
                })
        };
        self.writes_of(component).filter(|write| !is_leaders(write)).cloned().collect()
    }

    /// Returns how another replica took over from one that ended at a time.
    pub fn take_over(&self, component: Component, ended: &str, at: Timestamp) -> Option<TakeOver> {
        let mut renewals = self.renewals_of(component);
        let lease = renewals.find(|renewal| renewal.received > at && renewal.user != ended)?;
        let first = self
            .writes_of(component)
            .find(|write| write.received > lease.received && write.user == lease.user);
        let since = |time: Timestamp| Duration::try_from(time.duration_since(at)).unwrap_or_default();
        Some(TakeOver { lease: since(lease.received), write: first.map(|write| since(write.received)) })
    }
}

impl Request {
    fn of(event: &Value) -> anyhow::Result<Self> {
        let text = |pointer: &str| event.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let mut resource = text("/objectRef/resource").to_owned();
        if !text("/objectRef/subresource").is_empty() {
            resource = format!("{resource}/{}", text("/objectRef/subresource"));
        }
        Ok(Self {
            user: text("/user/username").to_owned(),
            verb: text("/verb").to_owned(),
            resource,
            object: format!("{}/{}", text("/objectRef/namespace"), text("/objectRef/name")),
            code: event["responseStatus"]["code"].as_u64().unwrap_or_default(),
            received: text("/requestReceivedTimestamp").parse()?,
            answered: text("/stageTimestamp").parse()?,
        })
    }

    fn is_of_lease(&self, component: Component) -> bool {
        // A creation names its object in the body.
        self.resource == "leases"
            && (self.verb == "create" || self.object.ends_with(&format!("/{}", component.lease)))
    }
}

#[cfg(test)]
mod tests {
    use super::super::SCHEDULER;
    use super::*;

    fn time(millis: i64) -> Timestamp {
        Timestamp::from_millisecond(millis).unwrap()
    }

    fn request(user: &str, resource: &str, millis: i64) -> Request {
        Request {
            user: format!("scheduler-{user}"),
            verb: "update".into(),
            resource: resource.into(),
            object: if resource == "leases" {
                "karmada-system/karmada-scheduler".into()
            } else {
                "ns/a".into()
            },
            code: 200,
            received: time(millis),
            answered: time(millis + 10),
        }
    }

    #[test]
    fn a_write_of_one_who_does_not_hold_the_lease_is_found() {
        let requests = vec![
            request("a", "works", 5),
            request("a", "leases", 10),
            request("a", "works", 15),
            request("b", "works", 30),
            request("b", "leases", 100),
            // Both may be right: the server was about to answer.
            request("a", "works", 105),
            request("b", "works", 106),
            request("b", "works", 120),
            request("a", "works", 130),
        ];
        let audit = Audit { requests };
        let found: Vec<(String, i64)> = audit
            .unfenced(SCHEDULER)
            .into_iter()
            .map(|request| (request.user, request.received.as_millisecond()))
            .collect();
        let expected = [("scheduler-a", 5), ("scheduler-b", 30), ("scheduler-a", 130)];
        assert_eq!(found, expected.map(|(user, millis)| (user.to_owned(), millis)));
        let take_over = audit.take_over(SCHEDULER, "scheduler-a", time(50)).unwrap();
        let millis = Duration::from_millis;
        assert_eq!(take_over, TakeOver { lease: millis(50), write: Some(millis(56)) });
    }
}
