package io.tiltwise.flink;

import io.tiltwise.flink.core.Wire;
import java.util.Arrays;

/** Log records as a collector would write them, for tests that say what happens in them. */
final class Written {
    private static final long HALF_Q30 = 1L << 29;

    private Written() {}

    static byte[] record(long clockMs, byte[]... events) {
        Wire.Writer record = new Wire.Writer().number(1, 1).number(2, clockMs);
        for (byte[] event : events) {
            record.bytes(3, event);
        }
        return record.done();
    }

    /** Of an even split between two arms. */
    static byte[] exposure(long revision, int unit, int id, long receivedMs, long decidedMs) {
        byte[] halves = new Wire.Writer().number(0, HALF_Q30).done();
        // Without the tag that the writer has put before it, and twice.
        byte[] half = Arrays.copyOfRange(halves, 1, halves.length);
        byte[] both = Arrays.copyOf(half, 2 * half.length);
        System.arraycopy(half, 0, both, half.length, half.length);
        byte[] exposure = new Wire.Writer()
                .fixed64(1, revision)
                .number(2, 1)
                .number(3, 1)
                .number(4, 1)
                .bytes(8, both)
                .done();
        return event(unit, id, receivedMs, decidedMs).bytes(7, exposure).done();
    }

    static byte[] signup(int unit, int id, long receivedMs) {
        byte[] outcome = new Wire.Writer().bytes(1, "signup".getBytes()).done();
        return event(unit, id, receivedMs, receivedMs).bytes(8, outcome).done();
    }

    static byte[] erasure(int unit, int id, long receivedMs) {
        byte[] erasure = new Wire.Writer().number(1, 1).done();
        return event(unit, id, receivedMs, receivedMs).bytes(9, erasure).done();
    }

    private static Wire.Writer event(int unit, int id, long receivedMs, long atMs) {
        return new Wire.Writer()
                .bytes(1, filled(id))
                .bytes(2, filled(unit))
                .number(3, receivedMs)
                .number(4, atMs);
    }

    private static byte[] filled(int with) {
        byte[] bytes = new byte[16];
        Arrays.fill(bytes, (byte) with);
        return bytes;
    }
}
