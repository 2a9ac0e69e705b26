package io.tiltwise.flink.events;

import io.tiltwise.flink.core.Core;
import io.tiltwise.flink.core.Exploded;
import io.tiltwise.flink.core.Waits;
import io.tiltwise.flink.minutes.Tally;
import io.tiltwise.flink.rejected.Rejected;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.java.tuple.Tuple2;
import org.apache.flink.runtime.execution.SuppressRestartsException;
import org.apache.flink.runtime.state.StateInitializationContext;
import org.apache.flink.runtime.state.StateSnapshotContext;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;

/**
 * Takes log records apart, by unit, and keeps the clock of every partition.
 *
 * <p>It stands behind the source in one chain, so that it sees each partition in its order. What cannot be read is rejected with
 * its place; what a newer release has written stops the job, since passing over it would make the sums quietly wrong.
 */
public final class Explode extends AbstractStreamOperator<UnitEvents>
        implements OneInputStreamOperator<LogBytes, UnitEvents> {
    private static final long serialVersionUID = 1;

    private final Waits waits;
    private transient Core core;
    private transient ListState<Tuple2<Integer, Long>> kept;
    /** Every partition's clock that is known, those of other subtasks too: theirs are older, and never overtake. */
    private transient Map<Integer, Long> clocks;
    /** The partitions that this subtask reads. */
    private transient Set<Integer> mine;

    public Explode(Waits waits) {
        this.waits = waits;
    }

    @Override
    public void initializeState(StateInitializationContext context) throws Exception {
        super.initializeState(context);
        // Each subtask gets the clocks of all: which partitions it will read is the source's business.
        kept = context.getOperatorStateStore()
                .getUnionListState(new ListStateDescriptor<>("clocks", Types.TUPLE(Types.INT, Types.LONG)));
        clocks = new HashMap<>();
        mine = new HashSet<>();
        for (Tuple2<Integer, Long> clock : kept.get()) {
            clocks.merge(clock.f0, clock.f1, Math::max);
        }
    }

    @Override
    public void open() throws Exception {
        super.open();
        core = new Core(waits);
    }

    @Override
    public void processElement(StreamRecord<LogBytes> element) {
        LogBytes record = element.getValue();
        Exploded exploded;
        try {
            exploded = core.explode(record.bytes(), clocks.getOrDefault(record.partition(), 0L));
        } catch (Core.UnreadableRecord unreadable) {
            output.collect(Rejected.TAG, new StreamRecord<>(Rejected.of(record, unreadable.getMessage())));
            // Before the first record that can be read there is no minute that it would belong to.
            if (clocks.containsKey(record.partition())) {
                Tally one = Tally.unreadable(clocks.get(record.partition()));
                output.collect(Tally.TAG, new StreamRecord<>(one));
            }
            return;
        } catch (Core.UpgradeFirst newer) {
            throw new SuppressRestartsException(new IllegalStateException(
                    "record " + record.offset() + " of partition " + record.partition() + ": " + newer.getMessage(), newer));
        }
        clocks.put(record.partition(), exploded.clockMs());
        mine.add(record.partition());
        for (byte[] events : exploded.units()) {
            output.collect(new StreamRecord<>(UnitEvents.read(events, exploded.clockMs()), exploded.clockMs()));
        }
    }

    /** A watermark of the source says that each of its partitions has been read from; where they stand is known here. */
    @Override
    public void processWatermark(Watermark mark) throws Exception {
        long reached = mark.getTimestamp();
        if (reached != Watermark.MAX_WATERMARK.getTimestamp()) {
            for (int partition : mine) {
                reached = Math.min(reached, Tick.watermark(clocks.get(partition)));
            }
        }
        super.processWatermark(new Watermark(reached));
    }

    @Override
    public void snapshotState(StateSnapshotContext context) throws Exception {
        super.snapshotState(context);
        kept.clear();
        for (Map.Entry<Integer, Long> clock : clocks.entrySet()) {
            kept.add(Tuple2.of(clock.getKey(), clock.getValue()));
        }
    }
}
