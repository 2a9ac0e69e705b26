package io.tiltwise.flink.rejected;

import java.nio.charset.StandardCharsets;
import org.apache.flink.connector.kafka.sink.KafkaRecordSerializationSchema;
import org.apache.kafka.clients.producer.ProducerRecord;

/** Writes to the topic {@code rejected} as collectors do: the bytes as they were, and the reason in the headers. */
public final class RejectedSerializer implements KafkaRecordSerializationSchema<Rejected> {
    private static final long serialVersionUID = 1;

    private final String topic;

    public RejectedSerializer(String topic) {
        this.topic = topic;
    }

    @Override
    public ProducerRecord<byte[], byte[]> serialize(Rejected rejected, KafkaSinkContext context, Long timestamp) {
        ProducerRecord<byte[], byte[]> record = new ProducerRecord<>(topic, null, rejected.bytes());
        header(record, "tiltwise-reason", rejected.reason());
        header(record, "tiltwise-partition", Integer.toString(rejected.partition()));
        header(record, "tiltwise-offset", Long.toString(rejected.offset()));
        return record;
    }

    private static void header(ProducerRecord<byte[], byte[]> record, String name, String value) {
        record.headers().add(name, value.getBytes(StandardCharsets.UTF_8));
    }
}
