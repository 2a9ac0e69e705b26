package io.tiltwise.flink.join;

import org.apache.flink.api.java.functions.KeySelector;
import org.apache.flink.runtime.state.KeyGroupRangeAssignment;

import io.tiltwise.flink.events.UnitEvents;

/**
 * A shard is a key group: Flink then moves whole shards when a job is rescaled, and spreads them evenly, which the hash of 256
 * small numbers would not. So the join's greatest parallelism is their number, for good.
 */
public final class Shards implements KeySelector<UnitEvents, Integer> {
    /** One 256th of all units each; part of the log's layout. */
    public static final int COUNT = 256;

    private static final long serialVersionUID = 1;
    private static final int[] KEYS = keys();

    @Override
    public Integer getKey(UnitEvents events) {
        return KEYS[events.shard()];
    }

    /** For each shard the least number that Flink's hash puts into the key group of the same number. */
    private static int[] keys() {
        int[] keys = new int[COUNT];
        boolean[] found = new boolean[COUNT];
        int missing = COUNT;
        for (int key = 0; missing > 0; key++) {
            int group = KeyGroupRangeAssignment.assignToKeyGroup(key, COUNT);
            if (!found[group]) {
                found[group] = true;
                keys[group] = key;
                missing--;
            }
        }
        return keys;
    }
}
