-- Sends requests that were made beforehand: a file of them, each of the same length, none twice.
local length, next, all

function init(args)
  local file = assert(io.open(args[1], "rb"))
  length, all = tonumber(args[2]), file:read("*a")
  next = 1 + tonumber(args[3]) * length
  file:close()
end

function request()
  if next > #all then next = 1 end
  local one = all:sub(next, next + length - 1)
  next = next + length
  return one
end

function done(summary, latency, _)
  local errors = summary.errors
  local broken = errors.connect + errors.read + errors.write + errors.timeout
  io.write(string.format("result %d %d %d %d %d\n", summary.requests, summary.duration, errors.status, broken,
    latency:percentile(99)))
end
