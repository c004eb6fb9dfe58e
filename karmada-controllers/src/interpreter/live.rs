//! Decisions that may need the answers of webhooks.

use std::sync::Arc;

use futures::future::join_all;
use jiff::Timestamp;
use karmada_core::interpreter::lua::{LuaEngine, LuaOptions};
use karmada_core::interpreter::webhook::{Hooks, WebhookInterpreter};
use karmada_core::interpreter::{Interpreter, NativeInterpreter, ResourceInterpreter, ThirdPartyInterpreter};

use super::customizations::StoredCustomizations;
use super::hooks::StoredHooks;
use super::https::WebhookClient;
use super::session::Session;
use crate::hub::{Hub, aside};

/// An interpreter that follows what is stored in the control plane, and asks webhooks.
#[derive(Debug)]
pub(crate) struct LiveInterpreter {
    customizations: Arc<StoredCustomizations>,
    hooks: Arc<StoredHooks>,
    webhooks: WebhookClient,
    third_party: Arc<ThirdPartyInterpreter>,
    native: Arc<NativeInterpreter>,
}

impl LiveInterpreter {
    /// Makes the interpreter of a control plane.
    ///
    /// It knows all customizations and webhooks that the caches hold now; a later change applies to every
    /// decision begun after it.
    pub(crate) fn start(hub: &Arc<Hub>) -> Self {
        let engine = LuaEngine::new(LuaOptions::new(Arc::new(Timestamp::now)));
        let customizations = Arc::new(StoredCustomizations::new(Arc::new(engine)));
        let stored = customizations.clone();
        hub.interpreter_customizations.on_change(move |change| stored.follow(change));
        let hooks = Arc::new(StoredHooks::default());
        let stored = hooks.clone();
        hub.interpreter_webhooks.on_change(move |change| stored.follow(change));
        Self {
            customizations,
            hooks,
            webhooks: WebhookClient::new(hub.clone()),
            third_party: Arc::default(),
            native: Arc::default(),
        }
    }

    /// Makes a decision, with the answers of the webhooks that it asks.
    ///
    /// `decide` must be a pure function of its argument and of what it captured: it runs again after each round of
    /// answers. A webhook that gives no answer fails its question, not the decision.
    pub(crate) async fn decide<T>(&self, decide: impl Fn(&dyn ResourceInterpreter) -> T) -> T {
        let hooks = self.hooks.current();
        let mut session = Arc::new(Session::default());
        loop {
            let open = {
                let decision = decide(&self.interpreter(&hooks, &session));
                let open = session.take_open();
                if open.is_empty() {
                    return decision;
                }
                open
            };
            let answers = open.into_iter().map(|(key, open)| async move {
                let uid = open.question.request.as_ref().map(|request| request.uid.clone());
                let answer = self.webhooks.ask(&open.hook, &open.question).await;
                (key, uid.unwrap_or_default(), answer.map_err(Arc::new))
            });
            // A webhook that takes its time holds up nothing but what it was asked about.
            session = Arc::new(session.with_answers(aside(join_all(answers)).await));
        }
    }

    fn interpreter(&self, hooks: &Arc<Hooks>, session: &Arc<Session>) -> Interpreter {
        let mut layers: Vec<Arc<dyn ResourceInterpreter>> = vec![self.customizations.clone()];
        if !hooks.is_empty() {
            layers.push(Arc::new(WebhookInterpreter::new(hooks.clone(), session.clone())));
        }
        layers.push(self.third_party.clone());
        layers.push(self.native.clone());
        Interpreter::new(layers)
    }
}
