//! The interpreter of the control plane: stored customizations before the built-in rules.

mod stored;

use std::sync::Arc;

use jiff::Timestamp;
use karmada_core::interpreter::lua::{LuaEngine, LuaOptions};
use karmada_core::interpreter::{Interpreter, NativeInterpreter, ThirdPartyInterpreter};

use crate::hub::Hub;

use self::stored::StoredCustomizations;

/// Returns an interpreter that follows the customizations of the control plane.
///
/// It knows all those that the cache holds now; a later change applies to every question asked after it.
pub(crate) fn start(hub: &Hub) -> Interpreter {
    let engine = LuaEngine::new(LuaOptions::new(Arc::new(Timestamp::now)));
    let customizations = Arc::new(StoredCustomizations::new(Arc::new(engine)));
    let stored = customizations.clone();
    hub.interpreter_customizations.on_change(move |change| stored.follow(change));
    Interpreter::new(vec![
        customizations,
        Arc::new(ThirdPartyInterpreter::default()),
        Arc::new(NativeInterpreter::default()),
    ])
}
