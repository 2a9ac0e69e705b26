package io.tiltwise.flink.minutes;

import io.tiltwise.flink.core.Core;
import io.tiltwise.flink.core.Names;
import io.tiltwise.flink.core.Waits;
import io.tiltwise.flink.revisions.Revisions;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.MapState;
import org.apache.flink.api.common.state.MapStateDescriptor;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.PrimitiveArrayTypeInfo;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;

/**
 * Adds up what a minute has brought to a revision, and says it when every partition has passed the minute.
 *
 * <p>What is said is a function of the log and of the minute: nothing can come to a minute that is over, and a restored job
 * says the same again. So the state holds the minutes that are not over, which are as many as the log is read ahead, and what
 * the sample ratio is read from.
 */
public final class Minutes extends KeyedProcessFunction<Long, Tally, Said> {
    private static final long serialVersionUID = 1;
    private static final byte[] NOTHING = {};

    private final Waits waits;
    private final Revisions revisions;
    private final Names names;
    private transient Core core;
    /** By minute. */
    private transient MapState<Long, byte[]> waiting;
    /** Who was ever shown what, up to the last minute that is over. */
    private transient ValueState<byte[]> shown;

    public Minutes(Waits waits, Revisions revisions, Names names) {
        this.waits = waits;
        this.revisions = revisions;
        this.names = names;
    }

    @Override
    public void open(OpenContext context) throws Exception {
        core = new Core(waits, names);
        core.addRevisions(revisions.read());
        waiting = getRuntimeContext()
                .getMapState(new MapStateDescriptor<>(
                        "minutes", Types.LONG, PrimitiveArrayTypeInfo.BYTE_PRIMITIVE_ARRAY_TYPE_INFO));
        shown = getRuntimeContext()
                .getState(new ValueStateDescriptor<>("shown", PrimitiveArrayTypeInfo.BYTE_PRIMITIVE_ARRAY_TYPE_INFO));
    }

    @Override
    public void processElement(Tally tally, Context context, Collector<Said> out) throws Exception {
        byte[] before = waiting.get(tally.minute());
        waiting.put(tally.minute(), before == null ? tally.bytes() : add(before, tally.bytes()));
        context.timerService().registerEventTimeTimer(tally.end());
    }

    @Override
    public void onTimer(long timestamp, OnTimerContext context, Collector<Said> out) throws Exception {
        long minute = timestamp / Tally.MINUTE_MS;
        byte[] tally = waiting.get(minute);
        if (tally == null) {
            return;
        }
        waiting.remove(minute);
        byte[] before = shown.value() == null ? NOTHING : shown.value();
        byte[] answer = core.minute(tally, before);
        if (answer == null) {
            core.addRevisions(revisions.read());
            answer = core.minute(tally, before);
        }
        MinuteAnswer said = MinuteAnswer.read(known(answer));
        if (said.shown().length > 0) {
            shown.update(said.shown());
        }
        said.lines().forEach(out::collect);
    }

    private byte[] add(byte[] one, byte[] other) throws Exception {
        byte[] sum = core.addTallies(one, other);
        if (sum == null) {
            core.addRevisions(revisions.read());
            sum = core.addTallies(one, other);
        }
        return known(sum);
    }

    private static byte[] known(byte[] answer) {
        if (answer == null) {
            throw new IllegalStateException("the definition of what was counted can no longer be read; a revision that was ever"
                    + " published must be kept");
        }
        return answer;
    }
}
