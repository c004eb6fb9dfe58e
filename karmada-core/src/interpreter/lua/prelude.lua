-- What scripts see: an environment of their own for every call, made of this library.
--
-- The language is Lua 5.1 with `goto`, and its library behaves like the Go implementation that Karmada's users
-- write for.
--
-- DEVIATION: upstream keeps globals and changed libraries. Here nothing that a script reaches is shared with the
-- next call: libraries are copied when they are used.

local host = ...
local FAIL, NODE = host.fail, host.node
local charge, number_text, to_number, format = host.charge, host.number_text, host.to_number, host.format
local find, match, gmatch_next = host.find, host.match, host.gmatch_next
local host_print = host.print
local upper, lower, time, date = host.upper, host.lower, host.time, host.date
local resource_add, resource_quantity = host.resource_add, host.resource_quantity

local type, error, select = type, error, select
local rawget, rawset, setmetatable, getmetatable = rawget, rawset, setmetatable, getmetatable
local raw_next, raw_pcall, raw_xpcall, raw_tostring = next, pcall, xpcall, tostring
local sort, concat, insert, remove, raw_unpack = table.sort, table.concat, table.insert, table.remove, table.unpack
local floor, frexp = math.floor, math.frexp

-- Of the call that runs.
local bridge, env, loaded, strings, seed

-- DEVIATION: limits end a call whatever the script does (upstream's can be caught): a host error is no value that a script may catch.
local OUT_OF_MEMORY = "not enough memory"
local function is_final(err)
  return type(err) == "userdata" or err == OUT_OF_MEMORY
end

local function finish(...)
  if ... == FAIL then
    local _, message = ...
    error(message, 2)
  end
  return ...
end

-- Steps of sorting so many values, in instructions.
local function charge_sorting(count)
  local _, bits = frexp(count)
  charge(count * bits * 4)
end

-- Objects arrive as empty tables that know their place in the object and are filled when they are first used.
local lazy = {}

local function defer(place)
  return setmetatable({ [NODE] = place }, lazy)
end

local function force(t)
  local place = t[NODE]
  setmetatable(t, nil)
  t[NODE] = nil
  -- Where there are maps and lists, the host leaves their places.
  if bridge(place, t) then
    for k, v in raw_next, t do
      if type(v) == "userdata" then t[k] = defer(v) end
    end
  end
end

function lazy.__index(t, k)
  force(t)
  return t[k]
end

function lazy.__newindex(t, k, v)
  force(t)
  t[k] = v
end

function lazy.__len(t)
  force(t)
  return #t
end

local function bad_argument(n, name, expected, v)
  local got = v == nil and "nil" or type(v)
  error("bad argument #" .. n .. " to " .. name .. " (" .. expected .. " expected, got " .. got .. ")", 3)
end

local function plain(t, name)
  if type(t) ~= "table" then
    local got = t == nil and "nil" or type(t)
    error("bad argument #1 to " .. name .. " (table expected, got " .. got .. ")", 3)
  end
  if getmetatable(t) == lazy then force(t) end
  return t
end

local function text_of_number(v)
  if v % 1 == 0 and v < 1e14 and v > -1e14 then
    return v == 0 and "0" or raw_tostring(v)
  end
  return number_text(v)
end

local function text(v, n, name)
  if type(v) == "string" then return v end
  if type(v) == "number" then return text_of_number(v) end
  local got = v == nil and "nil" or type(v)
  error("bad argument #" .. n .. " to " .. name .. " (string expected, got " .. got .. ")", 3)
end

-- Concatenation of `a` and `b` is written `a .. cat .. b`, so that numbers are written as they should be.
local cat, half, waiting = {}, {}, nil

local function part(v)
  if type(v) == "string" then return v end
  if type(v) == "number" then return text_of_number(v) end
  error("attempt to concatenate a " .. type(v) .. " value", 3)
end

local function join(left, right)
  if left == cat then
    waiting = right
    return half
  end
  local a, b = part(left), part(waiting)
  waiting = nil
  local length = #a + #b
  if length > 256 then charge(length / 64) end
  return a .. b
end

setmetatable(cat, { __concat = join })
setmetatable(half, { __concat = join })

-- DEVIATION: keys have an order (upstream's is random for objects), so that the answer does not depend on where strings lie in memory.
local RANKS = { number = 1, string = 2, boolean = 3, table = 4, ["function"] = 5, userdata = 6 }

local function ordered(a, b)
  local kind, other = type(a), type(b)
  if kind ~= other then return RANKS[kind] < RANKS[other] end
  if kind == "number" or kind == "string" then return a < b end
  if kind == "boolean" then return b and not a end
  return false
end

local function sorted_keys(t)
  local keys, count, kind, mixed = {}, 0, nil, false
  for key in raw_next, t do
    count = count + 1
    keys[count] = key
    local this = type(key)
    if kind ~= this then
      mixed = mixed or kind ~= nil or (this ~= "string" and this ~= "number")
      kind = this
    end
  end
  if count > 16 then charge_sorting(count) end
  if count > 1 then
    if mixed then sort(keys, ordered) else sort(keys) end
  end
  return keys
end

local base = {}

function base.next(t, k)
  plain(t, "next")
  local best
  local count = 0
  for key in raw_next, t do
    count = count + 1
    if (k == nil or ordered(k, key)) and (best == nil or ordered(key, best)) then best = key end
  end
  if count > 16 then charge(count) end
  if best == nil then return nil end
  return best, t[best]
end

function base.pairs(t)
  plain(t, "pairs")
  local keys = sorted_keys(t)
  local at = 0
  return function()
    while true do
      at = at + 1
      local key = keys[at]
      if key == nil then return nil end
      local value = rawget(t, key)
      if value ~= nil then return key, value end
    end
  end, t, nil
end

local function following(t, at)
  at = at + 1
  local value = t[at]
  if value ~= nil then return at, value end
end

function base.ipairs(t)
  return following, plain(t, "ipairs"), 0
end

function base.type(...)
  if select("#", ...) == 0 then error("bad argument #1 to type (value expected)", 2) end
  return (type((...)))
end

function base.tostring(...)
  if select("#", ...) == 0 then error("bad argument #1 to tostring (value expected)", 2) end
  local v = ...
  if type(v) == "number" then return text_of_number(v) end
  return raw_tostring(v)
end

function base.tonumber(...)
  if select("#", ...) == 0 then error("bad argument #1 to tonumber (value expected)", 2) end
  local v, numeral_base = ...
  if type(v) == "number" then return v end
  if type(v) ~= "string" then return nil end
  return finish(to_number(v, numeral_base))
end

base.error, base.assert = error, assert
base.select = select

function base.print(...)
  if host_print == nil then return end
  local texts = {}
  local count = select("#", ...)
  for at = 1, count do texts[at] = base.tostring((select(at, ...))) end
  host_print(concat(texts, "\t", 1, count))
end
function base._printregs() end

local function unpack_range(t, i, j)
  plain(t, "unpack")
  i, j = i or 1, j or #t
  if j - i > 256 then charge(j - i) end
  return raw_unpack(t, i, j)
end
base.unpack = unpack_range

local function caught(ok, ...)
  if not ok then
    if is_final((...)) then error((...), 0) end
    charge(100)
  end
  return ok, ...
end

function base.pcall(...)
  return caught(raw_pcall(...))
end

function base.xpcall(f, handler, ...)
  return caught(raw_xpcall(f, function(err)
    if is_final(err) then return err end
    return handler(err)
  end, ...))
end

base._VERSION = "Lua 5.1"
base._GOPHER_LUA_VERSION = "GopherLua 0.1"

for name in ([[collectgarbage dofile getfenv getmetatable load loadfile loadstring module newproxy rawequal rawget
  rawset setfenv setmetatable]]):gmatch("%a+") do
  base[name] = function()
    error("call function " .. name .. " is not supported in karmada customized resourceinterpreter.", 2)
  end
end

local libraries = { string = {}, table = {}, math = {}, os = {}, kube = {} }

-- Strings.

local raw_string = string
local str = libraries.string

local function costly(s)
  if #s > 256 then charge(#s / 8) end
  return s
end

function str.len(s) return #text(s, 1, "len") end
function str.sub(s, i, j) return raw_string.sub(costly(text(s, 1, "sub")), i, j or -1) end
function str.reverse(s) return raw_string.reverse(costly(text(s, 1, "reverse"))) end

-- Changing the case of a character that is no ASCII takes about as long as an instruction.
local function very_costly(s)
  if #s > 256 then charge(#s) end
  return s
end

function str.upper(s) return upper(very_costly(text(s, 1, "upper"))) end
function str.lower(s) return lower(very_costly(text(s, 1, "lower"))) end

function str.byte(s, i, j) return raw_string.byte(text(s, 1, "byte"), i or 1, j or -1) end
str.char = raw_string.char

function str.find(s, pattern, init, exact)
  return finish(find(text(s, 1, "find"), text(pattern, 2, "find"), init or 1, exact and true or false))
end

function str.match(s, pattern, init)
  return finish(match(text(s, 1, "match"), text(pattern, 2, "match"), init or 1))
end

function str.gmatch(s, pattern)
  s, pattern = text(s, 1, "gmatch"), text(pattern, 2, "gmatch")
  local at = 0
  local function step(following_at, ...)
    at = following_at
    return ...
  end
  return function()
    if at == nil then return nil end
    return step(finish(gmatch_next(s, pattern, at)))
  end
end
str.gfind = str.gmatch

function str.format(layout, ...)
  layout = text(layout, 1, "format")
  costly(layout)
  local count = select("#", ...)
  local arguments = { ... }
  for at = 1, count do
    local kind = type(arguments[at])
    if kind == "table" or kind == "function" then arguments[at] = raw_tostring(arguments[at]) end
  end
  return finish(format(layout, raw_unpack(arguments, 1, count)))
end

for _, name in raw_next, { "rep", "gsub", "dump" } do
  str[name] = function()
    error("The Lua function string." .. name .. " is not supported by Karmada. If you believe this function is"
      .. " essential for your use case, please submit an issue to let us know why you need it.", 2)
  end
end

getmetatable("").__index = function(s, k)
  if strings then return strings[k] end
  return str[k]
end

-- Tables.

local tab = libraries.table

function tab.insert(...)
  local count = select("#", ...)
  local t, at, value = ...
  plain(t, "insert")
  local length = #t
  if count == 2 then
    t[length + 1] = at
    return
  end
  if count ~= 3 then error("wrong number of arguments to insert", 2) end
  if type(at) ~= "number" then bad_argument(2, "insert", "number", at) end
  if at < 1 or at > length then
    t[at] = value
    return
  end
  charge(length - at)
  insert(t, at, value)
end

function tab.remove(t, at)
  plain(t, "remove")
  local length = #t
  if length == 0 then return nil end
  if at == nil or at < 1 then at = length end
  if at > length then return nil end
  charge(length - at)
  return remove(t, at)
end

function tab.concat(t, separator, i, j)
  plain(t, "concat")
  separator = separator == nil and "" or text(separator, 2, "concat")
  i, j = i or 1, j or #t
  local parts, length = {}, 0
  for at = i, j do
    local v = t[at]
    if type(v) == "number" then
      v = text_of_number(v)
    elseif type(v) ~= "string" then
      error("invalid value (" .. type(v) .. ") at index " .. at .. " in table for concat", 2)
    end
    parts[at - i + 1] = v
    length = length + #v + #separator
  end
  if length > 256 then charge(length / 64) end
  return concat(parts, separator)
end

function tab.sort(t, comes_before)
  plain(t, "sort")
  local length = #t
  if length > 16 then charge_sorting(length) end
  if comes_before ~= nil and type(comes_before) ~= "function" then
    bad_argument(2, "sort", "function", comes_before)
  end
  sort(t, comes_before)
end

function tab.getn(t) return #plain(t, "getn") end

function tab.maxn(t)
  local most = 0
  for key in raw_next, plain(t, "maxn") do
    if type(key) == "number" and key > most then most = key end
  end
  return most
end

-- Numbers.

local num = libraries.math

for _, name in raw_next, {
  "abs", "acos", "asin", "atan", "atan2", "ceil", "cos", "cosh", "deg", "exp", "floor", "fmod", "frexp", "ldexp",
  "max", "min", "modf", "pow", "rad", "sin", "sinh", "sqrt", "tan", "tanh",
} do
  num[name] = math[name]
end
num.pi, num.huge, num.mod = math.pi, math.huge, math.fmod
function num.log(v) return (math.log(v)) end
function num.log10(v) return math.log(v, 10) end
function num.pow(v, exponent) return v ^ exponent end

-- DEVIATION: the same numbers in every call (upstream's are random): an answer depends on the object alone.
local function draw()
  seed = (seed * 16807) % 2147483647
  return (seed - 1) / 2147483646
end

function num.randomseed(start) seed = floor(start) % 2147483646 + 1 end

function num.random(low, high)
  if low == nil then return draw() end
  if high == nil then low, high = 1, low end
  if low > high then error("bad argument #1 to random (interval is empty)", 2) end
  return low + floor(draw() * (high - low + 1)) % (high - low + 1)
end

-- Time.

function libraries.os.time(t)
  if t == nil then return time() end
  plain(t, "time")
  return finish(time(t.year, t.month, t.day, t.hour or 12, t.min or 0, t.sec or 0))
end

function libraries.os.date(layout, at)
  layout = layout == nil and "%c" or text(layout, 1, "date")
  return finish(date(layout, at))
end

-- Kubernetes.

local kube = libraries.kube

function kube.resourceAdd(...)
  return finish(resource_add(...))
end

function kube.getResourceQuantity(...)
  if select("#", ...) ~= 1 then error("getResourceQuantity only accepts one argument", 2) end
  return finish(resource_quantity(...))
end

local REQUIREMENTS, DEPENDENCIES = -1, -2

function kube.accuratePodRequirements(...)
  if select("#", ...) ~= 1 then error("getPodRequirements only accepts one argument", 2) end
  local template = ...
  if type(template) ~= "table" then bad_argument(1, "accuratePodRequirements", "table", template) end
  return finish(bridge(REQUIREMENTS, template))
end

function kube.getPodDependencies(...)
  if select("#", ...) ~= 2 then error("getPodDependencies only accepts two argument", 2) end
  local template, namespace = ...
  if type(template) ~= "table" then bad_argument(1, "getPodDependencies", "table", template) end
  if namespace == nil then
    namespace = "default"
  elseif type(namespace) == "number" then
    namespace = text_of_number(namespace)
  elseif type(namespace) ~= "string" then
    bad_argument(2, "getPodDependencies", "string", namespace)
  end
  return finish(bridge(DEPENDENCIES, template, namespace))
end

-- Modules, and the environment that they are found in.

local function library(name)
  local copy = loaded[name]
  if copy == nil then
    copy = {}
    for key, value in raw_next, libraries[name] do copy[key] = value end
    loaded[name] = copy
    if name == "string" then strings = copy end
  end
  return copy
end

local function package_library()
  local package = loaded.package
  if package == nil then
    for _, name in raw_next, { "string", "table", "math", "os" } do library(name) end
    package = { loaded = loaded, preload = {}, loaders = {} }
    loaded.package, loaded._G = package, env
  end
  return package
end

function base.require(name)
  name = text(name, 1, "require")
  local module = loaded[name]
  if module ~= nil then return module end
  if libraries[name] then return library(name) end
  local package = package_library()
  if loaded[name] ~= nil then return loaded[name] end
  local loader = type(package.preload) == "table" and package.preload[name] or nil
  if type(loader) ~= "function" then
    error("module " .. name .. " not found:\n\tno field package.preload['" .. name .. "'], ", 2)
  end
  module = loader(name)
  if module == nil then module = true end
  loaded[name] = module
  return module
end

local environment = {}

environment.__index = base

setmetatable(base, { __index = function(_, name)
  if name == "package" then return package_library() end
  if name ~= "kube" and libraries[name] then return library(name) end
  return nil
end })

local function defined(main, name)
  main(env, cat)
  local f = rawget(env, name)
  if f == nil then error("not found function " .. name, 0) end
  if type(f) ~= "function" then error(name .. " is not a function: " .. type(f), 0) end
  return f
end

local function execute(main, name, ...)
  return defined(main, name)(...)
end

local function settle(ok, ...)
  bridge, env, loaded, strings, waiting = nil, nil, nil, nil, nil
  if ok or is_final((...)) or type((...)) == "string" then return ok, ... end
  return ok, raw_tostring((...))
end

local function prepare(bridge_)
  bridge, loaded, strings, seed = bridge_, {}, nil, 42
  env = {}
  env._G = env
  setmetatable(env, environment)
end

-- Runs a script in a fresh environment and calls one of its functions with one or two arguments.
local function run(main, name, bridge_, first, second)
  prepare(bridge_)
  if type(first) == "userdata" then first = defer(first) end
  if type(second) == "userdata" then second = defer(second) end
  if second == nil then return settle(raw_pcall(execute, main, name, first)) end
  return settle(raw_pcall(execute, main, name, first, second))
end

-- Runs a script in a fresh environment and checks that it defines a function.
local function define(main, name)
  prepare(nil)
  return settle(raw_pcall(defined, main, name))
end

return run, define
