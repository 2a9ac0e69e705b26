package io.tiltwise.flink.minutes;

import io.tiltwise.flink.core.Wire;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/**
 * What the core says of a minute, as records for people: JSON with the names that the plain topics use.
 *
 * @param shown to be kept for the next minute
 */
record MinuteAnswer(byte[] shown, List<Said> lines) {
    /** Two numbers whose digits nobody needs must not be two records: how far the sample ratio is written. */
    private static final int RATIO_DIGITS = 6;

    private static final String[] FACTS = {"exposures", "outcomes", "erasures"};

    static MinuteAnswer read(byte[] bytes) {
        long minute = 0;
        long revision = 0;
        String experiment = "";
        double logE = 0;
        boolean mismatch = false;
        byte[] shown = {};
        List<Line> lines = new ArrayList<>();
        List<Counts> facts = new ArrayList<>();
        Wire.Reader reader = new Wire.Reader(bytes);
        for (int field = reader.next(); field != 0; field = reader.next()) {
            switch (field) {
                case 2 -> minute = reader.number();
                case 3 -> revision = reader.number();
                case 4 -> experiment = text(reader);
                case 5 -> logE = Double.longBitsToDouble(reader.number());
                case 6 -> mismatch = reader.number() != 0;
                case 7 -> shown = reader.bytes();
                case 8 -> lines.add(Line.read(reader.bytes()));
                case 9 -> facts.add(Counts.read(reader.bytes()));
                default -> {}
            }
        }
        List<Said> said = new ArrayList<>();
        if (!facts.isEmpty()) {
            said.add(ofTheLog(minute, facts));
        }
        for (Line line : lines) {
            said.add(line.say(minute, experiment, String.format("%016x", revision), ratio(logE), mismatch));
        }
        return new MinuteAnswer(shown, said);
    }

    private static Said ofTheLog(long minute, List<Counts> facts) {
        Json value = key(minute, "", "", "", "", "");
        Counts all = new Counts(0, 0, 0, 0, 0);
        for (int kind = 0; kind < facts.size(); kind++) {
            if (kind < FACTS.length) {
                value.number(FACTS[kind], facts.get(kind).taken());
            }
            all = all.plus(facts.get(kind));
        }
        all.write(value);
        return new Said(minute * Tally.MINUTE_MS, key(minute, "", "", "", "", "").done(), value.done());
    }

    /** What a record is of: these fields are its key, and stand in its value too. */
    private static Json key(
            long minute, String experiment, String revision, String variant, String segment, String segmentValue) {
        return new Json()
                .text("minute", Instant.ofEpochMilli(minute * Tally.MINUTE_MS).toString())
                .text("experiment_id", experiment)
                .text("revision", revision)
                .text("variation_id", variant)
                .text("segment", segment)
                .text("segment_value", segmentValue);
    }

    private static BigDecimal ratio(double logE) {
        return Double.isFinite(logE)
                ? new BigDecimal(logE).setScale(RATIO_DIGITS, RoundingMode.HALF_EVEN)
                : null;
    }

    private static String text(Wire.Reader reader) {
        return new String(reader.bytes(), StandardCharsets.UTF_8);
    }

    private static long signed(long zigzag) {
        return zigzag >>> 1 ^ -(zigzag & 1);
    }

    /** What became of events. */
    private record Counts(long taken, long late, long duplicate, long rejected, long erased) {
        static Counts read(byte[] bytes) {
            long[] counts = new long[6];
            Wire.Reader reader = new Wire.Reader(bytes);
            for (int field = reader.next(); field != 0; field = reader.next()) {
                counts[field] = reader.number();
            }
            return new Counts(counts[1], counts[2], counts[3], counts[4], counts[5]);
        }

        Counts plus(Counts other) {
            return new Counts(
                    taken + other.taken,
                    late + other.late,
                    duplicate + other.duplicate,
                    rejected + other.rejected,
                    erased + other.erased);
        }

        void write(Json into) {
            into.number("late", late)
                    .number("duplicate", duplicate)
                    .number("rejected", rejected)
                    .number("erased", erased);
        }
    }

    /** What a metric has gained: conversions, or a value. */
    private record Reward(String event, boolean isValue, long reward, String currency, long windowMs) {
        static Reward read(byte[] bytes) {
            String event = "";
            boolean isValue = false;
            long reward = 0;
            String currency = null;
            long windowMs = 0;
            Wire.Reader reader = new Wire.Reader(bytes);
            for (int field = reader.next(); field != 0; field = reader.next()) {
                switch (field) {
                    case 1 -> event = text(reader);
                    case 2 -> isValue = reader.number() != 0;
                    case 3 -> reward = signed(reader.number());
                    case 4 -> currency = text(reader);
                    case 5 -> windowMs = reader.number();
                    default -> {}
                }
            }
            return new Reward(event, isValue, reward, currency, windowMs);
        }

        Json write(Json into) {
            return into.text("metric", event)
                    .number("window_ms", windowMs)
                    .number("conversions", isValue ? null : BigDecimal.valueOf(reward))
                    .number("value", isValue ? BigDecimal.valueOf(reward, 6) : null)
                    .text("currency", currency);
        }
    }

    private record Line(
            long arm, String variant, String segment, String segmentValue, Counts counts, long units, List<Reward> rewards) {
        static Line read(byte[] bytes) {
            long arm = 0;
            String variant = "";
            String segment = "";
            String segmentValue = "";
            Counts counts = null;
            long units = 0;
            List<Reward> rewards = new ArrayList<>();
            Wire.Reader reader = new Wire.Reader(bytes);
            for (int field = reader.next(); field != 0; field = reader.next()) {
                switch (field) {
                    case 1 -> arm = reader.number();
                    case 2 -> variant = text(reader);
                    case 3 -> segment = text(reader);
                    case 4 -> segmentValue = text(reader);
                    case 5 -> counts = Counts.read(reader.bytes());
                    case 6 -> units = signed(reader.number());
                    case 7 -> rewards.add(Reward.read(reader.bytes()));
                    default -> {}
                }
            }
            return new Line(arm, variant, segment, segmentValue, counts, units, rewards);
        }

        Said say(long minute, String experiment, String revision, BigDecimal ratio, boolean mismatch) {
            boolean everybody = segment.isEmpty();
            Json value = key(minute, experiment, revision, variant, segment, segmentValue)
                    .number("variation_index", arm)
                    .number("exposures", counts.taken())
                    .number("units", units);
            rewards.get(0).write(value);
            counts.write(value);
            value.number("sample_ratio_log_e", everybody ? ratio : null)
                    .truth("sample_ratio_mismatch", everybody ? mismatch : null);
            value.list("others", rewards.stream().skip(1).map(other -> other.write(new Json()))::iterator);
            return new Said(
                    minute * Tally.MINUTE_MS,
                    key(minute, experiment, revision, variant, segment, segmentValue).done(),
                    value.done());
        }
    }
}
