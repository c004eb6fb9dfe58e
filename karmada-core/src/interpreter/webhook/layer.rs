//! The layer of interpreters that asks webhooks.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use super::answer::{self, AnswerError};
use super::hooks::{Hook, Hooks};
use super::question::{Arguments, is_understood, question};
use crate::api::config::{ResourceInterpreterContext, ResourceInterpreterResponse};
use crate::api::work::{AggregatedStatusItem, Component, ReplicaRequirements, ResourceHealth};
use crate::interpreter::chain::not_found;
use crate::interpreter::dependency::checked;
use crate::interpreter::{DependentReference, InterpretError, ObjectKind, Operation, ResourceInterpreter};

/// A call that brought no answer: the webhook was not reached, was too slow, or said something unreadable.
pub type CallError = Box<dyn std::error::Error + Send + Sync>;

/// Carries questions to webhooks.
pub trait InterpreterWebhookCaller: Send + Sync {
    /// Returns an identifier that no other question has.
    fn new_uid(&self) -> String;

    /// Asks a webhook, within its [timeout](Hook::timeout), and returns what it says.
    ///
    /// # Errors
    ///
    /// When there is no readable answer; what the answer means is not for the caller to judge.
    fn call(
        &self,
        hook: &Hook,
        question: &ResourceInterpreterContext,
    ) -> Result<ResourceInterpreterContext, CallError>;
}

/// A webhook did not help.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    /// The webhook speaks none of the versions this program speaks.
    #[error("the webhook {hook} does not accept ResourceInterpreterContext v1alpha1")]
    Version {
        /// The webhook.
        hook: String,
    },
    /// More replicas than a question can hold.
    #[error("the webhook {hook} cannot be asked about {replicas} replicas")]
    Replicas {
        /// The webhook.
        hook: String,
        /// How many.
        replicas: i64,
    },
    /// There is no answer.
    #[error("calling the webhook {hook} failed")]
    Call {
        /// The webhook.
        hook: String,
        /// Why.
        #[source]
        source: CallError,
    },
    /// The answer cannot be used.
    #[error("the answer of the webhook {hook} cannot be used")]
    Answer {
        /// The webhook.
        hook: String,
        /// Why.
        #[source]
        source: AnswerError,
    },
}

/// Asks webhooks about the kinds that their rules list.
#[derive(Clone)]
pub struct WebhookInterpreter {
    hooks: Arc<Hooks>,
    caller: Arc<dyn InterpreterWebhookCaller>,
}

impl WebhookInterpreter {
    /// Makes the layer of the configured webhooks and the way to reach them.
    pub fn new(hooks: impl Into<Arc<Hooks>>, caller: Arc<dyn InterpreterWebhookCaller>) -> Self {
        Self { hooks: hooks.into(), caller }
    }

    /// Asks the one webhook for the operation and reads its answer.
    fn ask<T>(
        &self,
        operation: Operation,
        object: &Value,
        arguments: Arguments,
        read: impl FnOnce(ResourceInterpreterResponse) -> Result<T, AnswerError>,
    ) -> Result<T, InterpretError> {
        let hook = self.hook(operation, object)?;
        let failed = |error| failure(operation, error);
        if !is_understood(hook.webhook()) {
            return Err(failed(WebhookError::Version { hook: hook.uid().to_owned() }));
        }
        let uid = self.caller.new_uid();
        let asked = question(uid.clone(), operation, object, arguments);
        let answer = self
            .caller
            .call(hook, &asked)
            .map_err(|source| failed(WebhookError::Call { hook: hook.uid().to_owned(), source }))?;
        answer::response_to(&uid, answer)
            .and_then(read)
            .map_err(|source| failed(WebhookError::Answer { hook: hook.uid().to_owned(), source }))
    }

    fn hook(&self, operation: Operation, object: &Value) -> Result<&Hook, InterpretError> {
        self.hooks.candidate(ObjectKind::of(object), operation).ok_or_else(|| not_found(object, operation))
    }
}

impl std::fmt::Debug for WebhookInterpreter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WebhookInterpreter").field("hooks", &self.hooks).finish_non_exhaustive()
    }
}

impl ResourceInterpreter for WebhookInterpreter {
    fn hook_enabled(&self, kind: ObjectKind<'_>, operation: Operation) -> bool {
        self.hooks.candidate(kind, operation).is_some()
    }

    fn replicas(&self, object: &Value) -> Result<(i64, Option<ReplicaRequirements>), InterpretError> {
        self.ask(Operation::InterpretReplica, object, Arguments::default(), answer::replicas)
    }

    fn components(&self, object: &Value) -> Result<Vec<Component>, InterpretError> {
        let read = |response| Ok(answer::components(response));
        self.ask(Operation::InterpretComponent, object, Arguments::default(), read)
    }

    fn revise_replica(&self, object: Value, replicas: i64) -> Result<Value, InterpretError> {
        let operation = Operation::ReviseReplica;
        let Ok(wanted) = i32::try_from(replicas) else {
            let hook = self.hook(operation, &object)?.uid().to_owned();
            return Err(failure(operation, WebhookError::Replicas { hook, replicas }));
        };
        let arguments = Arguments { replicas: Some(wanted), ..Arguments::default() };
        self.ask(operation, &object, arguments, |response| answer::patched(object.clone(), response))
    }

    fn retain(&self, desired: Value, observed: &Value) -> Result<Value, InterpretError> {
        let arguments = Arguments { observed: Some(observed.clone()), ..Arguments::default() };
        let read = |response| answer::patched(desired.clone(), response);
        self.ask(Operation::Retain, &desired, arguments, read)
    }

    fn aggregate_status(
        &self,
        object: &Value,
        items: Option<&[AggregatedStatusItem]>,
        _now: Timestamp,
    ) -> Result<Value, InterpretError> {
        let arguments = Arguments { items: items.unwrap_or_default().to_vec(), ..Arguments::default() };
        let read = |response| answer::patched(object.clone(), response);
        self.ask(Operation::AggregateStatus, object, arguments, read)
    }

    fn dependencies(&self, object: &Value) -> Result<Vec<DependentReference>, InterpretError> {
        let read = |response| Ok(answer::dependencies(response));
        checked(self.ask(Operation::InterpretDependency, object, Arguments::default(), read)?)
    }

    fn reflect_status(&self, object: &Value) -> Result<Option<Value>, InterpretError> {
        self.ask(Operation::InterpretStatus, object, Arguments::default(), answer::raw_status).map(Some)
    }

    fn health(&self, object: &Value) -> Result<ResourceHealth, InterpretError> {
        let read = |response| answer::health(&response);
        self.ask(Operation::InterpretHealth, object, Arguments::default(), read)
    }
}

fn failure(operation: Operation, error: WebhookError) -> InterpretError {
    InterpretError::Customization { operation, source: Box::new(error) }
}

#[cfg(test)]
#[path = "layer_tests.rs"]
mod tests;
