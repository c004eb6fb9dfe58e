//! What scripts cannot do, and what they can rely on.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use indoc::{formatdoc, indoc};
use jiff::Timestamp;
use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value as Json, json};

use super::engine::{LuaEngine, LuaOptions};
use super::limits::LimitError;
use super::results::{Encoder, status};
use super::vm::Input;
use super::{LuaLimits, ScriptError, check_syntax};
use crate::interpreter::Operation;

fn engine() -> LuaEngine {
    LuaEngine::new(LuaOptions::new(Arc::new(|| Timestamp::UNIX_EPOCH)))
}

/// An engine with a tenth of the usual steps, for code that is not optimised.
fn short_engine() -> LuaEngine {
    let mut options = LuaOptions::new(Arc::new(|| Timestamp::UNIX_EPOCH));
    options.limits.steps /= 10;
    LuaEngine::new(options)
}

/// Calls `ReflectStatus` of a script.
fn call(engine: &LuaEngine, script: &str, object: &Json) -> Result<Json, ScriptError> {
    let script = engine.intern(script);
    engine.call(&script, Operation::InterpretStatus, &[Input::Json(object)], status)
}

/// Returns the field `r` of what a function body returns.
fn evaluate(engine: &LuaEngine, body: &str) -> Result<Json, ScriptError> {
    let script = format!("function ReflectStatus(obj)\n{body}\nend");
    call(engine, &script, &json!({"kind": "Widget", "n": 3})).map(|mut answer| answer["r"].take())
}

#[expect(clippy::disallowed_methods, reason = "how long scripts are let run is the question")]
fn now() -> Instant {
    Instant::now()
}

fn limit(error: ScriptError) -> LimitError {
    match error {
        ScriptError::Limit(limit) => limit,
        other => panic!("{other:?} is no limit"),
    }
}

#[rstest]
#[case("io")]
#[case("debug")]
#[case("coroutine")]
#[case("channel")]
#[case("bit32")]
#[case("os.execute")]
#[case("os.getenv")]
#[case("os.exit")]
#[case("os.remove")]
#[case("os.rename")]
#[case("os.tmpname")]
#[case("os.setlocale")]
#[case("package.path")]
#[case("package.cpath")]
#[case("package.loadlib")]
#[case("package.searchers")]
#[case("table.unpack")]
#[case("kube")]
fn has_no(#[case] name: &str) {
    assert_eq!(evaluate(&engine(), &format!("return {{r = type({name})}}")).unwrap(), json!("nil"));
}

#[rstest]
#[case("collectgarbage()")]
#[case("dofile('/etc/passwd')")]
#[case("getfenv(1)")]
#[case("getmetatable('')")]
#[case("load(function() end)")]
#[case("loadfile('/etc/passwd')")]
#[case("loadstring('return 1')")]
#[case("loadstring('\\27Lua')")]
#[case("module('x')")]
#[case("newproxy(true)")]
#[case("rawequal(1, 1)")]
#[case("rawget(_G, 'x')")]
#[case("rawset(_G, 'x', 1)")]
#[case("setfenv(1, {})")]
#[case("setmetatable({}, {})")]
#[case("string.dump(function() end)")]
#[case("string.rep('x', 10)")]
#[case("('x'):rep(10)")]
#[case("string.gsub('x', 'x', 'y')")]
#[case("require('io')")]
#[case("require('debug')")]
#[case("io.open('/etc/passwd')")]
#[case("os.execute('true')")]
#[case("package.loadlib('a', 'b')")]
fn refuses(#[case] call: &str) {
    let engine = engine();
    let error = evaluate(&engine, &format!("return {{r = {call}}}")).unwrap_err();
    assert_eq!(error.line(), Some(2), "{error}");
    let caught = evaluate(&engine, &format!("return {{r = pcall(function() return {call} end)}}"));
    assert_eq!(caught.unwrap(), json!(false));
}

#[test]
fn does_not_load_bytecode() {
    let error = check_syntax("\u{1b}Lua\u{52}").unwrap_err();
    assert!(matches!(error, ScriptError::Syntax { line: Some(1), .. }), "{error:?}");
}

#[rstest]
#[case::globals("x = (x or 0) + 1", "return {r = x}", json!(1))]
#[case::global_table("_G.x = (_G.x or 0) + 1", "return {r = x}", json!(1))]
#[case::library("string.x = (string.x or 0) + 1", "return {r = string.x}", json!(1))]
#[case::library_by_require("local m = require('math'); m.x = (m.x or 0) + 1", "return {r = math.x}", json!(1))]
#[case::kube("local k = require('kube'); k.x = (k.x or 0) + 1", "return {r = require('kube').x}", json!(1))]
#[case::loaded("package.loaded.x = (package.loaded.x or 0) + 1", "return {r = require('x')}", json!(1))]
#[case::preload("package.preload.x = package.preload.x or function() n = (n or 0) + 1; return n end", "return {r = require('x')}", json!(1))]
#[case::methods("function string.n(s) string.c = (string.c or 0) + 1; return s .. string.c end", "return {r = ('a'):n()}", json!("a1"))]
#[case::base("local t = tostring; tostring = function(v) return 'x' .. t(v) end", "return {r = tostring(1)}", json!("x1"))]
#[case::random("n = math.random(1000000)", "return {r = n == (function() math.randomseed(41); return n end)()}", json!(true))]
#[case::upvalues("local n = 0; function up() n = n + 1; return n end", "return {r = up()}", json!(1))]
#[case::removed("math.floor = nil", "return {r = math.floor == nil}", json!(true))]
fn keeps_nothing_from_call_to_call(#[case] top: &str, #[case] body: &str, #[case] expected: Json) {
    let engine = engine();
    let script = format!("{top}\nfunction ReflectStatus(obj) {body} end");
    for _ in 0..3 {
        let mut answer = call(&engine, &script, &json!({"kind": "Widget"})).unwrap();
        assert_eq!(answer["r"].take(), expected);
    }
    // Nor does another script see any of it.
    let other =
        "return {r = x == nil and string.x == nil and math.floor(1.5) == 1 and n == nil and up == nil}";
    assert_eq!(evaluate(&engine, other).unwrap(), json!(true));
}

#[test]
fn draws_the_same_numbers_in_every_call() {
    let engine = engine();
    let body = "return {r = {math.random(), math.random(10), math.random(5, 7)}}";
    assert_eq!(evaluate(&engine, body).unwrap(), evaluate(&self::engine(), body).unwrap());
}

#[rstest]
#[case::endless_loop("while true do end")]
#[case::caught_loop("while true do pcall(function() while true do end end) end")]
#[case::handled_loop(
    "while true do xpcall(function() while true do end end, function() while true do end end) end"
)]
#[case::tail_recursion("local function f() return f() end f()")]
#[case::goto_loop("::again:: goto again")]
#[case::nested_pcall("local function f() pcall(f) return f() end f()")]
#[case::backtracking(
    "local s = 'a' for i = 1, 12 do s = s .. s end return s:find(('.*'):lower() .. '.*.*.*.*.*.*.*.*b')"
)]
#[case::matching_in_a_loop(
    "while true do pcall(string.find, 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', '.-.-.-.-.-.-.-b') end"
)]
#[case::long_texts("local s = 'a' for i = 1, 20 do s = s .. s end while true do s:upper() end")]
#[case::comparing_keys(
    "local t = {} for i = 1, 20000 do t['k' .. i] = i end while true do for k in pairs(t) do end end"
)]
#[case::next_key(
    "local t = {} for i = 1, 20000 do t['k' .. i] = i end local k while true do k = next(t, k) end"
)]
#[case::sorting(
    "local t = {} for i = 1, 30000 do t[i] = -i end while true do table.sort(t) table.sort(t, function(a, b) return a > b end) end"
)]
#[case::inserting_in_front(
    "local t = {} for i = 1, 30000 do t[i] = i end while true do table.insert(t, 1, 0) table.remove(t, 1) end"
)]
#[case::joining("local t = {} for i = 1, 30000 do t[i] = 'abc' end while true do table.concat(t, ', ') end")]
#[case::formatting("while true do string.format('%900000d', 1) end")]
#[case::unpacking("local t = {} for i = 1, 5000 do t[i] = i end while true do unpack(t) end")]
fn stops_what_never_ends(#[case] body: &str) {
    let engine = short_engine();
    let started = now();
    let error = limit(evaluate(&engine, body).unwrap_err());
    let passed = started.elapsed();
    assert!(matches!(error, LimitError::Steps(_)), "{error:?}");
    // On a machine that does nothing else it is less than half a second.
    assert!(passed < Duration::from_secs(3), "{passed:?}");
    assert_eq!(evaluate(&engine, "return {r = 1}").unwrap(), json!(1));
}

#[rstest]
#[case::tables("local t = {} while true do t = {t, t} end")]
#[case::elements("local t = {} local i = 0 while true do i = i + 1 t[i] = {} end")]
#[case::doubled_texts("local s = 'abc' while true do s = s .. s end")]
#[case::texts(
    "local t = {} for i = 1, 1e9 do t[i] = 'a text of about a hundred bytes, so that memory is used up before the steps are: ' .. i end"
)]
#[case::caught("local t = {} while true do pcall(function() for i = 1, 1e9 do t[#t + 1] = {i} end end) end")]
#[case::recursion("local function f(n) return 1 + f(n + 1) end return f(1)")]
#[case::formatted("local t = {} for i = 1, 1e9 do t[i] = string.format('%900000d', i) end")]
#[case::unpacked("local t = {} for i = 1, 1e9 do t[i] = function() return i end end")]
fn stops_what_eats_memory(#[case] body: &str) {
    let engine = engine();
    let error = limit(evaluate(&engine, body).unwrap_err());
    assert!(matches!(error, LimitError::Memory(_)), "{error:?}");
    assert_eq!(evaluate(&engine, "return {r = 1}").unwrap(), json!(1));
    assert!(engine.used_memory() < 1 << 20);
}

#[test]
fn stops_what_takes_too_long_on_the_clock() {
    let now = Arc::new(AtomicI64::new(0));
    let clock = Arc::clone(&now);
    let mut options = LuaOptions::new(Arc::new(move || {
        Timestamp::from_millisecond(clock.fetch_add(100, Ordering::Relaxed)).unwrap()
    }));
    options.limits.steps = u64::MAX;
    let error = evaluate(&LuaEngine::new(options), "while true do end").unwrap_err();
    assert_eq!(limit(error), LimitError::Time(LuaLimits::default().time));
}

#[rstest]
#[case::cycle("local t = {} t.t = t return {r = t}", "twice")]
#[case::shared("local t = {1} return {r = {t, t}}", "twice")]
#[case::object_twice("return {r = {obj, obj}}", "twice")]
#[case::deep("local t = {} for i = 1, 1000 do t = {t} end return {r = t}", "deep")]
#[case::function("return {r = print}", "function")]
#[case::holes("return {r = {[1] = 1, [3] = 3}}", "holes")]
#[case::mixed("return {r = {1, k = 2}}", "keys")]
#[case::fractions("return {r = {[1.5] = 2}}", "position")]
#[case::booleans("return {r = {[true] = 2}}", "keys")]
#[case::no_number("return {r = 0/0}", "NaN")]
#[case::many_times(
    "local s = 'x' for i = 1, 20 do s = s .. s end local t = {} for i = 1, 100 do t[i] = s end return {r = t}",
    "too large"
)]
fn refuses_to_write(#[case] body: &str, #[case] reason: &str) {
    let error = evaluate(&engine(), body).unwrap_err();
    assert!(matches!(error, ScriptError::Encode { .. }), "{error:?}");
    assert!(error.to_string().contains(reason), "{error}");
}

#[rstest]
#[case("return {r = 0.1 + 0.2 .. ''}", json!("0.30000000000000004"))]
#[case("return {r = 2^53 .. '|' .. 1e15 .. '|' .. 1/0 .. '|' .. -3 .. '|' .. 1e21}", json!("9007199254740992|1000000000000000|+Inf|-3|1e+21"))]
#[case("local s = 'a' s = s .. 1 .. s .. 2 return {r = s}", json!("a1a2"))]
#[case("return {r = table.concat({1, 0.1, 'x', 1e15}, ',')}", json!("1,0.1,x,1000000000000000"))]
#[case("return {r = pcall(function() return 'a' .. nil end)}", json!(false))]
#[case("local ok, m = pcall(function() return 'a' .. {} end) return {r = m}", json!("script:2: attempt to concatenate a table value"))]
#[case("local t = {} for k, v in pairs({z = 1, a = 2, [3] = 3, [1] = 4, [true] = 5}) do t[#t + 1] = tostring(k) .. v end return {r = table.concat(t, ' ')}", json!("14 33 a2 z1 true5"))]
#[case("local t = {a = 1, b = 2, c = 3} for k in pairs(t) do t[k] = nil end return {r = next(t) == nil}", json!(true))]
#[case("local t, k = {}, nil repeat local v k, v = next({b = 1, a = 2}, k) if k then t[#t + 1] = k end until not k return {r = t}", json!(["a", "b"]))]
#[case("local n = 0 for i = 1, 3 do for j = 1, 3 do if j == 2 then goto next end n = n + j end ::next:: end return {r = n}", json!(3))]
#[case("local t = {} for k, v in ('a=1, b=2'):gmatch('(%w+)=(%w+)') do t[k] = v end return {r = t}", json!({"a": "1", "b": "2"}))]
#[case("local t = {} for w in ('a b'):gmatch('%a*') do t[#t + 1] = w end return {r = #t}", json!(4))]
#[case("return {r = {('x'):byte(), ('abc'):sub(-2), ('AbÜ'):lower(), ('abc'):len(), ('abc'):reverse()}}", json!([120, "bc", "abü", 3, "cba"]))]
#[case("return {r = {select('#', ('x'):match('y')), select('#', ('x'):find('y'))}}", json!([0, 1]))]
#[case("return {r = {('hello'):find('l', -2), ('hello'):find('', 9) == nil, ('hello'):find('l+')}}", json!([4, true, 3, 4]))]
#[case("return {r = {type(os.time()), os.time({year = 1970, month = 1, day = 2, hour = 0}), os.date('!%Y-%m-%d', 86400), os.date('*t', 0).year}}", json!(["number", 86400, "1970-01-02", 1970]))]
#[case("return {r = {table.getn({1, 2}), table.maxn({[5] = 1}), #{1, 2, 3}, math.mod(7, 4), math.log10(100), math.pow(2, 3)}}", json!([2, 5, 3, 3, 2, 8]))]
#[case("local t = {1, 2, 3} table.remove(t, 1) table.insert(t, 1, 9) return {r = {t[1], t[2], t[3], table.remove({}) == nil, table.remove(t, 9) == nil}}", json!([9, 2, 3, true, true]))]
#[case("local ok, e = pcall(error, {code = 7}) return {r = {ok, e.code}}", json!([false, 7]))]
#[case("local ok, e = pcall(error) return {r = {ok, type(e)}}", json!([false, "nil"]))]
#[case("return {r = {xpcall(function(a) return a end, print, 5)}}", json!([true, 5]))]
#[case("return {r = _G._G == _G and _G.obj == nil and string == require('string') and package.loaded._G == _G}", json!(true))]
#[case("return {r = {_VERSION, type(_GOPHER_LUA_VERSION), select('#', print()), type(type(nil))}}", json!(["Lua 5.1", "string", 0, "string"]))]
fn speaks_the_language(#[case] body: &str, #[case] expected: Json) {
    assert_eq!(evaluate(&engine(), body).unwrap(), expected);
}

#[test]
fn what_scripts_print_is_taken_line_by_line() {
    let lines: Arc<Mutex<Vec<String>>> = Arc::default();
    let taken = Arc::clone(&lines);
    let print = Arc::new(move |line: &str| taken.lock().unwrap().push(line.to_owned()));
    let options = LuaOptions { print: Some(print), ..LuaOptions::new(Arc::new(|| Timestamp::UNIX_EPOCH)) };
    let body = "print('a', 1, nil, true) print() return {r = 1}";
    assert_eq!(evaluate(&LuaEngine::new(options), body).unwrap(), json!(1));
    assert_eq!(*lines.lock().unwrap(), ["a\t1\tnil\ttrue", ""]);
}

#[rstest]
#[case::index("return {r = obj.absent.deep}", 2)]
#[case::call("\nreturn {r = obj.kind()}", 3)]
#[case::raised("\n\nerror('no')", 4)]
#[case::library("local x = string.sub()\nreturn x", 2)]
fn names_the_line(#[case] body: &str, #[case] line: u32) {
    assert_eq!(evaluate(&engine(), body).unwrap_err().line(), Some(line));
}

#[rstest]
#[case("function f()\nx = = 1\nend", 2)]
#[case("x = 'abc", 1)]
#[case("\n\nx = 1 .. ", 3)]
#[case("return 7 // 2", 1)]
#[case("return 6 & 3", 1)]
#[case("goto nowhere", 1)]
fn finds_syntax_errors(#[case] script: &str, #[case] line: u32) {
    let error = check_syntax(script).unwrap_err();
    assert!(matches!(error, ScriptError::Syntax { .. }), "{error:?}");
    assert_eq!(error.line(), Some(line));
    assert!(!error.to_string().contains("__karmada"), "{error}");
}

#[test]
fn checks_that_a_script_defines_its_function() {
    let engine = engine();
    let check = |script| engine.check(Operation::InterpretReplica, script).map_err(|error| error.to_string());
    assert_eq!(check("function GetReplicas(obj) return 1 .. 2 end"), Ok(()));
    assert_eq!(check("function Other() end").unwrap_err(), "not found function GetReplicas");
    assert_eq!(check("GetReplicas = 5").unwrap_err(), "GetReplicas is not a function: number");
    assert_eq!(check("\nerror('x')").unwrap_err(), "line 2: x");
    assert!(check("while true do end").is_err());
}

#[test]
fn keeps_a_thousand_scripts_in_little_memory() {
    let engine = engine();
    for index in 0..1000 {
        let script = formatdoc! {"
            local function part(container)
              local requests = container.resources and container.resources.requests or {{}}
              return (tonumber(requests.cpu) or 0) * {index}, requests.memory or '0'
            end
            function ReflectStatus(obj)
              local cpu, memory = 0, {{}}
              for i, container in ipairs(obj.containers) do
                local c, m = part(container)
                cpu = cpu + c
                memory[i] = m .. '/' .. c
              end
              return {{cpu = cpu, memory = memory, index = {index}}}
            end
        "};
        let object = json!({"containers": [{"resources": {"requests": {"cpu": "2", "memory": "1Gi"}}}]});
        let answer = call(&engine, &script, &object).unwrap();
        assert_eq!(answer["cpu"], json!(2 * index));
    }
    assert!(engine.used_memory() < 16 << 20, "{} bytes", engine.used_memory());
}

#[test]
fn serves_several_threads() {
    let engine = engine();
    std::thread::scope(|scope| {
        for number in 0..8 {
            let engine = &engine;
            scope.spawn(move || {
                for _ in 0..50 {
                    let answer = evaluate(engine, &format!("n = (n or {number}) + 1 return {{r = n}}"));
                    assert_eq!(answer.unwrap(), json!(number + 1));
                }
            });
        }
    });
}

/// Copies its argument in every way in which a script can read a table.
const COPY: &str = indoc! {"
    local ways = {
      function(t) local c = {} for k, v in pairs(t) do c[k] = v end return c end,
      function(t) local c, k, v = {}, next(t) while k ~= nil do c[k] = v k, v = next(t, k) end return c end,
      function(t) if #t == 0 then return nil end local c = {} for i, v in ipairs(t) do c[i] = v end return c end,
      function(t) if #t == 0 then return nil end return {unpack(t)} end,
      function(t) t.kept = nil return t end,
      function(t) if #t == 0 then return nil end table.insert(t, 1, 0) table.remove(t, 1) return t end,
    }
    local function copy(v, way)
      if type(v) ~= 'table' then return v end
      local c = ways[way](v) or ways[1](v)
      for k, inner in pairs(c) do c[k] = copy(inner, way) end
      return c
    end
    function ReflectStatus(obj)
      local way = obj.way
      return copy(obj, way)
    end
"};

fn document() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Json::from),
        any::<i32>().prop_map(Json::from),
        (-1000.0..1000.0_f64).prop_map(|number| json!(number)),
        "[a-z.ä]{0,5}".prop_map(Json::from),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..5).prop_map(Json::from),
            prop::collection::btree_map("[a-z]{1,4}", inner, 1..5)
                .prop_map(|map| Json::Object(map.into_iter().collect())),
        ]
    })
}

/// Compares JSON with numbers by value.
fn same(a: &Json, b: &Json) -> bool {
    match (a, b) {
        (Json::Number(a), Json::Number(b)) => a.as_f64() == b.as_f64(),
        (Json::Array(a), Json::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Json::Object(a), Json::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        _ => a == b,
    }
}

proptest! {
    #[test]
    fn objects_are_tables_in_every_way(document in document(), way in 1..=6_i32) {
        let engine = engine();
        let object = json!({"way": way, "document": document, "text": "x"});
        let answer = call(&engine, COPY, &object).unwrap();
        prop_assert!(same(&answer, &object), "{answer} is not {object}");
    }

    #[test]
    fn an_object_that_is_returned_is_the_same(document in document()) {
        let object = json!({"kind": "Widget", "document": document});
        let answer = call(&engine(), "function ReflectStatus(obj) return obj end", &object).unwrap();
        prop_assert!(same(&answer, &object), "{answer} is not {object}");
    }

    #[test]
    fn no_script_breaks_the_sandbox(words in prop::collection::vec(prop::sample::select(WORDS), 1..25)) {
        let engine = engine();
        let script = format!("function ReflectStatus(obj)\n{}\nend", words.join(" "));
        let answer = call(&engine, &script, &json!({"kind": "Widget", "list": [1, {"a": []}], "text": "abc"}));
        prop_assert!(!matches!(answer, Err(ScriptError::Sandbox { .. })), "{answer:?}\n{script}");
        prop_assert_eq!(evaluate(&engine, "return {r = 1 .. ''}").unwrap(), json!("1"));
    }
}

const WORDS: &[&str] = &[
    "obj",
    "obj.list",
    "obj.list[2]",
    "obj.text",
    "local x =",
    "x",
    "=",
    "..",
    "+",
    "#",
    "(",
    ")",
    "{",
    "}",
    "1",
    "'a'",
    "nil",
    "return",
    "if x then",
    "end",
    "for k, v in pairs(obj) do",
    "while true do",
    "break",
    "function f()",
    "f()",
    "pcall(",
    "error(",
    "string.format('%5s',",
    "obj.text:find('%a')",
    "table.insert(obj.list,",
    "table.sort(obj.list)",
    "tostring(",
    "next(obj)",
    "unpack(obj.list)",
    ",",
    "require('kube')",
    "goto top",
    "::top::",
    "_G",
    "string",
    "not",
    "==",
    "<",
    "_ENV",
    "x.y",
    "{obj, obj}",
    "...",
    ";",
];

#[test]
fn reads_results_only_of_the_call() {
    let engine = engine();
    let script = engine.intern("function ReflectStatus(obj) return obj end");
    let object = json!({"kind": "Widget"});
    let inputs = [Input::Json(&object)];
    let twice =
        engine.call(&script, Operation::InterpretStatus, &inputs, |encoder: &mut Encoder<'_, '_>, values| {
            encoder.encode(&values[0])?;
            encoder.encode(&values[0])
        });
    assert!(matches!(twice, Err(ScriptError::Encode { .. })));
}
