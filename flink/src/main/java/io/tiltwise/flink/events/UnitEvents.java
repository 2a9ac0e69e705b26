package io.tiltwise.flink.events;

import io.tiltwise.flink.core.Wire;
import io.tiltwise.flink.join.Unit;

/**
 * The events of one unit in one log record.
 *
 * @param shard one 256th of all units, by hash; never spans two partitions
 * @param unit whose events these are
 * @param clockMs the partition's clock at the record: they are joined at this time, whenever that happens
 * @param bytes an encoded {@code UnitEvents}, for the core
 */
public record UnitEvents(int shard, Unit unit, long clockMs, byte[] bytes) {
    static UnitEvents read(byte[] bytes, long clockMs) {
        int shard = 0;
        Unit unit = null;
        Wire.Reader reader = new Wire.Reader(bytes);
        // Shard 0 is not written.
        for (int field = reader.next(); field == 1 || field == 2; field = reader.next()) {
            if (field == 1) {
                shard = (int) reader.number();
            } else {
                unit = Unit.of(reader.bytes());
            }
        }
        if (unit == null) {
            throw new IllegalArgumentException("the core answers with events of nobody");
        }
        return new UnitEvents(shard, unit, clockMs, bytes);
    }
}
