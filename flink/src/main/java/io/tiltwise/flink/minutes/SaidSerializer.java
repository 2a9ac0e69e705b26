package io.tiltwise.flink.minutes;

import java.nio.charset.StandardCharsets;
import org.apache.flink.connector.kafka.sink.KafkaRecordSerializationSchema;
import org.apache.kafka.clients.producer.ProducerRecord;

/** Writes to the topic {@code metrics}; a minute's records have its beginning as their time. */
public final class SaidSerializer implements KafkaRecordSerializationSchema<Said> {
    private static final long serialVersionUID = 1;

    private final String topic;

    public SaidSerializer(String topic) {
        this.topic = topic;
    }

    @Override
    public ProducerRecord<byte[], byte[]> serialize(Said said, KafkaSinkContext context, Long timestamp) {
        return new ProducerRecord<>(
                topic,
                null,
                said.atMs(),
                said.key().getBytes(StandardCharsets.UTF_8),
                said.value().getBytes(StandardCharsets.UTF_8));
    }
}
