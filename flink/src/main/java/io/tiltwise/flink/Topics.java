package io.tiltwise.flink;

import io.tiltwise.flink.join.Shards;
import java.util.Collection;
import java.util.List;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.common.config.ConfigResource;

/** Looks at the topics before a job is started: what is wrong with them would otherwise show after days. */
final class Topics {
    /** The largest sums that are written: of a few thousand values of an attribute and dozens of buckets. */
    static final int TOTAL_BYTES = 16 << 20;

    private Topics() {}

    /** How many partitions the log has. Fails, with the remedy, where a topic is missing or is not as it must be. */
    static int look(Settings settings) throws ExecutionException, InterruptedException {
        Properties properties = new Properties();
        properties.putAll(settings.kafka);
        properties.setProperty("bootstrap.servers", settings.bootstrapServers);
        try (Admin admin = Admin.create(properties)) {
            Set<String> there = admin.listTopics().names().get();
            String events = settings.topic("events");
            String accumulators = settings.topic("accumulators");
            for (String name : List.of(events, settings.topic("rejected"), settings.topic("metrics"))) {
                require(there.contains(name), name, "is not there. `tiltwise topics create` makes it; topic.prefix says how its"
                        + " name begins");
            }
            String make = "Make it with cleanup.policy=compact and max.message.bytes=" + TOTAL_BYTES;
            require(there.contains(accumulators), accumulators, "is not there. " + make);
            Config config = config(admin, accumulators);
            require(
                    config.get("cleanup.policy").value().equals("compact"),
                    accumulators,
                    "is not compacted, so that sums would be lost which no longer change. " + make);
            int partitions = admin.describeTopics(List.of(events))
                    .allTopicNames()
                    .get()
                    .get(events)
                    .partitions()
                    .size();
            require(
                    Integer.bitCount(partitions) == 1 && partitions <= Shards.COUNT,
                    events,
                    "has " + partitions + " partitions, and units are bound to a power of two of them, up to "
                            + Shards.COUNT + ": name the topic that collectors write to");
            return partitions;
        }
    }

    private static Config config(Admin admin, String topic) throws ExecutionException, InterruptedException {
        ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
        Collection<ConfigResource> one = List.of(resource);
        return admin.describeConfigs(one).all().get().get(resource);
    }

    private static void require(boolean holds, String topic, String what) {
        if (!holds) {
            throw new IllegalStateException("topic " + topic + " " + what);
        }
    }
}
