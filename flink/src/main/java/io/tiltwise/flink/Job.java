package io.tiltwise.flink;

import io.tiltwise.flink.events.Explode;
import io.tiltwise.flink.events.LogBytes;
import io.tiltwise.flink.join.Difference;
import io.tiltwise.flink.join.Join;
import io.tiltwise.flink.join.Shards;
import io.tiltwise.flink.minutes.Minutes;
import io.tiltwise.flink.minutes.Said;
import io.tiltwise.flink.minutes.Tally;
import io.tiltwise.flink.rejected.Rejected;
import io.tiltwise.flink.revisions.Revisions;
import io.tiltwise.flink.events.UnitEvents;
import io.tiltwise.flink.sums.Merge;
import io.tiltwise.flink.sums.Total;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;

/** How the operators hang together. Where records come from and go to is said by whoever builds it. */
public final class Job {
    private Job() {}

    /**
     * @param events the log; its watermark is the clock of its partitions, and each partition stays in its order
     * @param totals takes the sums of every revision, under the tick up to which they count
     * @param minutes takes what people and warehouses read of every minute
     * @param rejected takes what is no record of the log
     */
    public static void build(
            DataStream<LogBytes> events,
            Sink<Total> totals,
            Sink<Said> minutes,
            Sink<Rejected> rejected,
            Settings settings,
            Revisions revisions) {
        SingleOutputStreamOperator<UnitEvents> exploded = events.transform(
                        "explode", TypeInformation.of(UnitEvents.class), new Explode(settings.waits))
                .uid("explode")
                // As the source, so that nothing lies between the two and a partition stays in its order.
                .setParallelism(events.getParallelism());
        exploded.getSideOutput(Rejected.TAG)
                .sinkTo(rejected)
                .name("rejected")
                .uid("rejected");
        SingleOutputStreamOperator<Difference> joined = exploded.keyBy(new Shards(), Types.INT)
                .transform(
                        "join and fold",
                        TypeInformation.of(Difference.class),
                        new Join(settings.waits, revisions, settings.names))
                .uid("join")
                .setMaxParallelism(Shards.COUNT);
        joined.getSideOutput(Tally.TAG)
                .union(exploded.getSideOutput(Tally.TAG))
                .keyBy(Tally::revision, Types.LONG)
                .process(new Minutes(settings.waits, revisions, settings.names), TypeInformation.of(Said.class))
                .name("minutes")
                .uid("minutes")
                .sinkTo(minutes)
                .name("metrics")
                .uid("metrics");
        joined.keyBy(Difference::revision, Types.LONG)
                .process(
                        new Merge(settings.waits, revisions, settings.publishEveryTicks),
                        TypeInformation.of(Total.class))
                .name("merge")
                .uid("merge")
                .sinkTo(totals)
                .name("accumulators")
                .uid("accumulators");
    }
}
