package io.tiltwise.flink;

import io.tiltwise.flink.events.LogBytes;
import io.tiltwise.flink.events.LogBytesDeserializer;
import io.tiltwise.flink.events.PartitionClock;
import io.tiltwise.flink.minutes.SaidSerializer;
import io.tiltwise.flink.rejected.RejectedSerializer;
import io.tiltwise.flink.revisions.RevisionFolder;
import io.tiltwise.flink.revisions.Revisions;
import io.tiltwise.flink.sums.TotalSerializer;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.Properties;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.flink.connector.kafka.sink.KafkaRecordSerializationSchema;
import org.apache.flink.connector.kafka.sink.KafkaSink;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.core.fs.Path;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/** {@code tiltwise-flink.jar [SETTINGS] [--key value …]}: reads the settings, looks at the topics, and starts the job on Kafka. */
public final class Main {
    /** Where a cluster says nothing of checkpoints: without any, a restart would count everything again. */
    private static final long CHECKPOINT_EVERY_MS = 10_000;

    private Main() {}

    public static void main(String[] arguments) throws Exception {
        boolean hasFile = arguments.length % 2 == 1;
        String file = hasFile ? read(arguments[0]) : "";
        Settings settings = Settings.of(file, Arrays.copyOfRange(arguments, hasFile ? 1 : 0, arguments.length));
        Revisions revisions = new RevisionFolder(settings.revisions);
        revisions.read();
        int partitions = Topics.look(settings);

        StreamExecutionEnvironment env = StreamExecutionEnvironment.getExecutionEnvironment();
        if (!env.getCheckpointConfig().isCheckpointingEnabled()) {
            env.enableCheckpointing(CHECKPOINT_EVERY_MS);
        }
        Job.build(
                events(env, settings, partitions),
                sink(settings, new TotalSerializer(settings.topic("accumulators"))),
                sink(settings, new SaidSerializer(settings.topic("metrics"))),
                sink(settings, new RejectedSerializer(settings.topic("rejected"))),
                settings,
                revisions);
        env.execute("tiltwise: join and fold");
    }

    private static DataStream<LogBytes> events(StreamExecutionEnvironment env, Settings settings, int partitions) {
        KafkaSource<LogBytes> source = KafkaSource.<LogBytes>builder()
                .setBootstrapServers(settings.bootstrapServers)
                .setTopics(settings.topic("events"))
                .setGroupId(settings.groupId)
                // Where there is no checkpoint: what Kafka remembers of a group is not what was counted.
                .setStartingOffsets(OffsetsInitializer.earliest())
                .setDeserializer(new LogBytesDeserializer())
                .setProperties(settings.kafka)
                // Their number is fixed for good; and a reader that gets none of them can say at once that it waits for none.
                .setProperty("partition.discovery.interval.ms", "-1")
                .setProperty("isolation.level", "read_committed")
                .build();
        WatermarkStrategy<LogBytes> clock = WatermarkStrategy.<LogBytes>forGenerator(context -> new PartitionClock(1))
                // A partition that is read far ahead fills the state with sums whose tick is not over.
                .withWatermarkAlignment("events", Duration.ofMillis(settings.readAheadMs));
        return env.fromSource(source, clock, "events", TypeInformation.of(LogBytes.class))
                .setParallelism(Math.min(partitions, env.getParallelism()))
                .uid("events");
    }

    /**
     * Totals are whole and numbered, so one that is written twice does no harm, and all are seen at once and not when a
     * checkpoint is done.
     */
    private static <T> KafkaSink<T> sink(Settings settings, KafkaRecordSerializationSchema<T> serializer) {
        Properties producer = new Properties();
        producer.setProperty("max.request.size", Integer.toString(Topics.TOTAL_BYTES));
        producer.setProperty("compression.type", "zstd");
        producer.putAll(settings.kafka);
        return KafkaSink.<T>builder()
                .setBootstrapServers(settings.bootstrapServers)
                .setKafkaProducerConfig(producer)
                .setRecordSerializer(serializer)
                .setDeliveryGuarantee(DeliveryGuarantee.AT_LEAST_ONCE)
                .build();
    }

    private static String read(String file) throws IOException {
        Path path = new Path(file);
        try (InputStream in = path.getFileSystem().open(path)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
    }
}
