package io.tiltwise.flink;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tiltwise.flink.core.Core;
import io.tiltwise.flink.core.Wire;
import io.tiltwise.flink.events.LogBytes;
import io.tiltwise.flink.sums.Total;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;
import org.apache.flink.api.common.JobID;
import org.apache.flink.core.execution.CheckpointType;
import org.apache.flink.runtime.minicluster.MiniCluster;
import org.apache.flink.runtime.testutils.MiniClusterResourceConfiguration;
import org.apache.flink.test.junit5.InjectMiniCluster;
import org.apache.flink.test.junit5.MiniClusterExtension;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** The job as it is submitted, on a real broker, through the loss of one of its machines. */
class KafkaTest {
    private static final String PREFIX = "river.";
    private static final Duration PATIENCE = Duration.ofMinutes(3);

    @RegisterExtension
    private static final MiniClusterExtension CLUSTER =
            new MiniClusterExtension(new MiniClusterResourceConfiguration.Builder()
                    .setNumberTaskManagers(2)
                    .setNumberSlotsPerTaskManager(2)
                    .build());

    private final String broker = Optional.ofNullable(System.getProperty("kafka"))
            .orElseThrow(() -> new IllegalStateException(
                    "run `cargo xtask test --only flink`, which starts a broker and says where"));

    @Test
    void a_task_manager_that_is_lost_shows_in_no_byte_of_what_is_published(@InjectMiniCluster MiniCluster cluster)
            throws Exception {
        List<LogBytes> log = River.log();
        makeTopics();
        put(log.subList(0, log.size() / 2));
        CompletableFuture<Void> job = CompletableFuture.runAsync(this::submit);
        try (KafkaConsumer<byte[], byte[]> reader = reader()) {
            List<Total> totals = new ArrayList<>();
            // Half of the log has been counted, and a checkpoint lies within it.
            long half = River.expected().get(0).tick();
            readPast(half, reader, totals, job);
            JobID id = cluster.listJobs().get().iterator().next().getJobId();
            cluster.triggerCheckpoint(id, CheckpointType.FULL).get();

            cluster.terminateTaskManager(0).get();
            cluster.startTaskManager();
            put(log.subList(log.size() / 2, log.size()));
            long last = River.expected().stream().mapToLong(River.Expected::tick).max().orElseThrow();
            readPast(last, reader, totals, job);
            cluster.cancelJob(id).get();

            assertOnePerTick(totals);
            Core core = new Core(River.WAITS);
            core.addRevisions(River.revisions().read());
            Compared.toNative(core, totals);
        }
    }

    @Test
    void a_topic_that_would_lose_sums_is_refused_before_anything_starts() throws Exception {
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", broker))) {
            List<NewTopic> topics = List.of(
                    new NewTopic("lossy.events", 4, (short) 1),
                    new NewTopic("lossy.rejected", 1, (short) 1),
                    new NewTopic("lossy.metrics", 1, (short) 1),
                    new NewTopic("lossy.accumulators", 1, (short) 1));
            admin.createTopics(topics).all().get();
        }
        Settings settings = Settings.of("bootstrap.servers = " + broker + "\nrevisions = none\ntopic.prefix = lossy.");
        String said = assertThrows(IllegalStateException.class, () -> Topics.look(settings)).getMessage();
        assertTrue(said.contains("lossy.accumulators") && said.contains("cleanup.policy=compact"), said);
    }

    private void submit() {
        try {
            Main.main(new String[] {
                "--bootstrap.servers", broker,
                "--topic.prefix", PREFIX,
                "--revisions", River.folderOfRevisions(),
                "--lateness", "2s",
                "--disorder", "6s",
                "--dedupe", "15s",
                "--retention", "30s",
            });
        } catch (Exception ended) {
            throw new IllegalStateException("the job has ended", ended);
        }
    }

    /** Reads what is published until every revision has a later tick than this. */
    private static void readPast(
            long tick, KafkaConsumer<byte[], byte[]> reader, List<Total> totals, CompletableFuture<Void> job)
            throws Exception {
        int revisions = River.revisions().read().size();
        Instant until = Instant.now().plus(PATIENCE);
        while (totals.stream().filter(total -> total.tick() > tick).map(Total::revision).distinct().count() < revisions) {
            assertTrue(
                    Instant.now().isBefore(until),
                    () -> "tick " + tick + " is not published; what is: "
                            + totals.stream().collect(Collectors.toMap(Total::revision, Total::tick, Math::max)));
            if (job.isDone()) {
                job.get();
            }
            reader.poll(Duration.ofMillis(200)).forEach(record -> totals.add(read(record.value())));
        }
    }

    /** Whoever publishes a tick again publishes the same. */
    private static void assertOnePerTick(List<Total> totals) {
        Map<String, byte[]> seen = new HashMap<>();
        for (Total total : totals) {
            byte[] before = seen.putIfAbsent(total.revision() + " " + total.tick(), total.sums());
            assertArrayEquals(before == null ? total.sums() : before, total.sums());
        }
    }

    private static Total read(byte[] bytes) {
        long tick = 0;
        long revision = 0;
        byte[] sums = {};
        Wire.Reader reader = new Wire.Reader(bytes);
        for (int field = reader.next(); field != 0; field = reader.next()) {
            switch (field) {
                case 1 -> assertEquals(Wire.VERSION, reader.number());
                case 2 -> tick = reader.number();
                case 3 -> revision = reader.number();
                default -> sums = reader.bytes();
            }
        }
        return new Total(tick, revision, sums);
    }

    private void makeTopics() throws Exception {
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", broker))) {
            admin.createTopics(List.of(
                            new NewTopic(PREFIX + "events", River.PARTITIONS, (short) 1),
                            new NewTopic(PREFIX + "accumulators", 1, (short) 1).configs(Map.of("cleanup.policy", "compact")),
                            new NewTopic(PREFIX + "metrics", 1, (short) 1),
                            new NewTopic(PREFIX + "rejected", 1, (short) 1)))
                    .all()
                    .get();
        }
    }

    private void put(List<LogBytes> records) {
        try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(
                Map.of("bootstrap.servers", broker), new ByteArraySerializer(), new ByteArraySerializer())) {
            for (LogBytes record : records) {
                producer.send(new ProducerRecord<>(PREFIX + "events", record.partition(), null, record.bytes()));
            }
        }
    }

    private KafkaConsumer<byte[], byte[]> reader() {
        KafkaConsumer<byte[], byte[]> reader = new KafkaConsumer<>(
                Map.of("bootstrap.servers", broker, "group.id", "river-reader", "auto.offset.reset", "earliest"),
                new ByteArrayDeserializer(),
                new ByteArrayDeserializer());
        reader.subscribe(List.of(PREFIX + "accumulators"));
        return reader;
    }
}
