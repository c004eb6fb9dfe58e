//! The questions of one decision and what webhooks said to them.

use std::collections::BTreeMap;
use std::sync::Arc;

use karmada_core::api::config::ResourceInterpreterContext;
use karmada_core::interpreter::webhook::{CallError, Hook, InterpreterWebhookCaller};
use parking_lot::Mutex;
use uuid::Uuid;

use super::https::AskError;

/// A question that no webhook was asked yet.
#[derive(Clone, Debug)]
pub(super) struct Open {
    pub(super) hook: Hook,
    pub(super) question: ResourceInterpreterContext,
}

/// What a webhook said, or why it said nothing.
pub(super) type Answer = Result<ResourceInterpreterContext, Arc<AskError>>;

/// The answers that one decision has so far, and the questions that it lacks answers to.
///
/// It carries no question anywhere: an unknown one fails at once and is noted.
#[derive(Debug, Default)]
pub(super) struct Session {
    /// By the webhook and the question without its identifier, which is another one in each attempt.
    answers: BTreeMap<String, (String, Answer)>,
    open: Mutex<BTreeMap<String, Open>>,
}

/// The question has to be put to its webhook first.
#[derive(Debug, thiserror::Error)]
#[error("the webhook has not been asked yet")]
struct NotAsked;

impl Session {
    /// Returns the open questions by their keys.
    pub(super) fn take_open(&self) -> BTreeMap<String, Open> {
        std::mem::take(&mut *self.open.lock())
    }

    /// Returns the session with further answers.
    pub(super) fn with_answers(&self, answers: impl IntoIterator<Item = (String, String, Answer)>) -> Self {
        let mut all = self.answers.clone();
        all.extend(answers.into_iter().map(|(key, uid, answer)| (key, (uid, answer))));
        Self { answers: all, open: Mutex::default() }
    }
}

impl InterpreterWebhookCaller for Session {
    fn new_uid(&self) -> String {
        Uuid::new_v4().to_string()
    }

    fn call(
        &self,
        hook: &Hook,
        question: &ResourceInterpreterContext,
    ) -> Result<ResourceInterpreterContext, CallError> {
        let key = key(hook, question)?;
        let Some((asked, answer)) = self.answers.get(&key) else {
            let open = Open { hook: hook.clone(), question: question.clone() };
            self.open.lock().insert(key, open);
            return Err(NotAsked.into());
        };
        let mut answer = answer.clone()?;
        // The answer was given to the same question under another identifier.
        if let (Some(response), Some(request)) = (&mut answer.response, &question.request)
            && response.uid == *asked
        {
            response.uid.clone_from(&request.uid);
        }
        Ok(answer)
    }
}

/// Returns what tells questions apart: the webhook and everything but the identifier.
fn key(hook: &Hook, question: &ResourceInterpreterContext) -> Result<String, serde_json::Error> {
    let mut question = question.clone();
    if let Some(request) = &mut question.request {
        request.uid.clear();
    }
    Ok(format!("{} {}", hook.uid(), serde_json::to_string(&question)?))
}
