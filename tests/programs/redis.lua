-- The data set of redis.sh; ARGV[1]: the amount of data.
local x = 1
local function random(n)
    x = (x * 16807) % 2147483647
    return x % n
end
for i = 1, tonumber(ARGV[1]) do
    local key = random(3000)
    redis.call('SET', 's' .. key, string.rep('v' .. i, random(90) + 1))
    redis.call('RPUSH', 'l' .. key % 200, i .. string.rep('-', random(120)))
    redis.call('HSET', 'h' .. key % 300, 'f' .. random(400), i * 1.5)
    redis.call('ZADD', 'z' .. key % 100, random(1000000), 'member ' .. random(5000))
    redis.call('SETRANGE', 'b' .. key % 50, random(20000), 'xyz')
    if i % 3 == 0 then redis.call('DEL', 's' .. random(3000)) end
    if i % 5 == 0 then redis.call('LTRIM', 'l' .. key % 200, 0, 40) end
    if i % 7 == 0 then redis.call('XADD', 't' .. key % 20, i .. '-1', 'k', string.rep('t', random(60))) end
end
return redis.status_reply('OK')
