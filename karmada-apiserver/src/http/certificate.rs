//! Certificate signing requests: who asked, and who may say what about it.

use serde_json::{Value, json};

use super::call::{Call, object_name};
use super::delete::whole_second;
use super::failure::{Cause, Failure};
use crate::auth::signing_request::{SignerName, SigningRequest};
use crate::auth::{Access, MASTERS};

const GROUP: &str = "certificates.k8s.io";
const KIND: &str = "CertificateSigningRequest";
const PLURAL: &str = "certificatesigningrequests";
/// Conditions that only the approval endpoint gives.
const DECISIONS: [&str; 2] = ["Approved", "Denied"];

impl Call<'_> {
    fn is_certificate_request(&self) -> bool {
        self.resource.group == GROUP && self.resource.kind == KIND && !self.resource.is_custom()
    }

    /// Notes in a new request who makes it, whatever it says itself.
    pub(super) fn note_requester(&self, object: &mut Value) {
        if !self.is_certificate_request() {
            return;
        }
        let Some(spec) = object.get_mut("spec").and_then(Value::as_object_mut) else { return };
        let user = &self.user;
        let known = [
            ("username", !user.name.is_empty(), json!(user.name)),
            ("uid", !user.uid.is_empty(), json!(user.uid)),
            ("groups", !user.groups.is_empty(), json!(user.groups)),
            ("extra", !user.extra.is_empty(), json!(user.extra)),
        ];
        for (field, set, value) in known {
            spec.remove(field);
            if set {
                spec.insert(field.to_owned(), value);
            }
        }
    }

    /// Keeps what an endpoint of requests may not change, and refuses what it may not say.
    pub(super) fn check_certificate_request(&self, new: &mut Value, old: &Value) -> Result<(), Failure> {
        if !self.is_certificate_request() {
            return Ok(());
        }
        new["spec"] = old["spec"].clone();
        let causes = match self.subresource.as_str() {
            "status" => self.check_status(new, old),
            "approval" => self.check_approval(new, old),
            _ => Vec::new(),
        };
        if causes.is_empty() {
            Ok(())
        } else {
            Err(Failure::invalid(GROUP, KIND, &object_name(new), &causes))
        }
    }

    /// Refuses a new request that nobody may make, or that its maker did not sign.
    pub(super) fn check_new_request(&self, object: &Value) -> Result<(), Failure> {
        if !self.is_certificate_request() {
            return Ok(());
        }
        let text = |key: &str| object["spec"].get(key).and_then(Value::as_str).unwrap_or_default();
        let name = object_name(object);
        let request = SigningRequest::read(text("request")).map_err(|why| {
            let message = format!("Invalid value: {:?}: {why}", text("request"));
            Failure::invalid(GROUP, KIND, &name, &[Cause::new("FieldValueInvalid", "spec.request", message)])
        })?;
        let signer = text("signerName");
        // Nobody gets all rights by a certificate of this signer.
        if SignerName::parse(signer) == Some(SignerName::ApiClient)
            && request.organizations().iter().any(|group| group == MASTERS)
        {
            let why = format!("use of {signer} signer with {MASTERS} group is not allowed");
            return Err(Failure::forbidden(GROUP, PLURAL, &name, &why));
        }
        Ok(())
    }

    /// Checks that the writer may approve, or sign, requests for their signer.
    pub(super) fn check_signer_rights(&self, new: &Value, old: &Value) -> Result<(), Failure> {
        if !self.is_certificate_request() {
            return Ok(());
        }
        let changes = |path: &str| new.pointer(path) != old.pointer(path);
        let verb = match self.subresource.as_str() {
            "approval" => "approve",
            "status" if changes("/status/certificate") || changes("/status/conditions") => "sign",
            _ => return Ok(()),
        };
        let signer = old.pointer("/spec/signerName").and_then(Value::as_str).unwrap_or_default();
        let domain = signer.split_once('/').map_or(signer, |(domain, _)| domain);
        let may = |name: &str| {
            let access = Access {
                verb: verb.to_owned(),
                group: GROUP.to_owned(),
                resource: "signers".to_owned(),
                name: name.to_owned(),
                ..Access::default()
            };
            self.server.rules.decide(&self.user, &access).allowed
        };
        if may(signer) || may(&format!("{domain}/*")) {
            return Ok(());
        }
        let why = format!("user not permitted to {verb} requests with signerName {signer:?}");
        Err(Failure::forbidden(GROUP, PLURAL, &object_name(old), &why))
    }

    fn check_status(&self, new: &mut Value, old: &Value) -> Vec<Cause> {
        self.note_times(new, old);
        let mut causes = Vec::new();
        for decision in DECISIONS {
            match (condition(new, decision), condition(old, decision)) {
                (Some(_), None) => causes.push(forbidden("add", decision)),
                (None, Some(_)) => causes.push(forbidden("remove", decision)),
                _ => {}
            }
        }
        causes.extend(exclusive(new));
        let certificate = new.pointer("/status/certificate").and_then(Value::as_str).unwrap_or_default();
        if !certificate.is_empty() && !holds_certificate(certificate) {
            let why = "must contain at least one CERTIFICATE PEM block";
            causes.push(Cause::new(
                "FieldValueInvalid",
                "status.certificate",
                format!("Invalid value: \"<certificate data>\": {why}"),
            ));
        }
        causes
    }

    fn check_approval(&self, new: &mut Value, old: &Value) -> Vec<Cause> {
        if let Some(status) = new.get_mut("status").and_then(Value::as_object_mut) {
            status.remove("certificate");
            if let Some(certificate) = old.pointer("/status/certificate") {
                status.insert("certificate".to_owned(), certificate.clone());
            }
        }
        self.note_times(new, old);
        let removed = DECISIONS
            .iter()
            .chain(&["Failed"])
            .filter(|decision| condition(old, decision).is_some() && condition(new, decision).is_none());
        let mut causes: Vec<Cause> = removed.map(|decision| forbidden("remove", decision)).collect();
        causes.extend(exclusive(new));
        causes
    }

    /// Fills in when conditions came and changed, where the writer did not say.
    fn note_times(&self, new: &mut Value, old: &Value) {
        let now = Value::from(whole_second(self.now));
        let conditions = new.pointer_mut("/status/conditions").and_then(Value::as_array_mut);
        for one in conditions.into_iter().flatten().filter_map(Value::as_object_mut) {
            let kind = one.get("type").and_then(Value::as_str).unwrap_or_default();
            let before = condition(old, kind).filter(|before| Some(&before["status"]) == one.get("status"));
            let changed = before.map_or(&now, |before| &before["lastTransitionTime"]).clone();
            for (field, time) in [("lastUpdateTime", now.clone()), ("lastTransitionTime", changed)] {
                if one.get(field).is_none_or(Value::is_null) {
                    one.insert(field.to_owned(), time);
                }
            }
        }
    }
}

fn condition<'a>(object: &'a Value, kind: &str) -> Option<&'a Value> {
    let conditions = object.pointer("/status/conditions").and_then(Value::as_array);
    conditions.into_iter().flatten().find(|condition| condition["type"] == kind)
}

fn forbidden(action: &str, decision: &str) -> Cause {
    let message = format!("Forbidden: updates may not {action} a condition of type \"{decision}\"");
    Cause::new("FieldValueForbidden", "status.conditions", message)
}

fn exclusive(new: &Value) -> Option<Cause> {
    DECISIONS.iter().all(|decision| condition(new, decision).is_some()).then(|| {
        Cause::new(
            "FieldValueInvalid",
            "status.conditions",
            "Invalid value: \"Denied\": Approved and Denied conditions are mutually exclusive",
        )
    })
}

fn holds_certificate(encoded: &str) -> bool {
    use base64::Engine as _;
    let bytes = base64::engine::general_purpose::STANDARD.decode(encoded).unwrap_or_default();
    String::from_utf8_lossy(&bytes).contains("-----BEGIN CERTIFICATE-----")
}
