-- Decides about a request of one key, or ends or renews requests, in one step. Times are microseconds of the server's clock.
--
-- KEYS[1]: a hash: r and t, when the buckets of requests and tokens are full; h, the tokens that open requests reserve.
-- KEYS[2]: a sorted set of the open requests, `id:tokens`, by the end of their leases.
-- ARGV: what to do; how long a lease is; then
--   1 (admit):  the limits of requests, tokens and requests at once (0: none); the request's id and tokens
--   2 (settle): the limit of tokens; the request's id and reserved tokens; the tokens that it used
--   3 (renew):  the id and tokens of each open request
local MINUTE = 60000000
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local action, lease = tonumber(ARGV[1]), tonumber(ARGV[2])
local state = redis.call('HMGET', KEYS[1], 'r', 't', 'h')
local requests, tokens, reserved = tonumber(state[1]) or 0, tonumber(state[2]) or 0, tonumber(state[3]) or 0

-- Open requests of a replica that is gone.
for _, open in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now)) do
  redis.call('ZREM', KEYS[2], open)
  reserved = reserved - tonumber(string.match(open, ':(%d+)$'))
end

local function until_full(full_at) return math.max(full_at - now, 0) end
local function refill_time(amount, limit) return math.floor(amount * MINUTE / limit) end
local function wait(full_at, amount, limit)
  if limit == 0 then return 0 end
  return math.max(until_full(full_at) + refill_time(amount, limit) - MINUTE, 0)
end
local function take(full_at, amount, limit)
  if limit == 0 then return full_at end
  return math.max(full_at, now) + refill_time(amount, limit)
end
local function remaining(full_at, limit)
  return math.floor(math.max(MINUTE - until_full(full_at), 0) * limit / MINUTE)
end
local function hold(id, amount)
  if redis.call('ZADD', KEYS[2], string.format('%.0f', now + lease), id .. ':' .. amount) == 1 then
    reserved = reserved + tonumber(amount)
  end
end

local result = { 0 }
if action == 1 then
  local requests_limit, tokens_limit, concurrent = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
  local id, amount = ARGV[6], ARGV[7]
  local requests_wait = wait(requests, 1, requests_limit)
  local tokens_wait = wait(tokens, reserved + tonumber(amount), tokens_limit)
  local code, longest = 0, 0
  if concurrent > 0 and redis.call('ZCARD', KEYS[2]) >= concurrent then
    code = 3
  elseif requests_wait > tokens_wait then
    code, longest = 1, requests_wait
  elseif tokens_wait > 0 then
    code, longest = 2, tokens_wait
  else
    requests = take(requests, 1, requests_limit)
    if tokens_limit > 0 or concurrent > 0 then hold(id, amount) end
  end
  result = {
    code, longest,
    remaining(requests, requests_limit), until_full(requests),
    math.max(remaining(tokens, tokens_limit) - reserved, 0), until_full(tokens),
  }
elseif action == 2 then
  if redis.call('ZREM', KEYS[2], ARGV[4] .. ':' .. ARGV[5]) == 1 then reserved = reserved - tonumber(ARGV[5]) end
  tokens = take(tokens, tonumber(ARGV[6]), tonumber(ARGV[3]))
else
  for index = 3, #ARGV, 2 do hold(ARGV[index], ARGV[index + 1]) end
end

if redis.call('ZCARD', KEYS[2]) == 0 then reserved = 0 end
redis.call('HSET', KEYS[1], 'r', string.format('%.0f', requests), 't', string.format('%.0f', tokens),
  'h', string.format('%.0f', math.max(reserved, 0)))
-- Full buckets and no open requests are the same as no state.
local lifetime = math.max(until_full(requests), until_full(tokens), lease)
redis.call('PEXPIRE', KEYS[1], math.ceil(lifetime / 1000) + 1000)
redis.call('PEXPIRE', KEYS[2], math.ceil(lease / 1000) + 1000)
return result
