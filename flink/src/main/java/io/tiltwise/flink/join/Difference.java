package io.tiltwise.flink.join;

import io.tiltwise.flink.core.Wire;

/**
 * What the records of one tick have changed in the sums of one revision.
 *
 * @param tick of the log's clock
 * @param revision the id of the definition
 * @param sums canonical bytes: {@code Accumulators}
 */
public record Difference(long tick, long revision, byte[] sums) {
    public static Difference read(byte[] bytes) {
        long tick = 0;
        long revision = 0;
        byte[] sums = {};
        Wire.Reader reader = new Wire.Reader(bytes);
        for (int field = reader.next(); field != 0; field = reader.next()) {
            switch (field) {
                case 1 -> tick = reader.number();
                case 2 -> revision = reader.number();
                case 3 -> sums = reader.bytes();
                default -> {}
            }
        }
        return new Difference(tick, revision, sums);
    }
}
