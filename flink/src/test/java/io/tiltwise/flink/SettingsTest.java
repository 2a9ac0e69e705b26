package io.tiltwise.flink;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class SettingsTest {
    private static final String LEAST = "bootstrap.servers = b1:9092\nrevisions = s3://bucket/revisions\n";

    @Test
    void flags_stand_over_the_file_and_the_file_over_the_defaults() {
        Settings settings = Settings.of(LEAST + "lateness = 2h\ndisorder = 3h\n", "--disorder", "90m");
        assertEquals(2 * 3_600_000, settings.waits.latenessMs());
        assertEquals(90 * 60_000, settings.waits.disorderMs());
        assertEquals(28L * 86_400_000, settings.waits.markMs());
        assertEquals(5, settings.publishEveryTicks);
        assertEquals("tiltwise.events", settings.topic("events"));
    }

    @Test
    void what_is_written_for_kafka_s_client_goes_to_it() {
        Settings settings = Settings.of(LEAST + "kafka.security.protocol = SASL_SSL\n");
        assertEquals("SASL_SSL", settings.kafka.getProperty("security.protocol"));
    }

    @Test
    void everything_that_is_wrong_is_said_at_once_with_its_remedy() {
        var refused = assertThrows(
                IllegalArgumentException.class,
                () -> Settings.of("disorder = soon\nlatenes = 1h\npublish.every = 250ms\n"));
        String said = refused.getMessage();
        for (String part : new String[] {
            "bootstrap.servers: is missing", "revisions: is missing", "disorder = soon", "latenes: there is no such setting",
            "publish.every = 250ms"
        }) {
            assertTrue(said.contains(part), said);
        }
    }
}
