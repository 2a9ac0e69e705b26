package io.tiltwise.flink.core;

import java.io.Serializable;

/**
 * How long the join waits ({@code Params} of the core). Part of what the sums mean: whoever folds the same log must use the same.
 *
 * @param latenessMs how late an event may be received: an exposure after its decision, an outcome after the window
 * @param disorderMs how far an event's receive stamp may lie behind the clock at its position
 * @param dedupeMs how long after the standing copy of an outcome another one is its duplicate
 * @param markMs how long an erasure's mark is kept: the retention of the log, and at least the disorder
 */
public record Waits(long latenessMs, long disorderMs, long dedupeMs, long markMs) implements Serializable {
    private static final long serialVersionUID = 1;
}
