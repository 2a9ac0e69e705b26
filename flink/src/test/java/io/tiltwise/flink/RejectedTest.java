package io.tiltwise.flink;

import static io.tiltwise.flink.Written.exposure;
import static io.tiltwise.flink.Written.record;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tiltwise.flink.core.Wire;
import io.tiltwise.flink.rejected.Rejected;
import org.apache.flink.runtime.execution.SuppressRestartsException;
import org.junit.jupiter.api.Test;

/** What is no record of the log, and what is one of a later release. */
class RejectedTest {
    @Test
    void what_is_no_record_is_rejected_with_its_place_and_holds_nobody_up() throws Exception {
        long hero = River.revision("hero");
        try (Line line = new Line()) {
            line.put(2, record(9_000));
            line.put(2, "not ours".getBytes());
            line.put(2, new byte[0]);
            line.put(2, record(10_000, exposure(hero, 1, 1, 10_000, 10_000)));
            assertArrayEquals(new long[] {1, 0}, line.end());
            assertEquals(2, line.rejected().size());
            Rejected first = line.rejected().get(0);
            assertEquals(2, first.partition());
            assertEquals(1, first.offset());
            assertEquals("not a record of the log", first.reason());
            assertArrayEquals("not ours".getBytes(), first.bytes());
        }
    }

    @Test
    void a_record_of_a_newer_wire_version_stops_the_job_for_good_and_says_what_to_do() throws Exception {
        byte[] newer = new Wire.Writer().number(1, Wire.VERSION + 1).number(2, 10_000).done();
        try (Line line = new Line()) {
            var stopped = assertThrows(SuppressRestartsException.class, () -> line.put(3, newer));
            String said = stopped.getCause().getMessage();
            assertTrue(said.contains("upgrade the job first"), said);
            assertTrue(said.contains("record 0 of partition 3"), said);
        }
    }
}
