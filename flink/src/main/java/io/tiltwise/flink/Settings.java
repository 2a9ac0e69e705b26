package io.tiltwise.flink;

import io.tiltwise.flink.core.Names;
import io.tiltwise.flink.core.Waits;
import io.tiltwise.flink.events.Tick;
import java.io.IOException;
import java.io.Serializable;
import java.io.StringReader;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;

/**
 * What the job is told: a file of {@code key = value}, and flags that stand over it. Checked as a whole before anything starts;
 * behind this border nobody checks again.
 *
 * <p>How a job is checkpointed, restarted and scaled is not in here: that belongs to the cluster.
 */
public final class Settings implements Serializable {
    private static final long serialVersionUID = 1;

    /** Every key with its default; null: it must be given. */
    private static final Map<String, String> KEYS = new TreeMap<>();

    static {
        KEYS.put("bootstrap.servers", null);
        KEYS.put("topic.prefix", "tiltwise.");
        KEYS.put("group.id", "tiltwise-flink");
        KEYS.put("revisions", null);
        KEYS.put("lateness", "1h");
        KEYS.put("disorder", "6h");
        KEYS.put("retention", "28d");
        KEYS.put("dedupe", "48h");
        KEYS.put("publish.every", "500ms");
        KEYS.put("read.ahead", "10s");
    }

    /** Handed to Kafka's client under the rest of their name. */
    private static final String KAFKA = "kafka.";

    /** What kinds of visitors are called: an attribute's name follows. */
    private static final String VALUES = "values.";

    public final String bootstrapServers;
    public final String topicPrefix;
    public final String groupId;
    public final String revisions;
    public final Waits waits;
    public final long publishEveryTicks;
    public final long readAheadMs;
    public final Names names;
    public final Properties kafka;

    private Settings(Map<String, String> values, List<String> problems) {
        bootstrapServers = text(values, "bootstrap.servers", problems);
        topicPrefix = text(values, "topic.prefix", problems);
        groupId = text(values, "group.id", problems);
        revisions = text(values, "revisions", problems);
        long disorderMs = duration(values, "disorder", problems);
        waits = new Waits(
                duration(values, "lateness", problems),
                disorderMs,
                duration(values, "dedupe", problems),
                Math.max(disorderMs, duration(values, "retention", problems)));
        long everyMs = duration(values, "publish.every", problems);
        if (everyMs < Tick.MS || everyMs % Tick.MS != 0) {
            problems.add("publish.every = " + values.get("publish.every") + ": write whole ticks of 100ms, such as 500ms");
        }
        publishEveryTicks = everyMs / Tick.MS;
        readAheadMs = duration(values, "read.ahead", problems);
        names = new Names(new TreeMap<>());
        kafka = new Properties();
        values.forEach((key, value) -> {
            if (key.startsWith(VALUES)) {
                names.values().put(key.substring(VALUES.length()), List.of(value.trim().split("\\s*,\\s*")));
            }
            if (key.startsWith(KAFKA)) {
                kafka.setProperty(key.substring(KAFKA.length()), value);
            }
        });
    }

    /** From the text of a file, and from flags over it: {@code --key value}. */
    public static Settings of(String file, String... flags) {
        List<String> problems = new ArrayList<>();
        Map<String, String> values = new TreeMap<>();
        KEYS.forEach((key, value) -> {
            if (value != null) {
                values.put(key, value);
            }
        });
        Properties properties = new Properties();
        try {
            properties.load(new StringReader(file));
        } catch (IOException | IllegalArgumentException broken) {
            problems.add("the file of settings: " + broken.getMessage());
        }
        properties.forEach((key, value) -> put(values, (String) key, ((String) value).trim(), problems));
        for (int i = 0; i < flags.length; i += 2) {
            if (!flags[i].startsWith("--") || i + 1 == flags.length) {
                problems.add(flags[i] + ": flags are pairs, --key value");
                break;
            }
            put(values, flags[i].substring(2), flags[i + 1], problems);
        }
        Settings settings = new Settings(values, problems);
        if (!problems.isEmpty()) {
            throw new IllegalArgumentException(String.join("\n", problems));
        }
        return settings;
    }

    public String topic(String name) {
        return topicPrefix + name;
    }

    private static void put(Map<String, String> values, String key, String value, List<String> problems) {
        if (KEYS.containsKey(key) || key.startsWith(KAFKA) || key.startsWith(VALUES)) {
            values.put(key, value);
        } else {
            problems.add(key + ": there is no such setting; there are " + String.join(", ", KEYS.keySet()) + ", "
                    + VALUES + "… for the values of an attribute, and " + KAFKA + "… for Kafka's client");
        }
    }

    private static String text(Map<String, String> values, String key, List<String> problems) {
        String value = values.getOrDefault(key, "");
        if (value.isEmpty()) {
            problems.add(key + ": is missing; write it into the file of settings, or --" + key + " …");
        }
        return value;
    }

    private static long duration(Map<String, String> values, String key, List<String> problems) {
        String value = values.get(key);
        Map<String, Long> units = Map.of("ms", 1L, "s", 1_000L, "m", 60_000L, "h", 3_600_000L, "d", 86_400_000L);
        int digits = 0;
        while (digits < value.length() && Character.isDigit(value.charAt(digits))) {
            digits++;
        }
        Long unit = units.get(value.substring(digits));
        if (unit == null || digits == 0 || digits > 9) {
            problems.add(key + " = " + value + ": write a number with ms, s, m, h or d, such as 6h");
            return 0;
        }
        return Long.parseLong(value.substring(0, digits)) * unit;
    }
}
