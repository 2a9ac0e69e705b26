package io.tiltwise.flink.rejected;

import io.tiltwise.flink.events.LogBytes;
import org.apache.flink.util.OutputTag;

/**
 * A record that the topic of events should not have.
 *
 * @param partition where it lies
 * @param offset its place there
 * @param reason why it is not folded
 * @param bytes what it holds
 */
public record Rejected(int partition, long offset, String reason, byte[] bytes) {
    public static final OutputTag<Rejected> TAG = new OutputTag<>("rejected") {
        private static final long serialVersionUID = 1;
    };

    public static Rejected of(LogBytes record, String reason) {
        return new Rejected(record.partition(), record.offset(), reason, record.bytes());
    }
}
