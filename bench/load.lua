-- A request of MLflow's REST API for wrk, repeated. Usage: wrk ... -s load.lua URL -- METHOD PATH [BODY_FILE [RUN...]]
-- The variable LOGIN of the environment holds the header Authorization. In the body, "NUMBER" is another number each time,
-- and RUN one of the runs in turn: clients log to runs of their own.
-- Prints "requests failed per_second p50_microseconds": requests a second without the first one, in which connections are
-- opened and handshakes made.
local ffi = require("ffi")
ffi.cdef("typedef struct { long s, ns; } timespec_t; int clock_gettime(int clock, timespec_t *time);")
local MONOTONIC, WARM_UP_SECONDS, time = 1, 1, ffi.new("timespec_t")
local threads = {}

local function seconds()
  ffi.C.clock_gettime(MONOTONIC, time)
  return tonumber(time.s) + tonumber(time.ns) / 1e9
end

function setup(thread)
  thread:set("id", #threads)
  threads[#threads + 1] = thread
end

function init(args)
  method, path, runs, number, login = args[1], args[2], {}, 0, os.getenv("LOGIN")
  base = (os.time() * 64 + id) * 100000
  warm, last, counted = 0, 0, 0
  if args[3] then
    local file = assert(io.open(args[3]))
    body = file:read("*a")
    file:close()
  end
  for i = 4, #args do runs[#runs + 1] = args[i] end
end

function request()
  last = seconds()
  started = started or last
  -- A request is sent when the one before is answered, so that both come at the same pace.
  if last - started < WARM_UP_SECONDS then warm, counted = last, 0 else counted = counted + 1 end
  number = number + 1
  local text = body and body:gsub('"NUMBER"', string.format("%d", base + number))
  if text and #runs > 0 then text = text:gsub("RUN", runs[number % #runs + 1]) end
  return wrk.format(method, path, {["Content-Type"] = "application/json", ["Authorization"] = login}, text)
end

function done(summary, latency)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  local rate = 0
  for _, thread in ipairs(threads) do
    local counted = thread:get("counted")
    if counted > 0 then rate = rate + counted / (thread:get("last") - thread:get("warm")) end
  end
  print(string.format("%d %d %.3f %d", summary.requests, failed, rate, latency:percentile(50)))
end
