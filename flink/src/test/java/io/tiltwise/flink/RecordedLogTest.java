package io.tiltwise.flink;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tiltwise.flink.core.Core;
import io.tiltwise.flink.events.LogBytes;
import io.tiltwise.flink.events.PartitionClock;
import io.tiltwise.flink.minutes.Said;
import io.tiltwise.flink.rejected.Rejected;
import io.tiltwise.flink.sums.Total;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.api.connector.sink2.SinkWriter;
import org.apache.flink.api.connector.sink2.WriterInitContext;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.runtime.testutils.MiniClusterResourceConfiguration;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.test.junit5.MiniClusterExtension;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** The whole job in a cluster of its own, with its state in RocksDB, on the log that the native core has counted. */
class RecordedLogTest {
    @RegisterExtension
    private static final MiniClusterExtension CLUSTER =
            new MiniClusterExtension(new MiniClusterResourceConfiguration.Builder()
                    .setNumberTaskManagers(2)
                    .setNumberSlotsPerTaskManager(2)
                    .build());

    @Test
    void the_job_publishes_what_the_native_core_counts_to_the_byte(@TempDir Path folder) throws Exception {
        Configuration cluster = new Configuration();
        cluster.setString("state.backend.type", "rocksdb");
        cluster.setString("execution.checkpointing.interval", "200ms");
        cluster.setString("execution.checkpointing.dir", folder.toUri().toString());
        // What would be serialized by guessing is an error.
        cluster.setString("pipeline.generic-types", "false");
        StreamExecutionEnvironment env = StreamExecutionEnvironment.getExecutionEnvironment(cluster);
        env.setParallelism(3);

        Settings settings = Settings.of(
                "bootstrap.servers = none\nrevisions = none\n",
                "--lateness", "2s", "--disorder", "6s", "--dedupe", "15s", "--retention", "30s");
        assertTrue(settings.waits.equals(River.WAITS));
        Collected<Total> totals = new Collected<>("totals");
        Collected<Rejected> rejected = new Collected<>("rejected");
        var events = env.fromData(River.log(), TypeInformation.of(LogBytes.class))
                .assignTimestampsAndWatermarks(
                        WatermarkStrategy.forGenerator(context -> new PartitionClock(River.PARTITIONS)))
                .setParallelism(1);
        Job.build(events, totals, new Collected<Said>("minutes"), rejected, settings, River.revisions());
        env.execute();

        assertTrue(rejected.all().isEmpty());
        Core core = new Core(River.WAITS);
        core.addRevisions(River.revisions().read());
        Compared.toNative(core, new ArrayList<>(totals.all()));
    }

    /** A sink whose contents a test can look at, by name, since what runs in a cluster is a copy. */
    private record Collected<T>(String name) implements Sink<T> {
        private static final java.util.Map<String, Queue<Object>> ALL = new java.util.concurrent.ConcurrentHashMap<>();

        @SuppressWarnings("unchecked")
        List<T> all() {
            return (List<T>) new ArrayList<>(ALL.getOrDefault(name, new ConcurrentLinkedQueue<>()));
        }

        @Override
        public SinkWriter<T> createWriter(WriterInitContext context) {
            Queue<Object> into = ALL.computeIfAbsent(name, key -> new ConcurrentLinkedQueue<>());
            return new SinkWriter<>() {
                @Override
                public void write(T element, Context context) {
                    into.add(element);
                }

                @Override
                public void flush(boolean endOfInput) {}

                @Override
                public void close() {}
            };
        }
    }
}
