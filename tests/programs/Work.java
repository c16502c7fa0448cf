import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.util.*;
import java.util.concurrent.*;
import java.util.stream.*;
import java.util.zip.*;

/** Work for Java: prints a digest of each part. args[0]: the amount of work. */
public class Work {
    static int amount;

    static String digest(byte[] data) {
        try {
            byte[] hash = MessageDigest.getInstance("SHA-256").digest(data);
            return String.format("%016x", ByteBuffer.wrap(hash).getLong());
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    static List<String> words(long seed, int count) {
        Random random = new Random(seed);
        return Stream.generate(() -> random.ints(1 + random.nextInt(20), 'a', 'z' + 1).mapToObj(Character::toString).collect(Collectors.joining()))
            .limit(count).collect(Collectors.toList());
    }

    static String collections() {
        Map<String, List<String>> groups = words(1, amount).stream().collect(Collectors.groupingBy(w -> w.substring(0, 1), TreeMap::new, Collectors.toList()));
        groups.values().forEach(Collections::sort);
        return digest(groups.toString().getBytes());
    }

    static String parallel() {
        List<String> sorted = words(2, amount).parallelStream().map(w -> w + w.hashCode()).sorted().collect(Collectors.toList());
        return digest(String.join(",", sorted).getBytes());
    }

    /** Each Deflater and Inflater holds some 300 KiB of memory from malloc. */
    static String compressed() throws Exception {
        ExecutorService pool = Executors.newFixedThreadPool(8);
        List<Future<String>> all = new ArrayList<>();
        for (int i = 0; i < 64; i++) {
            byte[] text = String.join(" ", words(i, amount / 20)).getBytes();
            all.add(pool.submit(() -> digest(inflate(deflate(text), text.length))));
        }
        StringBuilder joined = new StringBuilder();
        for (Future<String> one : all) joined.append(one.get());
        pool.shutdown();
        return digest(joined.toString().getBytes());
    }

    static byte[] deflate(byte[] text) {
        Deflater deflater = new Deflater(9);
        deflater.setInput(text);
        deflater.finish();
        byte[] out = new byte[text.length + 100];
        int length = deflater.deflate(out);
        deflater.end();
        return Arrays.copyOf(out, length);
    }

    static byte[] inflate(byte[] packed, int length) throws DataFormatException {
        Inflater inflater = new Inflater();
        inflater.setInput(packed);
        byte[] out = new byte[length];
        inflater.inflate(out);
        inflater.end();
        return out;
    }

    static String buffers() {
        Random random = new Random(3);
        ByteBuffer[] kept = new ByteBuffer[64];
        long sum = 0;
        for (int i = 0; i < amount / 20; i++) {
            ByteBuffer buffer = ByteBuffer.allocateDirect(1 + random.nextInt(200_000));
            for (int at = 0; at < buffer.capacity(); at += 4096) sum += buffer.get(at); // direct buffers start as zeros
            buffer.put(0, (byte) i);
            kept[random.nextInt(kept.length)] = buffer;
        }
        for (ByteBuffer buffer : kept) if (buffer != null) sum = sum * 31 + buffer.get(0) + buffer.capacity();
        return Long.toHexString(sum);
    }

    static String threads() throws Exception {
        Queue<String> results = new ConcurrentLinkedQueue<>();
        List<Thread> all = IntStream.range(0, 200).mapToObj(i -> new Thread(() -> results.add(digest(words(i, 50).toString().getBytes())))).collect(Collectors.toList());
        all.forEach(Thread::start);
        for (Thread thread : all) thread.join();
        return digest(new TreeSet<>(results).toString().getBytes());
    }

    public static void main(String[] args) throws Exception {
        amount = Integer.parseInt(args[0]);
        System.out.println("collections " + collections());
        System.out.println("parallel " + parallel());
        System.out.println("compressed " + compressed());
        System.out.println("buffers " + buffers());
        System.out.println("threads " + threads());
    }
}
