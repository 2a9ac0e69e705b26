package io.tiltwise.flink.join;

import io.tiltwise.flink.core.Core;
import io.tiltwise.flink.core.Folded;
import io.tiltwise.flink.core.Names;
import io.tiltwise.flink.core.Waits;
import io.tiltwise.flink.events.Tick;
import io.tiltwise.flink.events.UnitEvents;
import io.tiltwise.flink.minutes.Tally;
import io.tiltwise.flink.revisions.Revisions;
import org.apache.flink.api.common.state.MapState;
import org.apache.flink.api.common.state.MapStateDescriptor;
import org.apache.flink.api.common.typeinfo.PrimitiveArrayTypeInfo;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.metrics.Counter;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.InternalTimer;
import org.apache.flink.streaming.api.operators.InternalTimerService;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.api.operators.Triggerable;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;

/**
 * Joins the events of units and folds what they change: keyed by shard, a unit's state as bytes.
 *
 * <p>What a subtask's events change is added up in its instance of the core, by tick and revision, and handed on when the
 * watermark says that a tick is over: so one hot experiment is many small sums and not one busy key. Before a checkpoint
 * everything is handed on, so that an instance holds nothing that a checkpoint would miss.
 *
 * <p>State is forgotten by the log's clock alone: with a unit's next events, or when the watermark has passed the time after
 * which nothing more can change it.
 */
public final class Join extends AbstractStreamOperator<Difference>
        implements OneInputStreamOperator<UnitEvents, Difference>, Triggerable<Integer, Unit> {
    private static final long serialVersionUID = 1;
    private static final byte[] NOTHING = {};

    private final Waits waits;
    private final Revisions revisions;
    private final Names names;
    private transient Core core;
    private transient MapState<Unit, byte[]> units;
    private transient InternalTimerService<Unit> rests;
    private transient Counter[] joined;

    public Join(Waits waits, Revisions revisions, Names names) {
        this.waits = waits;
        this.revisions = revisions;
        this.names = names;
    }

    @Override
    public void open() throws Exception {
        super.open();
        core = new Core(waits, names);
        core.addRevisions(revisions.read());
        TypeInformation<Unit> unit = TypeInformation.of(Unit.class);
        units = getRuntimeContext()
                .getMapState(new MapStateDescriptor<>(
                        "units", unit, PrimitiveArrayTypeInfo.BYTE_PRIMITIVE_ARRAY_TYPE_INFO));
        rests = getInternalTimerService(
                "rests", unit.createSerializer(getExecutionConfig().getSerializerConfig()), this);
        joined = new Counter[Folded.VERDICTS.length];
        for (int verdict = 0; verdict < joined.length; verdict++) {
            joined[verdict] = getMetricGroup()
                    .addGroup("verdict", Folded.VERDICTS[verdict])
                    .counter("tiltwise_joined");
        }
    }

    @Override
    public void processElement(StreamRecord<UnitEvents> element) throws Exception {
        UnitEvents events = element.getValue();
        byte[] state = units.get(events.unit());
        state = state == null ? NOTHING : state;
        Folded folded = core.fold(state, events.bytes(), events.clockMs(), false);
        if (folded == null) {
            // A definition is kept before anybody can be shown what it defines, so by now it can be read.
            core.addRevisions(revisions.read());
            folded = core.fold(state, events.bytes(), events.clockMs(), true);
        }
        keep(events.unit(), folded);
        for (int verdict = 0; verdict < joined.length; verdict++) {
            joined[verdict].inc(folded.counts()[verdict]);
        }
    }

    @Override
    public void onEventTime(InternalTimer<Integer, Unit> timer) throws Exception {
        byte[] state = units.get(timer.getNamespace());
        if (state != null) {
            keep(timer.getNamespace(), core.fold(state, NOTHING, timer.getTimestamp(), true));
        }
    }

    @Override
    public void onProcessingTime(InternalTimer<Integer, Unit> timer) {
        throw new IllegalStateException("nothing here waits for a machine's clock");
    }

    @Override
    public void processWatermark(Watermark mark) throws Exception {
        long time = mark.getTimestamp();
        handOn(time == Watermark.MAX_WATERMARK.getTimestamp() ? Long.MAX_VALUE : Tick.over(time));
        super.processWatermark(mark);
    }

    @Override
    public void prepareSnapshotPreBarrier(long checkpointId) throws Exception {
        super.prepareSnapshotPreBarrier(checkpointId);
        handOn(Long.MAX_VALUE);
    }

    private void handOn(long throughTick) {
        for (Difference difference : core.take(throughTick)) {
            output.collect(new StreamRecord<>(difference, Tick.end(difference.tick())));
        }
        for (byte[] tally : core.takeTallies(throughTick)) {
            output.collect(Tally.TAG, new StreamRecord<>(Tally.read(tally)));
        }
    }

    private void keep(Unit unit, Folded folded) throws Exception {
        if (folded.state().length == 0) {
            units.remove(unit);
        } else {
            units.put(unit, folded.state());
        }
        if (folded.restsAfterMs() > 0) {
            // Rounded up, so that a busy unit has a few timers and not one for each event.
            long grain = Math.max(1, waits.disorderMs() / 6);
            rests.registerEventTimeTimer(unit, (folded.restsAfterMs() / grain + 1) * grain);
        }
    }
}
