package io.tiltwise.flink;

import static io.tiltwise.flink.Written.erasure;
import static io.tiltwise.flink.Written.exposure;
import static io.tiltwise.flink.Written.record;
import static io.tiltwise.flink.Written.signup;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tiltwise.flink.events.LogBytes;
import io.tiltwise.flink.minutes.Said;
import io.tiltwise.flink.sums.Total;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.JsonNode;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.ObjectMapper;
import org.junit.jupiter.api.Test;

/** What people and warehouses read of every minute. */
class MinutesTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final long MINUTE = 60_000;

    private final long hero = hero();

    @Test
    void a_minute_says_of_each_variant_what_it_has_brought_and_what_became_of_its_exposures() throws Exception {
        try (Line line = new Line()) {
            line.put(0, record(10_000, exposure(hero, 1, 1, 10_000, 10_000)));
            line.put(0, record(11_000, exposure(hero, 1, 1, 10_000, 10_000), signup(1, 2, 11_000)));
            line.put(0, record(13_000, exposure(hero, 2, 1, 13_000, 10_000)));
            line.put(0, "not ours".getBytes());
            line.put(0, record(70_000, exposure(hero, 3, 1, 70_000, 70_000)));
            line.watermark(MINUTE - 1);

            JsonNode shown = of(line.said, 0, "v1");
            assertEquals("1970-01-01T00:00:00Z", shown.get("minute").asText());
            assertEquals("hero", shown.get("experiment_id").asText());
            assertEquals(String.format("%016x", hero), shown.get("revision").asText());
            assertNumbers(
                    shown, Map.of("exposures", 1, "units", 1, "conversions", 1, "late", 1, "duplicate", 1, "rejected", 0));
            assertNumbers(of(line.said, 0, "v0"), Map.of("exposures", 0, "units", 0, "conversions", 0));
            // Everything in the log, of whatever experiment: outcomes are of none.
            assertNumbers(
                    of(line.said, 0, ""),
                    Map.of("exposures", 1, "outcomes", 1, "late", 1, "duplicate", 1, "rejected", 1, "erasures", 0));
            assertTrue(line.said.stream().allMatch(said -> said.atMs() == 0), "the next minute is not over");
        }
    }

    @Test
    void what_is_erased_is_taken_away_in_the_minute_in_which_that_is_asked_for() throws Exception {
        try (Line line = new Line()) {
            line.put(0, record(10_000, exposure(hero, 1, 1, 10_000, 10_000), signup(1, 2, 10_000)));
            line.put(0, record(70_000, erasure(1, 3, 70_000)));
            line.end();
            assertNumbers(of(line.said, 0, "v1"), Map.of("units", 1, "conversions", 1));
            assertNumbers(of(line.said, 1, "v1"), Map.of("units", -1, "conversions", -1, "exposures", 0));
            assertNumbers(of(line.said, 1, ""), Map.of("erasures", 1));
        }
    }

    @Test
    void variants_that_are_not_shown_as_they_were_drawn_are_an_alarm_that_stays() throws Exception {
        try (Line line = new Line()) {
            // All of an even split saw the second.
            for (int unit = 0; unit < 100; unit++) {
                line.put(0, record(10_000, exposure(hero, unit, 1, 10_000, 10_000)));
            }
            line.put(0, record(70_000, exposure(hero, 101, 1, 70_000, 70_000)));
            line.end();
            for (int minute = 0; minute < 2; minute++) {
                JsonNode said = of(line.said, minute, "v1");
                assertTrue(said.get("sample_ratio_mismatch").asBoolean(), said::toString);
                assertTrue(said.get("sample_ratio_log_e").asDouble() > 7, said::toString);
            }
        }
    }

    /** A record is whole, so it does no harm to write it again: but only if it is the same. */
    @Test
    void a_job_that_is_restored_often_writes_the_same_records() throws Exception {
        List<Said> once = said(1);
        List<Said> often = said(7);
        assertTrue(once.size() > 10, "records that say something");
        assertEquals(byKey(once), byKey(often));
    }

    /** The second is one restored from a checkpoint that lies before the minute's end, as after the loss of a machine. */
    @Test
    void what_was_written_before_a_failure_is_written_again_to_the_byte() throws Exception {
        List<LogBytes> log = River.log();
        Line.Kept kept;
        List<Said> before;
        try (Line line = new Line()) {
            put(line, log.subList(0, log.size() / 2));
            kept = line.checkpoint();
            put(line, log.subList(log.size() / 2, log.size()));
            line.end();
            before = line.said;
        }
        try (Line line = new Line(kept)) {
            put(line, log.subList(log.size() / 2, log.size()));
            line.end();
            assertFalse(line.said.isEmpty());
            Map<String, String> first = byKey(before);
            line.said.forEach(said -> assertEquals(first.get(said.key()), said.value()));
        }
    }

    @Test
    void all_minutes_together_are_what_the_sums_hold() throws Exception {
        try (Line line = new Line()) {
            put(line, River.log());
            line.end();
            for (long revision : River.revisions().read().keySet()) {
                String id = String.format("%016x", revision);
                long units = 0;
                long events = 0;
                for (Said said : line.said) {
                    JsonNode value = JSON.readTree(said.value());
                    if (value.get("revision").asText().equals(id) && value.get("segment").asText().isEmpty()) {
                        units += value.get("units").asLong();
                        events += value.get("exposures").asLong();
                    }
                }
                byte[] sums = {};
                for (Total total : line.totals) {
                    sums = total.revision() == revision ? total.sums() : sums;
                }
                assertEquals(Line.counted(sums)[0], units);
                assertTrue(events > units, "quarantined and superseding ones are no units");
            }
        }
    }

    @Test
    void a_minute_that_is_over_is_forgotten() throws Exception {
        try (Line line = new Line()) {
            for (int minute = 0; minute < 30; minute++) {
                line.put(0, record(minute * MINUTE + 1, exposure(hero, minute, 1, minute * MINUTE + 1, minute * MINUTE + 1)));
                line.watermark(minute * MINUTE);
                assertTrue(line.minutes() <= 3, "the last minutes of the log and of one revision, and what was shown of it");
            }
        }
    }

    private static List<Said> said(int attempts) throws Exception {
        List<LogBytes> log = River.log();
        List<Said> all = new ArrayList<>();
        Line.Kept kept = null;
        for (int attempt = 0; attempt < attempts; attempt++) {
            try (Line line = new Line(kept)) {
                int to = (attempt + 1) * log.size() / attempts;
                put(line, log.subList(attempt * log.size() / attempts, to));
                if (to == log.size()) {
                    line.end();
                }
                kept = line.checkpoint();
                all.addAll(line.said);
            }
        }
        return all;
    }

    private static void put(Line line, List<LogBytes> records) throws Exception {
        for (LogBytes record : records) {
            line.put(record.partition(), record.bytes());
        }
    }

    /** As whoever keeps the last value of a key; whoever writes a key again must write the same. */
    private static Map<String, String> byKey(List<Said> all) {
        Map<String, String> records = new LinkedHashMap<>();
        for (Said said : all) {
            String before = records.put(said.key(), said.value());
            assertTrue(before == null || before.equals(said.value()), said::key);
        }
        return new java.util.TreeMap<>(records);
    }

    private static JsonNode of(List<Said> all, long minute, String variant) throws Exception {
        for (Said said : all) {
            JsonNode key = JSON.readTree(said.key());
            if (said.atMs() == minute * MINUTE && key.get("variation_id").asText().equals(variant)) {
                JsonNode value = JSON.readTree(said.value());
                key.fields().forEachRemaining(field -> assertEquals(field.getValue(), value.get(field.getKey())));
                return value;
            }
        }
        throw new AssertionError("minute " + minute + " says nothing of \"" + variant + "\": " + all);
    }

    private static void assertNumbers(JsonNode said, Map<String, Integer> numbers) {
        numbers.forEach((name, number) -> assertEquals(number.intValue(), said.get(name).asInt(), name + " in " + said));
    }

    private static long hero() {
        try {
            return River.revision("hero");
        } catch (java.io.IOException unreadable) {
            throw new java.io.UncheckedIOException(unreadable);
        }
    }
}
