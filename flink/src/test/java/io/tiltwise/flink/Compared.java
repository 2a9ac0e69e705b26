package io.tiltwise.flink;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tiltwise.flink.core.Core;
import io.tiltwise.flink.events.Tick;
import io.tiltwise.flink.sums.Total;
import java.util.Comparator;
import java.util.List;

/** What was published, against what the native core had counted at the same ticks. */
final class Compared {
    private Compared() {}

    static void toNative(Core core, List<Total> totals) throws Exception {
        int said = 0;
        for (River.Expected expected : River.expected()) {
            // What stands at a tick was published at it, or before: a revision of which nothing changes is not published.
            byte[] standing = totals.stream()
                    .filter(total -> total.revision() == expected.revision() && total.tick() <= expected.tick())
                    .max(Comparator.comparingLong(Total::tick))
                    .map(Total::sums)
                    .orElse(new byte[0]);
            byte[] atEnd = core.rollUp(standing, Tick.end(expected.tick()));
            assertArrayEquals(
                    expected.sums(),
                    atEnd,
                    String.format("revision %016x at tick %d", expected.revision(), expected.tick()));
            said += expected.sums().length > 500 ? 1 : 0;
        }
        assertTrue(said >= 9, "a comparison of sums that say something");
    }
}
