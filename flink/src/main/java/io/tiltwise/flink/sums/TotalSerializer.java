package io.tiltwise.flink.sums;

import java.nio.charset.StandardCharsets;
import org.apache.flink.connector.kafka.sink.KafkaRecordSerializationSchema;
import org.apache.kafka.clients.producer.ProducerRecord;

/** Writes totals to the compacted topic, under the revision that they are of. */
public final class TotalSerializer implements KafkaRecordSerializationSchema<Total> {
    private static final long serialVersionUID = 1;

    private final String topic;

    public TotalSerializer(String topic) {
        this.topic = topic;
    }

    @Override
    public ProducerRecord<byte[], byte[]> serialize(Total total, KafkaSinkContext context, Long timestamp) {
        byte[] key = String.format("%016x", total.revision()).getBytes(StandardCharsets.US_ASCII);
        return new ProducerRecord<>(topic, key, total.encode());
    }
}
