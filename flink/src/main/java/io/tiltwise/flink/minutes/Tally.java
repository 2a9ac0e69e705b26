package io.tiltwise.flink.minutes;

import io.tiltwise.flink.core.Wire;
import io.tiltwise.flink.events.Tick;
import org.apache.flink.util.OutputTag;

/**
 * What some records of one minute of the log's clock have brought to one revision.
 *
 * @param minute of the log's clock
 * @param revision the id of the definition; 0: all events of the log
 * @param bytes an encoded {@code Tally}, for the core
 */
public record Tally(long minute, long revision, byte[] bytes) {
    public static final OutputTag<Tally> TAG = new OutputTag<>("tallies") {
        private static final long serialVersionUID = 1;
    };

    public static final long MINUTE_MS = 60_000;

    /** Of the core: what records that cannot be read are counted as ({@code Kind}), by their verdict ({@code Verdict::ALL}). */
    private static final int UNREADABLE = 3;

    private static final byte[] ONE_MALFORMED = {0, 0, 0, 0, 0, 0, 0, 1, 0};

    public static Tally read(byte[] bytes) {
        long minute = 0;
        long revision = 0;
        Wire.Reader reader = new Wire.Reader(bytes);
        for (int field = reader.next(); field != 0 && field <= 3; field = reader.next()) {
            switch (field) {
                case 2 -> minute = reader.number();
                case 3 -> revision = reader.number();
                default -> {}
            }
        }
        return new Tally(minute, revision, bytes);
    }

    /** One record that cannot be read, at the clock of its partition. */
    public static Tally unreadable(long clockMs) {
        byte[] facts = new Wire.Writer().number(1, UNREADABLE).bytes(2, ONE_MALFORMED).done();
        byte[] tally = new Wire.Writer()
                .number(1, Wire.VERSION)
                .number(2, clockMs / MINUTE_MS)
                .bytes(6, facts)
                .done();
        return new Tally(clockMs / MINUTE_MS, 0, tally);
    }

    /** A watermark that stands here says that the minute is over. */
    public long end() {
        return end(minute);
    }

    static long end(long minute) {
        return Tick.end((minute + 1) * MINUTE_MS / Tick.MS - 1);
    }
}
