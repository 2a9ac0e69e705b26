package io.tiltwise.flink;

import static io.tiltwise.flink.Written.erasure;
import static io.tiltwise.flink.Written.exposure;
import static io.tiltwise.flink.Written.record;
import static io.tiltwise.flink.Written.signup;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

/** What counts and what does not, through the operators. The window of the experiment is four seconds. */
class JoinTest {
    private static final long ONE = 1_000_000;

    private final long hero = hero();

    @Test
    void an_outcome_within_the_window_counts_for_the_exposure_before_it() throws Exception {
        try (Line line = new Line()) {
            line.put(0, record(10_000, exposure(hero, 1, 1, 10_000, 10_000)));
            line.put(0, record(12_000, signup(1, 2, 12_000)));
            assertArrayEquals(new long[] {1, ONE}, line.end());
        }
    }

    @Test
    void an_outcome_after_the_window_does_not_count() throws Exception {
        try (Line line = new Line()) {
            line.put(0, record(10_000, exposure(hero, 1, 1, 10_000, 10_000)));
            line.put(0, record(14_001, signup(1, 2, 14_001)));
            assertArrayEquals(new long[] {1, 0}, line.end());
        }
    }

    @Test
    void an_outcome_that_overtook_its_exposure_counts() throws Exception {
        try (Line line = new Line()) {
            line.put(0, record(12_000, signup(1, 2, 12_000)));
            line.put(0, record(12_100, exposure(hero, 1, 1, 11_000, 10_000)));
            assertArrayEquals(new long[] {1, ONE}, line.end());
        }
    }

    @Test
    void an_exposure_that_was_received_too_late_does_not_count() throws Exception {
        try (Line line = new Line()) {
            line.put(0, record(13_000, exposure(hero, 1, 1, 13_000, 10_000)));
            assertArrayEquals(new long[] {0, 0}, line.end());
        }
    }

    @Test
    void what_was_sent_twice_counts_once() throws Exception {
        try (Line line = new Line()) {
            byte[] shown = exposure(hero, 1, 1, 10_000, 10_000);
            line.put(0, record(10_000, shown, shown));
            line.put(0, record(11_000, signup(1, 2, 11_000)));
            line.put(0, record(12_000, signup(1, 2, 12_000), shown));
            assertArrayEquals(new long[] {1, ONE}, line.end());
        }
    }

    @Test
    void what_was_erased_leaves_nothing() throws Exception {
        try (Line line = new Line()) {
            line.put(0, record(10_000, exposure(hero, 1, 1, 10_000, 10_000), signup(1, 2, 10_000)));
            line.watermark(20_000);
            assertEquals(0, line.totals.size(), "the clock is at 10 s, whatever the source says");
            line.put(0, record(11_000, erasure(1, 3, 11_000)));
            assertArrayEquals(new long[] {0, 0}, line.end());
            assertEquals(2, line.totals.size());
            assertArrayEquals(new long[] {1, ONE}, Line.counted(line.totals.get(0).sums()));
            assertEquals(0, line.totals.get(1).sums().length);
        }
    }

    @Test
    void state_is_forgotten_when_the_log_s_clock_has_passed_it() throws Exception {
        try (Line line = new Line()) {
            line.put(0, record(10_000, signup(1, 2, 10_000)));
            assertEquals(1, line.units());
            line.put(0, record(30_000)).watermark(30_000);
            assertEquals(1, line.units(), "a copy of it may still come");
            line.put(0, record(50_000)).watermark(50_000);
            assertEquals(0, line.units());
            assertEquals(0, line.timers());
        }
    }

    @Test
    void a_partition_with_clock_records_alone_holds_nobody_up_and_one_that_stands_still_does() throws Exception {
        try (Line line = new Line()) {
            line.put(0, record(10_000, exposure(hero, 1, 1, 10_000, 10_000)));
            line.put(1, record(10_000)).put(0, record(20_000)).watermark(20_000);
            assertTrue(line.totals.isEmpty(), "the other partition may still have what counts");
            line.put(1, record(20_000)).watermark(20_000);
            assertEquals(1, line.totals.size());
            assertEquals(104, line.totals.get(0).tick());
        }
    }

    private static long hero() {
        try {
            return River.revision("hero");
        } catch (java.io.IOException missing) {
            throw new java.io.UncheckedIOException(missing);
        }
    }
}
