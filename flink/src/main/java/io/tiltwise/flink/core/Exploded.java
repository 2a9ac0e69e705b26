package io.tiltwise.flink.core;

import java.util.ArrayList;
import java.util.List;

/**
 * A log record, taken apart.
 *
 * @param clockMs the partition's clock once the record was read
 * @param units the events of every unit, as the core wrote them: a {@code UnitEvents}
 */
public record Exploded(long clockMs, List<byte[]> units) {
    static Exploded read(byte[] bytes) {
        long clockMs = 0;
        List<byte[]> units = new ArrayList<>();
        Wire.Reader reader = new Wire.Reader(bytes);
        for (int field = reader.next(); field != 0; field = reader.next()) {
            switch (field) {
                case 2 -> clockMs = reader.number();
                case 3 -> units.add(reader.bytes());
                default -> {}
            }
        }
        return new Exploded(clockMs, units);
    }
}
