/*
 * Computes the same sum again and again, in THREADS threads, by what a virtual machine does with signals and
 * its own code: null pointers, stack overflows, collections, contended monitors, compiled code that is thrown
 * away. Ends after BATCHES batches, or, if that is 0, when there is a line on standard input.
 */
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

public final class Batches {
    private static final class Node {
        final int value;
        final Node next;

        Node(int value, Node next) {
            this.value = value;
            this.next = next;
        }
    }

    private static final Object LOCK = new Object();
    private static long locked;

    static long leaf(long n) {
        return n * 31 + 7;
    }

    static long middle(long n) {
        return leaf(n) ^ leaf(n + 1);
    }

    static int deep(int n) {
        return deep(n + 1) + 1;
    }

    static long faults(Node node) {
        try {
            return node.next.value;
        } catch (NullPointerException expected) {
            return 3;
        }
    }

    static long batch(int seed, int rounds) {
        long sum = seed;
        Node list = null;
        for (int i = 0; i < rounds; i++) {
            sum = sum * 6364136223846793005L + middle(i);
            list = (i & 255) == 0 ? null : new Node((int) sum, list);
            if (i % 500 == 0) sum += faults(list);
            if (i % 50 == 0) {
                synchronized (LOCK) {
                    locked += i;
                }
            }
        }
        try {
            deep(0);
        } catch (StackOverflowError expected) {
            sum += 5;
        }
        return sum;
    }

    static long all(ExecutorService pool, int threads, int rounds) throws Exception {
        List<Callable<Long>> tasks = new ArrayList<>();
        for (int i = 0; i < threads; i++) {
            int seed = i;
            tasks.add(() -> batch(seed, rounds));
        }
        locked = 0;
        long sum = 0;
        for (Future<Long> each : pool.invokeAll(tasks)) sum = sum * 17 + each.get();
        System.gc();
        return sum * 17 + locked;
    }

    public static void main(String[] arguments) throws Exception {
        int threads = Integer.parseInt(arguments[0]);
        int rounds = Integer.parseInt(arguments[1]);
        int batches = Integer.parseInt(arguments[2]);
        ExecutorService pool = Executors.newFixedThreadPool(threads);
        long first = all(pool, threads, rounds);
        System.out.println("ready");
        int done = 1;
        int wrong = 0;
        while (batches > 0 ? done < batches : System.in.available() == 0) {
            if (all(pool, threads, rounds) != first) wrong++;
            done++;
        }
        pool.shutdown();
        System.out.println(wrong + " wrong, sum " + first);
    }
}
