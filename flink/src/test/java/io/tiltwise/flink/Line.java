package io.tiltwise.flink;

import io.tiltwise.flink.core.Wire;
import io.tiltwise.flink.events.Explode;
import io.tiltwise.flink.events.LogBytes;
import io.tiltwise.flink.events.UnitEvents;
import io.tiltwise.flink.join.Difference;
import io.tiltwise.flink.join.Join;
import io.tiltwise.flink.join.Shards;
import io.tiltwise.flink.core.Names;
import io.tiltwise.flink.minutes.Minutes;
import io.tiltwise.flink.minutes.Said;
import io.tiltwise.flink.minutes.Tally;
import io.tiltwise.flink.rejected.Rejected;
import io.tiltwise.flink.sums.Merge;
import io.tiltwise.flink.sums.Total;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.streaming.api.operators.KeyedProcessOperator;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.util.KeyedOneInputStreamOperatorTestHarness;
import org.apache.flink.streaming.util.OneInputStreamOperatorTestHarness;

/** The operators of the job, one behind the other, in the hands of a test. */
final class Line implements AutoCloseable {
    private final OneInputStreamOperatorTestHarness<LogBytes, UnitEvents> explode;
    private final KeyedOneInputStreamOperatorTestHarness<Integer, UnitEvents, Difference> join;
    private final KeyedOneInputStreamOperatorTestHarness<Long, Difference, Total> merge;
    private final KeyedOneInputStreamOperatorTestHarness<Long, Tally, Said> minutes;
    private final Map<Integer, Long> ends = new HashMap<>();
    final List<Total> totals = new ArrayList<>();
    final List<Said> said = new ArrayList<>();
    private long checkpoints;

    /** What a checkpoint of all of them holds. */
    record Kept(
            OperatorSubtaskState explode,
            OperatorSubtaskState join,
            OperatorSubtaskState merge,
            OperatorSubtaskState minutes) {}

    Line() throws Exception {
        this(null);
    }

    Line(Kept kept) throws Exception {
        explode = new OneInputStreamOperatorTestHarness<>(new Explode(River.WAITS));
        join = new KeyedOneInputStreamOperatorTestHarness<>(
                new Join(River.WAITS, River.revisions(), Names.NONE), new Shards(), Types.INT, Shards.COUNT, 1, 0);
        merge = new KeyedOneInputStreamOperatorTestHarness<>(
                new KeyedProcessOperator<>(new Merge(River.WAITS, River.revisions(), 5)),
                Difference::revision,
                Types.LONG);
        minutes = new KeyedOneInputStreamOperatorTestHarness<>(
                new KeyedProcessOperator<>(new Minutes(River.WAITS, River.revisions(), Names.NONE)),
                Tally::revision,
                Types.LONG);
        explode.setup();
        join.setup();
        merge.setup();
        minutes.setup();
        if (kept != null) {
            explode.initializeState(kept.explode());
            join.initializeState(kept.join());
            merge.initializeState(kept.merge());
            minutes.initializeState(kept.minutes());
        }
        explode.open();
        join.open();
        merge.open();
        minutes.open();
    }

    /** A record comes to the end of a partition. */
    Line put(int partition, byte[] record) throws Exception {
        long offset = ends.merge(partition, 1L, Long::sum) - 1;
        explode.processElement(new LogBytes(partition, offset, record), 0);
        flow();
        return this;
    }

    /** The source says how far it is. */
    Line watermark(long ms) throws Exception {
        explode.processWatermark(new Watermark(ms));
        flow();
        return this;
    }

    Kept checkpoint() throws Exception {
        long id = ++checkpoints;
        join.getOperator().prepareSnapshotPreBarrier(id);
        flow();
        return new Kept(explode.snapshot(id, id), join.snapshot(id, id), merge.snapshot(id, id), minutes.snapshot(id, id));
    }

    List<Rejected> rejected() {
        List<Rejected> all = new ArrayList<>();
        var queue = explode.getSideOutput(Rejected.TAG);
        if (queue != null) {
            queue.forEach(record -> all.add(record.getValue()));
        }
        return all;
    }

    /** How many states of units, and timers on them, there are. */
    int units() {
        return join.numKeyedStateEntries();
    }

    int timers() {
        return join.numEventTimeTimers();
    }

    /** How many minutes wait, and how many revisions are known to have been shown. */
    int minutes() {
        return minutes.numKeyedStateEntries();
    }

    /** Everything is over: what the totals say then of the first metric, as {units, rewards in micros}. */
    long[] end() throws Exception {
        watermark(Watermark.MAX_WATERMARK.getTimestamp());
        return totals.isEmpty() ? new long[2] : counted(totals.get(totals.size() - 1).sums());
    }

    /** {units, rewards in micros} by the first metric, over all buckets, cells and arms. */
    static long[] counted(byte[] sums) {
        long[] counted = new long[2];
        Wire.Reader reader = new Wire.Reader(sums);
        for (int field = reader.next(); field != 0; field = reader.next()) {
            if (field == 5) {
                // Of an ArmBucket the metric (2), n (5) and the sum of rewards (6), which are zigzag.
                long[] values = new long[7];
                Wire.Reader bucket = new Wire.Reader(reader.bytes());
                for (int at = bucket.next(); at != 0; at = bucket.next()) {
                    if (at < values.length) {
                        values[at] = bucket.number();
                    }
                }
                if (values[2] == 0) {
                    counted[0] += values[5] >>> 1 ^ -(values[5] & 1);
                    counted[1] += values[6] >>> 1 ^ -(values[6] & 1);
                }
            }
        }
        return counted;
    }

    private void flow() throws Exception {
        for (Object out = explode.getOutput().poll(); out != null; out = explode.getOutput().poll()) {
            if (out instanceof Watermark mark) {
                join.processWatermark(mark);
            } else {
                join.processElement(Line.<UnitEvents>element(out));
            }
        }
        pass(explode);
        pass(join);
        for (Object out = join.getOutput().poll(); out != null; out = join.getOutput().poll()) {
            if (out instanceof Watermark mark) {
                merge.processWatermark(mark);
                minutes.processWatermark(mark);
            } else {
                merge.processElement(Line.<Difference>element(out));
            }
        }
        for (Object out = merge.getOutput().poll(); out != null; out = merge.getOutput().poll()) {
            if (!(out instanceof Watermark)) {
                totals.add(Line.<Total>element(out).getValue());
            }
        }
        for (Object out = minutes.getOutput().poll(); out != null; out = minutes.getOutput().poll()) {
            if (!(out instanceof Watermark)) {
                said.add(Line.<Said>element(out).getValue());
            }
        }
    }

    /** What an operator has counted, which it did before its watermark. */
    private void pass(OneInputStreamOperatorTestHarness<?, ?> from) throws Exception {
        var tallies = from.getSideOutput(Tally.TAG);
        for (StreamRecord<Tally> tally = next(tallies); tally != null; tally = next(tallies)) {
            minutes.processElement(tally);
        }
    }

    private static <T> T next(java.util.Queue<T> queue) {
        return queue == null ? null : queue.poll();
    }

    @SuppressWarnings("unchecked")
    private static <T> StreamRecord<T> element(Object out) {
        return (StreamRecord<T>) out;
    }

    @Override
    public void close() throws Exception {
        explode.close();
        join.close();
        merge.close();
        minutes.close();
    }
}
