package io.tiltwise.flink.core;

/**
 * What became of a unit.
 *
 * @param state to be kept until its next events; empty: nothing
 * @param restsAfterMs once the clock has passed this, trimming the unit makes its state smaller; 0: never
 * @param counts how many events met each of {@link #VERDICTS}
 */
public record Folded(byte[] state, long restsAfterMs, long[] counts) {
    /** In the order of the core's numbers ({@code Verdict::ALL}); the same words as in the collector's metrics. */
    public static final String[] VERDICTS = {
        "folded", "superseded", "erased", "late", "stale", "ahead", "unknown-revision", "malformed", "flooded"
    };

    static Folded read(byte[] bytes) {
        byte[] state = {};
        long restsAfterMs = 0;
        long[] counts = new long[VERDICTS.length];
        Wire.Reader reader = new Wire.Reader(bytes);
        for (int field = reader.next(); field != 0; field = reader.next()) {
            switch (field) {
                case 2 -> state = reader.bytes();
                case 3 -> restsAfterMs = reader.number();
                case 4 -> count(reader.bytes(), counts);
                default -> {}
            }
        }
        return new Folded(state, restsAfterMs, counts);
    }

    private static void count(byte[] bytes, long[] counts) {
        int verdict = 0;
        Wire.Reader reader = new Wire.Reader(bytes);
        for (int field = reader.next(); field != 0; field = reader.next()) {
            if (field == 1) {
                verdict = (int) reader.number();
            } else if (field == 2 && verdict < counts.length) {
                counts[verdict] += reader.number();
            }
        }
    }
}
