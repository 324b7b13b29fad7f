-- Runs scripts as Argo CD does: with the libraries base, table and package alone, and of `os` the functions date and time. Its
-- standard input is a program of calls: call(SCRIPT, OBJECT). It prints the value that each script returns, in JSON.
local now = arg[1]
local io, string, setfenv, loadstring, assert = io, string, setfenv, loadstring, assert

-- Texts have their functions as methods otherwise.
getmetatable("").__index = nil

local function text(value)
  return '"' .. string.gsub(value, '[%c"\\]', function(char) return string.format("\\u%04x", string.byte(char)) end) .. '"'
end

local function json(value)
  if type(value) == "string" then return text(value) end
  if type(value) ~= "table" then return tostring(value) end
  local parts = {}
  if next(value) == nil or #value > 0 then
    for _, inner in ipairs(value) do parts[#parts + 1] = json(inner) end
    return "[" .. table.concat(parts, ",") .. "]"
  end
  for key, inner in pairs(value) do parts[#parts + 1] = text(key) .. ":" .. json(inner) end
  return "{" .. table.concat(parts, ",") .. "}"
end

local clock = {date = function(format) assert(format == "!%Y-%m-%dT%XZ", format); return now end, time = function() return 0 end}
local function environment(obj)
  return {
    obj = obj, os = clock, table = table, require = function(name) assert(name == "os", name); return clock end,
    ipairs = ipairs, pairs = pairs, next = next, type = type, tostring = tostring, tonumber = tonumber, error = error,
    pcall = pcall, select = select, unpack = unpack, assert = assert,
  }
end

function call(script, obj)
  local run = assert(loadstring(script))
  setfenv(run, environment(obj))
  io.write(json(run()), "\n")
end

-- A program of all calls would have too many constants.
for line in io.lines() do
  assert(loadstring(line))()
end
