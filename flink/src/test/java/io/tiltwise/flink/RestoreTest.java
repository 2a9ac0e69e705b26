package io.tiltwise.flink;

import static io.tiltwise.flink.Written.exposure;
import static io.tiltwise.flink.Written.record;
import static io.tiltwise.flink.Written.signup;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tiltwise.flink.core.Core;
import io.tiltwise.flink.events.LogBytes;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What a job that is restored from a checkpoint still knows. */
class RestoreTest {
    @Test
    void what_was_counted_before_a_checkpoint_counts_after_it_and_once() throws Exception {
        long hero = River.revision("hero");
        Line.Kept kept;
        try (Line line = new Line()) {
            line.put(0, record(10_000, exposure(hero, 1, 1, 10_000, 10_000)));
            kept = line.checkpoint();
            assertTrue(line.totals.isEmpty(), "a tick that is not over is not published");
        }
        try (Line line = new Line(kept)) {
            line.put(0, record(12_000, signup(1, 2, 12_000)));
            assertArrayEquals(new long[] {1, 1_000_000}, line.end());
        }
    }

    @Test
    void after_a_restore_too_one_wrong_stamp_moves_the_clock_ten_minutes_and_no_further() throws Exception {
        long hero = River.revision("hero");
        long day = 86_400_000;
        Line.Kept kept;
        try (Line line = new Line()) {
            kept = line.put(0, record(10_000, exposure(hero, 1, 1, 10_000, 10_000))).checkpoint();
        }
        try (Line line = new Line(kept)) {
            // The source's own generator begins anew and believes this stamp.
            line.put(0, record(10_000 + day)).watermark(10_000 + day);
            line.put(0, record(620_000, exposure(hero, 2, 1, 620_000, 620_000)));
            assertEquals(2, line.end()[0], "it is not behind the clock by more than is allowed");
        }
    }

    /** The whole recorded log through harnesses that are restored again and again, against the native bytes. */
    @Test
    void a_job_that_is_restored_often_publishes_what_the_native_core_counts() throws Exception {
        List<LogBytes> log = River.log();
        Line.Kept kept = null;
        List<io.tiltwise.flink.sums.Total> totals = new ArrayList<>();
        int attempts = 7;
        for (int attempt = 0; attempt < attempts; attempt++) {
            try (Line line = new Line(kept)) {
                int to = (attempt + 1) * log.size() / attempts;
                for (LogBytes record : log.subList(attempt * log.size() / attempts, to)) {
                    line.put(record.partition(), record.bytes());
                }
                // Only a log that has ended says that all of its partitions have been seen.
                if (to == log.size()) {
                    line.end();
                }
                kept = line.checkpoint();
                totals.addAll(line.totals);
            }
        }
        Core core = new Core(River.WAITS);
        core.addRevisions(River.revisions().read());
        assertFalse(totals.isEmpty());
        Compared.toNative(core, totals);
    }
}
