package io.tiltwise.flink.events;

import io.tiltwise.flink.core.Wire;
import java.util.HashMap;
import java.util.Map;
import org.apache.flink.api.common.eventtime.Watermark;
import org.apache.flink.api.common.eventtime.WatermarkGenerator;
import org.apache.flink.api.common.eventtime.WatermarkOutput;

/**
 * The watermark is the clock of a partition: the largest stamp in it so far. No machine's clock is asked, and clock records
 * move a partition in which nothing happens.
 *
 * <p>A generator is not part of a checkpoint, so after a restart it does not know how far one wrong stamp may move the clock.
 * {@link Explode}, which does, lets no watermark pass that is ahead of the clocks that it keeps.
 */
public final class PartitionClock implements WatermarkGenerator<LogBytes> {
    /** How far one record may move a clock ({@code MAX_STEP_MS} of the core). */
    private static final long MAX_STEP_MS = 10 * 60_000;

    private final int partitions;
    private final Map<Integer, Long> clocks = new HashMap<>();
    private long last = Long.MIN_VALUE;

    /** Of a source that reads this many partitions as one; Kafka's source has a generator for each. */
    public PartitionClock(int partitions) {
        this.partitions = partitions;
    }

    @Override
    public void onEvent(LogBytes record, long timestamp, WatermarkOutput output) {
        long stamp = stamp(record.bytes());
        if (stamp <= 0) {
            return;
        }
        clocks.merge(record.partition(), stamp, (clock, now) -> Math.max(clock, Math.min(now, clock + MAX_STEP_MS)));
        if (clocks.size() < partitions) {
            return;
        }
        long least = clocks.values().stream().mapToLong(Long::longValue).min().orElse(0);
        long watermark = Tick.watermark(least);
        if (watermark > last) {
            last = watermark;
            output.emitWatermark(new Watermark(watermark));
        }
    }

    @Override
    public void onPeriodicEmit(WatermarkOutput output) {
        // A clock moves with records alone.
    }

    /** The clock in the head of a record; 0 where there is none. */
    private static long stamp(byte[] bytes) {
        try {
            Wire.Reader reader = new Wire.Reader(bytes);
            for (int field = reader.next(); field == 1 || field == 2; field = reader.next()) {
                if (field == 2) {
                    return reader.number();
                }
            }
        } catch (IllegalArgumentException broken) {
            // The core says so too, and then it is rejected.
        }
        return 0;
    }
}
