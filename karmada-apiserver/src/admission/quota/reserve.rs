//! Taking what a write uses from the quotas of its namespace, before it is stored.

use serde_json::Value;

use super::super::plugin::Operation;
use super::super::pod_resources::{Amounts, add, amounts};
use super::{scope, usage};
use crate::http::call::{Call, object_name};
use crate::http::failure::Failure;
use crate::registry::{Quantity, UpdateTarget};
use crate::server::Inner;

const STORAGE: &str = "/resourcequotas";
const MANAGER: &str = "kube-apiserver";

/// A write that may use more than before.
struct Wanted<'a> {
    group: &'a str,
    plural: &'a str,
    name: String,
    more: Amounts,
}

impl Call<'_> {
    /// Notes in the quotas of the namespace what a write uses.
    ///
    /// A write that fails afterwards leaves its part noted until the quotas are counted again.
    ///
    /// # Errors
    /// When a quota has not enough left, or a container of a pod does not say what it needs.
    pub(crate) async fn reserve_quota(
        &self,
        operation: Operation,
        object: &Value,
        old: Option<&Value>,
    ) -> Result<(), Failure> {
        let Some(wanted) = self.wanted(operation, object, old) else { return Ok(()) };
        let listing = self.server.store.list(STORAGE, &format!("{}/", self.namespace));
        let is_pod = self.is_core("pods");
        let mut quotas = Vec::new();
        for quota in listing.objects.iter().map(|stored| stored.value()) {
            let hard = amounts(quota["status"].get("hard"));
            let touched = wanted.more.iter().any(|(name, _)| hard.contains_key(name));
            if !touched || !scope::matches(&quota, is_pod, object) {
                continue;
            }
            let limited: Vec<String> = hard.into_keys().collect();
            if is_pod && let Some(missing) = usage::missing(object, &limited) {
                let why = format!("failed quota: {}: must specify {missing}", object_name(&quota));
                return Err(wanted.refusal(&why));
            }
            quotas.push(quota);
        }
        for quota in &quotas {
            wanted.fits(quota)?;
        }
        if self.options.dry_run {
            return Ok(());
        }
        for quota in &quotas {
            wanted.note(self.server, &self.namespace, &object_name(quota)).await?;
        }
        Ok(())
    }

    fn is_core(&self, plural: &str) -> bool {
        self.resource.group.is_empty() && self.resource.plural == plural
    }

    fn wanted(&self, operation: Operation, object: &Value, old: Option<&Value>) -> Option<Wanted<'_>> {
        let changes = self.is_core("services") || self.is_core("persistentvolumeclaims");
        let counts = match operation {
            Operation::Create => true,
            Operation::Update => changes,
            Operation::Delete | Operation::Connect => false,
        };
        if !counts
            || !self.subresource.is_empty()
            || self.namespace.is_empty()
            || self.server.store.count(STORAGE) == 0
        {
            return None;
        }
        let mut more = usage::usage(&self.resource, object);
        if let Some(old) = old {
            let before = usage::usage(&self.resource, old);
            more = more
                .into_iter()
                .map(|(name, amount)| {
                    let left = before.get(&name).and_then(|before| amount.checked_sub(*before));
                    (name, left.unwrap_or(amount))
                })
                .collect();
        }
        more.retain(|_, amount| !amount.is_zero() && !amount.is_negative());
        (!more.is_empty()).then(|| Wanted {
            group: &self.resource.group,
            plural: &self.resource.plural,
            name: object_name(object),
            more,
        })
    }
}

impl Wanted<'_> {
    fn refusal(&self, why: &str) -> Failure {
        Failure::forbidden(self.group, self.plural, &self.name, why)
    }

    /// Returns what a quota has used with this write.
    fn used(&self, quota: &Value) -> Amounts {
        let hard = amounts(quota["status"].get("hard"));
        let mut used = amounts(quota["status"].get("used"));
        let more = self.more.iter().filter(|(name, _)| hard.contains_key(*name));
        add(&mut used, &more.map(|(name, amount)| (name.clone(), *amount)).collect());
        used
    }

    fn fits(&self, quota: &Value) -> Result<(), Failure> {
        let hard = amounts(quota["status"].get("hard"));
        let (before, after) = (amounts(quota["status"].get("used")), self.used(quota));
        let exceeded: Vec<&String> = self
            .more
            .keys()
            .filter(|name| {
                let (limit, used) = (hard.get(*name), after.get(*name));
                limit.zip(used).is_some_and(|(limit, used)| used.compare(*limit).is_gt())
            })
            .collect();
        if exceeded.is_empty() {
            return Ok(());
        }
        let list = |amounts: &Amounts| {
            let zero = Quantity::from_integer(0);
            let texts = exceeded.iter().map(|name| {
                let amount = amounts.get(*name).copied().unwrap_or(zero);
                format!("{name}={}", amount.canonical())
            });
            texts.collect::<Vec<_>>().join(",")
        };
        let why = format!(
            "exceeded quota: {}, requested: {}, used: {}, limited: {}",
            object_name(quota),
            list(&self.more),
            list(&before),
            list(&hard)
        );
        Err(self.refusal(&why))
    }

    /// Writes the new use of a quota, unless others have taken it meanwhile.
    async fn note(&self, server: &Inner, namespace: &str, name: &str) -> Result<(), Failure> {
        let registry = server.registry();
        let resource = registry
            .resource("", "v1", "resourcequotas")
            .ok_or_else(|| Failure::internal("resourcequotas are not served"))?;
        let mut call = Call::internal(server, resource, namespace, name, MANAGER);
        "status".clone_into(&mut call.subresource);
        let change = call.update(UpdateTarget::Status, |_, old| {
            self.fits(old)?;
            let mut new = old.clone();
            let used = self.used(old).into_iter().map(|(name, amount)| (name, amount.canonical().into()));
            new["status"]["used"] = Value::Object(used.collect());
            Ok(new)
        });
        // An update may itself be counted: the two call each other.
        match Box::pin(change).await {
            // Deleted meanwhile: it limits nothing any longer.
            Err(failure) if failure.code == http::StatusCode::NOT_FOUND => Ok(()),
            result => result.map(|_| ()),
        }
    }
}
