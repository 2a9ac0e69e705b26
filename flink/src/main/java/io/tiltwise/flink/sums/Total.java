package io.tiltwise.flink.sums;

import io.tiltwise.flink.core.Wire;

/**
 * The sums of one revision over all records of ticks up to this one, in every partition.
 *
 * @param tick the version: of two totals that of the higher tick stands, and two of one tick are equal
 * @param revision the id of the definition
 * @param sums canonical bytes in the widths of the clock at the end of the tick; empty where nothing is in them
 */
public record Total(long tick, long revision, byte[] sums) {
    /** The message {@code Total} of the wire. */
    public byte[] encode() {
        return new Wire.Writer()
                .number(1, Wire.VERSION)
                .number(2, tick)
                .fixed64(3, revision)
                .bytes(4, sums)
                .done();
    }
}
