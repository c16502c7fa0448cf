# Work for Ruby: prints a digest of each part. ARGV[0]: the amount of work.
require 'digest'
require 'json'
require 'zlib'

AMOUNT = ARGV.fetch(0).to_i

def digest(value) = Digest::SHA256.hexdigest(value)[0, 16]

def words(seed, count)
  random = Random.new(seed)
  Array.new(count) { Array.new(random.rand(1..24)) { random.rand(97..122).chr }.join }
end

def through_hashes
  groups = words(1, AMOUNT).group_by { |word| word[0, 2] }
  digest(groups.sort.map { |key, list| "#{key}#{list.sort.join(',')}" }.join)
end

def through_strings
  text = words(2, AMOUNT).join(' ')
  digest(text.gsub(/([aeiou])([a-z])/) { "#{$2}#{$1.upcase}" } + text.scan(/\b(\w)\w*\1\b/).join)
end

def through_json
  digest(JSON.generate(JSON.parse(words(3, AMOUNT).each_with_index.map { |word, i| { word => [i, word] } }.to_json)))
end

def through_marshal
  tree = words(4, AMOUNT).each_slice(7).to_h { |first, *rest| [first, rest.map(&:to_sym)] }
  digest(Zlib.inflate(Zlib.deflate(Marshal.load(Marshal.dump(tree)).inspect)))
end

def through_threads
  digest(Array.new(12) { |seed| Thread.new { digest(words(seed, AMOUNT / 20).sort.join) } }.map(&:value).join)
end

def through_forks
  readers = Array.new(6) do |seed|
    IO.popen('-') || begin
      print digest(words(seed, AMOUNT / 10).reverse.join)
      $stdout.flush
      exit!(0)
    end
  end
  digest(readers.map(&:read).join)
end

%i[hashes strings json marshal threads forks].each { |part| puts "#{part} #{send(:"through_#{part}")}" }
GC.start(full_mark: true, immediate_sweep: true)
GC.compact if GC.respond_to?(:compact)
