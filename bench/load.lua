-- A request of MLflow's REST API for wrk, repeated. Usage: wrk ... -s load.lua URL -- METHOD PATH [BODY_FILE [RUN...]]
-- In the body, "NUMBER" is another number each time, and RUN one of the runs in turn: clients log to runs of their own.
-- Prints "requests microseconds failed p50_microseconds".
local threads = 0

function setup(thread)
  thread:set("id", threads)
  threads = threads + 1
end

function init(args)
  method, path, runs, number = args[1], args[2], {}, 0
  base = (os.time() * 64 + id) * 100000
  if args[3] then
    local file = assert(io.open(args[3]))
    body = file:read("*a")
    file:close()
  end
  for i = 4, #args do runs[#runs + 1] = args[i] end
end

function request()
  number = number + 1
  local text = body and body:gsub('"NUMBER"', string.format("%d", base + number))
  if text and #runs > 0 then text = text:gsub("RUN", runs[number % #runs + 1]) end
  return wrk.format(method, path, {["Content-Type"] = "application/json"}, text)
end

function done(summary, latency)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  print(string.format("%d %d %d %d", summary.requests, summary.duration, failed, latency:percentile(50)))
end
