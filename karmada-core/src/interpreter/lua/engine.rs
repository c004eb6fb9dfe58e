//! Lua states, and the scripts that they share.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use mlua::{Lua, StdLib, Value};

use super::encode::Encoder;
use super::limits::Clock;
use super::vm::{Input, Vm, compile, syntax_error};
use super::{LuaLimits, ScriptError, function_name};
use crate::interpreter::{NativeOptions, Operation};

/// Most states that wait for their next call.
const MOST_IDLE: usize = 4;
/// Most memory that reading a script may take, in bytes.
const CHECK_MEMORY: usize = 64 << 20;

/// Takes a line that a script prints.
pub type Print = Arc<dyn Fn(&str) + Send + Sync>;

/// What scripts run with.
#[derive(Clone)]
pub struct LuaOptions {
    /// What one call may use.
    pub limits: LuaLimits,
    /// The clock of scripts and of the time limit.
    pub clock: Clock,
    /// How the requirements of pods are read.
    pub native: NativeOptions,
    /// Who takes what scripts print. By default nobody does.
    pub print: Option<Print>,
}

impl LuaOptions {
    /// Returns the usual limits with a clock.
    pub fn new(clock: Clock) -> Self {
        Self { limits: LuaLimits::default(), clock, native: NativeOptions::default(), print: None }
    }
}

/// A script; equal texts are one script.
#[derive(Debug)]
pub(super) struct Script {
    id: u64,
    text: Box<str>,
}

impl Script {
    pub(super) fn id(&self) -> u64 {
        self.id
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }
}

/// Runs scripts, each call in an environment of its own.
///
/// Calls of several threads run at once, each in a state of its own. States keep what they have compiled, so that
/// customizations that change a little cost little. A state in which a limit was reached is thrown away.
pub struct LuaEngine {
    options: LuaOptions,
    idle: Mutex<Vec<Vm>>,
    scripts: Mutex<Scripts>,
}

#[derive(Default)]
struct Scripts {
    by_text: HashMap<Box<str>, Weak<Script>>,
    last_id: u64,
}

impl LuaEngine {
    /// Makes an engine without scripts.
    pub fn new(options: LuaOptions) -> Self {
        Self { options, idle: Mutex::default(), scripts: Mutex::default() }
    }

    /// Checks that a script can be read and defines the function of an operation.
    ///
    /// # Errors
    ///
    /// When it cannot be read, fails outside of functions, or defines something else.
    pub fn check(&self, operation: Operation, script: &str) -> Result<(), ScriptError> {
        let script = self.intern(script);
        let mut vm = self.take()?;
        let answer = vm.check(&script, function_name(operation));
        self.give_back(vm);
        answer
    }

    /// Returns the bytes that idle states use.
    pub fn used_memory(&self) -> usize {
        lock(&self.idle).iter().map(Vm::used_memory).sum()
    }

    /// Returns the script of a text.
    pub(super) fn intern(&self, text: &str) -> Arc<Script> {
        let mut scripts = lock(&self.scripts);
        if let Some(script) = scripts.by_text.get(text).and_then(Weak::upgrade) {
            return script;
        }
        if scripts.by_text.len() == scripts.by_text.capacity() {
            scripts.by_text.retain(|_, script| script.strong_count() > 0);
        }
        scripts.last_id += 1;
        let script = Arc::new(Script { id: scripts.last_id, text: text.into() });
        scripts.by_text.insert(text.into(), Arc::downgrade(&script));
        script
    }

    /// Calls the function of an operation, and reads its results.
    pub(super) fn call<T>(
        &self,
        script: &Script,
        operation: Operation,
        inputs: &[Input<'_>],
        read: impl FnOnce(&mut Encoder<'_, '_>, &[Value]) -> Result<T, ScriptError>,
    ) -> Result<T, ScriptError> {
        let mut vm = self.take()?;
        let answer = vm.call(script, function_name(operation), inputs, read);
        self.give_back(vm);
        answer
    }

    fn take(&self) -> Result<Vm, ScriptError> {
        let idle = lock(&self.idle).pop();
        idle.map_or_else(|| Vm::new(&self.options), Ok)
    }

    fn give_back(&self, vm: Vm) {
        if vm.is_spent() {
            return;
        }
        let mut idle = lock(&self.idle);
        if idle.len() < MOST_IDLE {
            idle.push(vm);
        }
    }
}

impl fmt::Debug for LuaEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LuaEngine").field("limits", &self.options.limits).finish_non_exhaustive()
    }
}

/// Checks that Lua can read a script.
///
/// # Errors
///
/// When it cannot; the error names the line.
pub fn check_syntax(script: &str) -> Result<(), ScriptError> {
    let lua =
        Lua::new_with(StdLib::NONE, mlua::LuaOptions::new()).map_err(|error| ScriptError::sandbox(&error))?;
    lua.set_memory_limit(CHECK_MEMORY).map_err(|error| ScriptError::sandbox(&error))?;
    compile(&lua, script).map(drop).map_err(|error| syntax_error(&error))
}

/// Locks; what a panicking thread left behind is whole, for everything under these locks changes in one step.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
