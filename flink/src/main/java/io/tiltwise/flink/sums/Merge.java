package io.tiltwise.flink.sums;

import io.tiltwise.flink.core.Core;
import io.tiltwise.flink.core.Waits;
import io.tiltwise.flink.events.Tick;
import io.tiltwise.flink.join.Difference;
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
 * Adds the differences of a revision to its sums, and publishes them when their tick is over.
 *
 * <p>What is published under tick T is a function of the log and of T alone: differences of later ticks, which a partition
 * that is read ahead has made already, wait in the state. A restored job publishes the same bytes again.
 */
public final class Merge extends KeyedProcessFunction<Long, Difference, Total> {
    private static final long serialVersionUID = 1;

    private final Waits waits;
    private final Revisions revisions;
    private final long everyTicks;
    private transient Core core;
    private transient ValueState<byte[]> total;
    /** By the tick under which they will be published. */
    private transient MapState<Long, byte[]> waiting;

    /** Publishes every so many ticks, at ticks that all jobs would choose. */
    public Merge(Waits waits, Revisions revisions, long everyTicks) {
        this.waits = waits;
        this.revisions = revisions;
        this.everyTicks = everyTicks;
    }

    @Override
    public void open(OpenContext context) throws Exception {
        core = new Core(waits);
        core.addRevisions(revisions.read());
        total = getRuntimeContext()
                .getState(new ValueStateDescriptor<>("total", PrimitiveArrayTypeInfo.BYTE_PRIMITIVE_ARRAY_TYPE_INFO));
        waiting = getRuntimeContext()
                .getMapState(new MapStateDescriptor<>(
                        "waiting", Types.LONG, PrimitiveArrayTypeInfo.BYTE_PRIMITIVE_ARRAY_TYPE_INFO));
    }

    @Override
    public void processElement(Difference difference, Context context, Collector<Total> out) throws Exception {
        long tick = (difference.tick() / everyTicks + 1) * everyTicks - 1;
        byte[] before = waiting.get(tick);
        waiting.put(tick, before == null ? difference.sums() : add(before, difference.sums()));
        context.timerService().registerEventTimeTimer(Tick.end(tick));
    }

    @Override
    public void onTimer(long timestamp, OnTimerContext context, Collector<Total> out) throws Exception {
        long tick = Tick.over(timestamp);
        byte[] difference = waiting.get(tick);
        if (difference == null) {
            return;
        }
        waiting.remove(tick);
        byte[] before = total.value();
        byte[] now = core.rollUp(
                before == null ? add(difference, new byte[0]) : add(before, difference), Tick.end(tick));
        if (now.length == 0) {
            total.clear();
        } else {
            total.update(now);
        }
        out.collect(new Total(tick, context.getCurrentKey(), now));
    }

    private byte[] add(byte[] one, byte[] other) throws Exception {
        byte[] sum = core.merge(one, other);
        if (sum == null) {
            core.addRevisions(revisions.read());
            sum = core.merge(one, other);
        }
        if (sum == null) {
            throw new IllegalStateException("the definition of these sums can no longer be read; a revision that was ever"
                    + " published must be kept");
        }
        return sum;
    }
}
