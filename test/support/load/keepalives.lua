-- For wrk: thread n, which has one connection, sends the keepalives of the file n of a folder again and again.
-- Arguments: the folder; "kept" or "anew" for each; the token of thread n without its last word, which is n.
local threads = 0

function setup(thread)
  thread:set('index', threads)
  threads = threads + 1
end

function init(args)
  local headers = { ['content-type'] = 'application/json' }
  if args[2] == 'anew' then headers['connection'] = 'close' end
  if args[3] then headers['authorization'] = 'Bearer ' .. args[3] .. index end
  requests = {}
  for body in io.lines(args[1] .. '/' .. index) do
    requests[#requests + 1] = wrk.format('PUT', '/ping', headers, body)
  end
  at = 0
end

function request()
  at = at % #requests + 1
  return requests[at]
end

function done(summary)
  local e = summary.errors
  print(string.format('{"requests":%d,"seconds":%f,"failed":%d}', summary.requests, summary.duration / 1e6,
    e.connect + e.read + e.write + e.status + e.timeout))
end
