//! Asking the webhooks that a request matches.

use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt as _, stream};
use serde_json::{Value, json};

use super::attributes::{Attributes, Kind};
use super::client::Limits;
use super::conditions::{Verdict, variables};
use super::configuration::{FailurePolicy, Purpose, Reinvocation, Webhook};
use super::conversion;
use super::matching::{NamespaceSelection, is_exempt, matched_resource, selects_namespace, selects_object};
use super::response::{self, Answer};
use super::review::{self, Shown};
use crate::http::Failure;
use crate::patch::apply_operations;

/// Bytes of an answer that are read.
const ANSWER: usize = 16 << 20;
/// Webhooks that are asked about one request at a time.
const AT_ONCE: usize = 16;

/// What webhooks said besides yes and no.
#[derive(Clone, Debug, Default)]
pub(crate) struct Remarks {
    pub(crate) warnings: Vec<String>,
    pub(crate) annotations: BTreeMap<String, String>,
}

/// What is known from the first round of changing webhooks, for a second one.
#[derive(Debug, Default)]
pub(crate) struct Rounds {
    round: usize,
    /// Webhooks that want to be asked again if something changes after them.
    asked: BTreeSet<usize>,
    /// Webhooks after which something has changed.
    again: BTreeSet<usize>,
    output: Option<Value>,
    changed: bool,
}

/// One webhook and what it is shown.
struct Question<'a> {
    index: usize,
    webhook: &'a Webhook,
    resource: std::sync::Arc<crate::registry::Resource>,
    kind: Kind,
    object: Option<Value>,
    old: Option<Value>,
}

/// Reads a changed object as its kind.
pub(crate) type Decode<'a> = &'a (dyn Fn(Value) -> Result<Value, Failure> + Send + Sync);

/// What one validating webhook came to.
type Asked = (Result<Option<Answer>, Failure>, Remarks);

impl Rounds {
    /// Whether a webhook has changed the object in the round that is over.
    pub(crate) fn has_changed(&self) -> bool {
        self.changed
    }
}

/// Lets the mutating webhooks change or refuse an object, one after the other.
///
/// Called again with the same `rounds`, it asks those again that others have overtaken.
///
/// # Errors
/// The refusal, or the failure of a webhook that may not fail.
pub(crate) async fn mutate(
    attributes: &Attributes<'_>,
    mut object: Option<&mut Value>,
    old: Option<&Value>,
    decode: Decode<'_>,
    rounds: &mut Rounds,
    remarks: &mut Remarks,
) -> Result<(), Failure> {
    let webhooks = attributes.server.webhooks.list(Purpose::Mutating, &attributes.server.store);
    if webhooks.is_empty() || is_exempt(attributes.resource) {
        return Ok(());
    }
    let is_again = rounds.round > 0;
    if is_again && rounds.output.as_ref() != object.as_deref() {
        // Plug-ins have changed the object: all that want to know are asked.
        rounds.again.append(&mut rounds.asked);
    }
    rounds.changed = false;
    for (index, webhook) in webhooks.iter().enumerate() {
        let Some(question) = question(index, webhook, attributes, object.as_deref(), old).await? else {
            continue;
        };
        if is_again && !rounds.again.contains(&index) {
            continue;
        }
        let changed =
            ask_mutating(&question, attributes, object.as_deref_mut(), decode, rounds.round, remarks).await?;
        if changed {
            rounds.again.append(&mut rounds.asked);
            rounds.changed = true;
        }
        if webhook.reinvocation == Reinvocation::IfNeeded {
            rounds.asked.insert(index);
        }
    }
    rounds.output = object.map(|object| object.clone());
    rounds.round += 1;
    Ok(())
}

/// Lets the validating webhooks refuse an object, all at once.
///
/// # Errors
/// The first refusal or failure, in the order of the configurations.
pub(crate) async fn validate(
    attributes: &Attributes<'_>,
    object: Option<&Value>,
    old: Option<&Value>,
    remarks: &mut Remarks,
) -> Result<(), Failure> {
    let webhooks = attributes.server.webhooks.list(Purpose::Validating, &attributes.server.store);
    if webhooks.is_empty() || is_exempt(attributes.resource) {
        return Ok(());
    }
    let mut questions = Vec::new();
    for (index, webhook) in webhooks.iter().enumerate() {
        questions.extend(question(index, webhook, attributes, object, old).await?);
    }
    let asked = questions.iter().map(|question| async move {
        let mut remarks = Remarks::default();
        let result = ask(question, attributes, Purpose::Validating, &mut remarks).await;
        (result, remarks)
    });
    // Boxed: the compiler does not see through a stream of borrowing futures.
    let asked: Vec<futures::future::BoxFuture<'_, Asked>> = asked.map(|asked| Box::pin(asked) as _).collect();
    let answers: Vec<Asked> = stream::iter(asked).buffered(AT_ONCE).collect().await;
    let mut result = Ok(());
    for (answer, found) in answers {
        remarks.warnings.extend(found.warnings);
        remarks.annotations.extend(found.annotations);
        if result.is_ok() {
            result = answer.map(drop);
        }
    }
    result
}

/// Returns what a webhook is to be asked, if anything.
async fn question<'a>(
    index: usize,
    webhook: &'a Webhook,
    attributes: &Attributes<'_>,
    object: Option<&Value>,
    old: Option<&Value>,
) -> Result<Option<Question<'a>>, Failure> {
    let Some(resource) = matched_resource(&webhook.rules, webhook.match_policy, attributes) else {
        return Ok(None);
    };
    let namespace = selects_namespace(&webhook.namespace_selector, attributes, object);
    if namespace == NamespaceSelection::NotSelected || !selects_object(&webhook.object_selector, object, old)
    {
        return Ok(None);
    }
    if let NamespaceSelection::Missing(name) = namespace {
        return Err(Failure::not_found("", "namespaces", &name));
    }
    let (kind, object, old) = in_version_of(&resource, attributes, object, old).await?;
    let question = Question { index, webhook, resource, kind, object, old };
    if !webhook.conditions.is_empty() {
        let request = review::request(attributes, &question.shown());
        let variables = variables(attributes, &request, question.object.as_ref(), question.old.as_ref());
        match webhook.conditions.check(&variables) {
            Verdict::Met => {}
            Verdict::NotMet => return Ok(None),
            Verdict::Failed(_) if webhook.failure_policy == FailurePolicy::Ignore => return Ok(None),
            Verdict::Failed(why) => {
                let asked = attributes.resource;
                return Err(Failure::forbidden(&asked.group, &asked.plural, attributes.name, &why));
            }
        }
    }
    Ok(Some(question))
}

/// Returns kind and objects of a request in the version that a rule names.
pub(crate) async fn in_version_of(
    resource: &std::sync::Arc<crate::registry::Resource>,
    attributes: &Attributes<'_>,
    object: Option<&Value>,
    old: Option<&Value>,
) -> Result<(Kind, Option<Value>, Option<Value>), Failure> {
    let is_own_kind = attributes.kind == Kind::of(attributes.resource);
    if std::sync::Arc::ptr_eq(resource, attributes.resource) || !is_own_kind {
        return Ok((attributes.kind.clone(), object.cloned(), old.cloned()));
    }
    let mut converted = Vec::new();
    for value in [object, old] {
        converted.push(match value {
            Some(value) => {
                let values = vec![value.clone()];
                conversion::convert(attributes.server, resource, &resource.api_version(), values).await?.pop()
            }
            None => None,
        });
    }
    let old = converted.pop().flatten();
    Ok((Kind::of(resource), converted.pop().flatten(), old))
}

impl Question<'_> {
    fn shown(&self) -> Shown<'_> {
        Shown {
            resource: &self.resource,
            kind: self.kind.clone(),
            object: self.object.as_ref(),
            old: self.old.as_ref(),
        }
    }
}

/// Asks one webhook. `None`: it could not be asked, which does not matter.
async fn ask(
    question: &Question<'_>,
    attributes: &Attributes<'_>,
    purpose: Purpose,
    remarks: &mut Remarks,
) -> Result<Option<Answer>, Failure> {
    let webhook = question.webhook;
    let shown = question.shown();
    let uid = uuid::Uuid::new_v4().to_string();
    let request = review::request(attributes, &shown);
    let review = review::review(webhook.version, &uid, &request, &shown);
    let server = attributes.server;
    let limits = Limits { timeout: webhook.timeout, answer: ANSWER };
    let answer = match server.webhooks.client.post(&webhook.endpoint, &server.store, &review, limits).await {
        Err(why) => Err(format!("failed to call webhook: {why}")),
        Ok(body) => response::read(&body, webhook.version, purpose, &uid).map_err(|unusable| unusable.text()),
    };
    let answer = match answer {
        Ok(answer) => answer,
        Err(why) => return failed(question, purpose, &why, remarks).map(|()| None),
    };
    remarks.warnings.extend(answer.warnings.iter().cloned());
    for (key, value) in &answer.annotations {
        remarks.annotations.insert(format!("{}/{key}", webhook.name), value.clone());
    }
    if answer.allowed { Ok(Some(answer)) } else { Err(answer.denial(&webhook.name)) }
}

/// Decides what follows from a webhook that failed.
fn failed(
    question: &Question<'_>,
    purpose: Purpose,
    why: &str,
    remarks: &mut Remarks,
) -> Result<(), Failure> {
    let webhook = question.webhook;
    let message = format!("failed calling webhook {:?}: {why}", webhook.name);
    if webhook.failure_policy == FailurePolicy::Fail {
        return Err(Failure::internal_cause(message));
    }
    tracing::warn!(webhook = webhook.name, why, "a webhook failed and is ignored");
    let stage = if purpose == Purpose::Mutating { "mutation" } else { "validating" };
    let key = format!("failed-open.{stage}.webhook.admission.k8s.io/round_0_index_{}", question.index);
    remarks.annotations.insert(key, webhook.name.clone());
    Ok(())
}

/// Asks one webhook and changes the object as it wants. Returns whether that changed anything.
async fn ask_mutating(
    question: &Question<'_>,
    attributes: &Attributes<'_>,
    object: Option<&mut Value>,
    decode: Decode<'_>,
    round: usize,
    remarks: &mut Remarks,
) -> Result<bool, Failure> {
    let webhook = question.webhook;
    let Some(answer) = ask(question, attributes, Purpose::Mutating, remarks).await? else { return Ok(false) };
    let operations = match answer.operations() {
        Ok(operations) => operations,
        Err(why) => return failed(question, Purpose::Mutating, &why, remarks).map(|()| false),
    };
    let mut changed = false;
    if !operations.is_empty() {
        let (Some(object), Some(shown)) = (object, &question.object) else {
            return Err(Failure::internal_cause(format!(
                "admission webhook {:?} attempted to modify the object, which is not supported for this operation",
                webhook.name
            )));
        };
        let patched = apply_operations(shown, &operations).map_err(Failure::internal_cause)?;
        let is_own = question.kind == attributes.kind;
        let patched = if is_own {
            patched
        } else {
            let (own, values) = (attributes.resource, vec![patched]);
            let converted = conversion::convert(attributes.server, own, &own.api_version(), values).await?;
            converted.into_iter().next().unwrap_or(Value::Null)
        };
        let patched = decode(patched)?;
        changed = patched != *object;
        *object = patched;
    }
    let key = format!("mutation.webhook.admission.k8s.io/round_{round}_index_{}", question.index);
    let note = json!({"configuration": webhook.configuration, "webhook": webhook.name, "mutated": changed});
    remarks.annotations.insert(key, note.to_string());
    Ok(changed)
}
