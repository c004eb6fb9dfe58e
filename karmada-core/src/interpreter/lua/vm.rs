//! A Lua state, the scripts that it has compiled, and calls of them.

use std::collections::HashMap;
use std::sync::Arc;

use mlua::chunk::ChunkMode;
use mlua::{
    Error, Function, HookTriggers, IntoLua, IntoLuaMulti, Lua, MultiValue, StdLib, Table, Value, VmState,
};
use serde_json::Value as Json;

use super::encode::Encoder;
use super::error::CHUNK;
use super::limits::{Budget, LimitError};
use super::objects::{Objects, filled};
use super::{LuaOptions, Script, ScriptError, concat, library, pods};

/// Instructions between two looks at the limits.
const HOOK_PERIOD: u32 = 1000;
/// Most compiled scripts of a state.
const MOST_SCRIPTS: usize = 4096;
/// Most memory of compiled scripts in one state, in bytes: four idle states stay below 64 MiB.
const MOST_RETAINED: usize = 12 << 20;
/// Scripts that are compiled until the memory of all is measured again.
const MEASURE_PERIOD: usize = 64;
/// The parameter of every script that makes its `..` work; see [`concat`].
const CONCATENATE: &str = "__karmada_concatenate";

/// An argument of a script's function.
#[derive(Clone, Copy, Debug)]
pub(super) enum Input<'a> {
    /// An object or a list.
    Json(&'a Json),
    /// A number.
    Number(f64),
}

/// A Lua state.
///
/// It serves one call after the other. After a limit was reached it is [spent](Self::is_spent).
pub(super) struct Vm {
    lua: Lua,
    run: Function,
    define: Function,
    budget: Arc<Budget>,
    options: LuaOptions,
    scripts: HashMap<u64, Function>,
    retained: usize,
    spent: bool,
}

impl Vm {
    /// Makes a state without scripts.
    pub(super) fn new(options: &LuaOptions) -> Result<Self, ScriptError> {
        Self::prepare(options).map_err(|error| ScriptError::sandbox(&error))
    }

    fn prepare(options: &LuaOptions) -> mlua::Result<Self> {
        let lua = Lua::new_with(StdLib::STRING | StdLib::TABLE | StdLib::MATH, mlua::LuaOptions::new())?;
        let budget = Arc::new(Budget::new(options.limits, Arc::clone(&options.clock)));
        let host = library::host(&lua, &budget, options.print.clone())?;
        let prelude = lua.load(include_str!("prelude.lua")).set_name("=prelude").set_mode(ChunkMode::Text);
        let (run, define): (Function, Function) = prelude.call(host)?;
        let hook = Arc::clone(&budget);
        lua.set_hook(HookTriggers::new().every_nth_instruction(HOOK_PERIOD), move |_, _| {
            hook.charge(u64::from(HOOK_PERIOD)).and_then(|()| hook.check_time()).map_err(Error::external)?;
            Ok(VmState::Continue)
        })?;
        lua.gc_collect()?;
        let retained = lua.used_memory();
        let scripts = HashMap::new();
        Ok(Self { lua, run, define, budget, options: options.clone(), scripts, retained, spent: false })
    }

    /// Returns whether this state must not be used again.
    pub(super) fn is_spent(&self) -> bool {
        self.spent
    }

    /// Returns the bytes that the state uses.
    pub(super) fn used_memory(&self) -> usize {
        self.lua.used_memory()
    }

    /// Calls a function of a script in a fresh environment, and reads its results.
    pub(super) fn call<T>(
        &mut self,
        script: &Script,
        function: &str,
        inputs: &[Input<'_>],
        read: impl FnOnce(&mut Encoder<'_, '_>, &[Value]) -> Result<T, ScriptError>,
    ) -> Result<T, ScriptError> {
        let main = self.compiled(script)?;
        self.budget.start();
        let objects = Objects::default();
        let answer = self.lua.scope(|scope| {
            let bridge = scope.create_function(|lua, (request, table, extra): (Value, Table, Value)| {
                self.serve(&objects, lua, &request, &table, &extra)
            })?;
            let mut arguments = (&main, function, bridge).into_lua_multi(&self.lua)?;
            for input in inputs {
                arguments.push_back(match input {
                    Input::Json(json) => objects.value(&self.lua, json)?,
                    Input::Number(number) => number.into_lua(&self.lua)?,
                });
            }
            let results = self.limited(|| self.run.call::<MultiValue>(arguments));
            Ok(self.results(results).and_then(|results| {
                let mut encoder = Encoder::new(&objects, self.options.limits.memory);
                read(&mut encoder, &results)
            }))
        });
        let answer = answer.unwrap_or_else(|error| Err(self.failure(&error)));
        self.spent |= matches!(answer, Err(ScriptError::Limit(_) | ScriptError::Sandbox { .. }));
        answer
    }

    /// Checks that a script defines a function.
    pub(super) fn check(&mut self, script: &Script, function: &str) -> Result<(), ScriptError> {
        let main = self.compiled(script)?;
        self.budget.start();
        let results = self.limited(|| self.define.call::<MultiValue>((&main, function)));
        let answer = self.results(results).map(drop);
        self.spent |= matches!(answer, Err(ScriptError::Limit(_) | ScriptError::Sandbox { .. }));
        answer
    }

    fn compiled(&mut self, script: &Script) -> Result<Function, ScriptError> {
        if let Some(main) = self.scripts.get(&script.id()) {
            return Ok(main.clone());
        }
        if self.scripts.len() >= MOST_SCRIPTS || self.retained > MOST_RETAINED {
            self.scripts.clear();
            self.measure()?;
        }
        let before = self.lua.used_memory();
        let main = self.limited(|| compile(&self.lua, script.text()));
        let main = main.map_err(|error| match error {
            Error::MemoryError(_) => ScriptError::Limit(LimitError::Memory(self.options.limits.memory)),
            other => syntax_error(&other),
        })?;
        self.retained += self.lua.used_memory().saturating_sub(before);
        self.scripts.insert(script.id(), main.clone());
        if self.scripts.len().is_multiple_of(MEASURE_PERIOD) {
            self.measure()?;
        }
        Ok(main)
    }

    fn measure(&mut self) -> Result<(), ScriptError> {
        self.lua.gc_collect().map_err(|error| ScriptError::sandbox(&error))?;
        self.retained = self.lua.used_memory();
        Ok(())
    }

    /// Runs something under the limit of memory.
    fn limited<T>(&self, run: impl FnOnce() -> mlua::Result<T>) -> mlua::Result<T> {
        self.lua.set_memory_limit(self.retained + self.options.limits.memory)?;
        let answer = run();
        self.lua.set_memory_limit(0)?;
        answer
    }

    /// Answers a request of the prelude: to fill a table, or what pods need.
    fn serve(
        &self,
        objects: &Objects<'_>,
        lua: &Lua,
        request: &Value,
        table: &Table,
        extra: &Value,
    ) -> mlua::Result<MultiValue> {
        // What is made here is no larger than the objects, and without the limit it takes a third of the time.
        let limit = lua.set_memory_limit(0)?;
        let answer = if let Value::LightUserData(place) = request {
            objects.fill(*place, table).map(|places| MultiValue::from_iter([Value::Boolean(places)]))
        } else {
            let mut encoder = Encoder::new(objects, self.options.limits.memory);
            match pods::answer(&mut encoder, request, table, extra, self.options.native) {
                Ok(answer) => filled(lua, &answer).and_then(|value| value.into_lua_multi(lua)),
                Err(message) => library::fail(lua, message),
            }
        };
        lua.set_memory_limit(limit)?;
        answer
    }

    /// Returns the results of a call that succeeded, or why it did not.
    fn results(&self, results: mlua::Result<MultiValue>) -> Result<Vec<Value>, ScriptError> {
        let mut results = results.map_err(|error| self.failure(&error))?.into_iter();
        if let Some(Value::Boolean(true)) = results.next() {
            return Ok(results.collect());
        }
        Err(match results.next() {
            Some(Value::Error(error)) => self.failure(&error),
            Some(Value::String(message)) => match &*message.as_bytes() {
                b"not enough memory" => LimitError::Memory(self.options.limits.memory).into(),
                _ => ScriptError::runtime(&message.to_string_lossy()),
            },
            _ => ScriptError::Sandbox { message: "an error without a message".to_owned() },
        })
    }

    fn failure(&self, error: &Error) -> ScriptError {
        if let Some(limit) = error.downcast_ref::<LimitError>() {
            return (*limit).into();
        }
        match error {
            Error::MemoryError(_) => LimitError::Memory(self.options.limits.memory).into(),
            Error::CallbackError { cause, .. } => self.failure(cause),
            other => ScriptError::sandbox(other),
        }
    }
}

/// Compiles a script into a function of its environment and of what makes its `..` work.
pub(super) fn compile(lua: &Lua, script: &str) -> mlua::Result<Function> {
    // The script as it was written says what is wrong with it; rewritten, it might not.
    let written = load(lua, script)?;
    match concat::rewrite(script, CONCATENATE) {
        std::borrow::Cow::Borrowed(_) => Ok(written),
        std::borrow::Cow::Owned(rewritten) => load(lua, &rewritten),
    }
}

fn load(lua: &Lua, script: &str) -> mlua::Result<Function> {
    let text = format!("local _ENV,{CONCATENATE}=...; {script}");
    lua.load(text).set_name(format!("={CHUNK}")).set_mode(ChunkMode::Text).into_function()
}

pub(super) fn syntax_error(error: &Error) -> ScriptError {
    match error {
        Error::SyntaxError { message, .. } => ScriptError::syntax(message),
        other => ScriptError::sandbox(other),
    }
}
