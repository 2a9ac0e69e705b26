package io.tiltwise.flink.events;

/** A tick is a tenth of a second of the log's clock ({@code TICK_MS} of the core): the grain of what is published. */
public final class Tick {
    public static final long MS = 100;

    private Tick() {}

    public static long of(long clockMs) {
        return clockMs / MS;
    }

    /** The last millisecond of a tick: a watermark that stands there says that the tick is over. */
    public static long end(long tick) {
        return tick * MS + MS - 1;
    }

    /** The watermark at which a partition with this clock stands: all ticks before that of the clock are over. */
    public static long watermark(long clockMs) {
        return end(of(clockMs) - 1);
    }

    /** The last tick that is over at a watermark. */
    public static long over(long watermark) {
        return Math.floorDiv(watermark + 1, MS) - 1;
    }
}
