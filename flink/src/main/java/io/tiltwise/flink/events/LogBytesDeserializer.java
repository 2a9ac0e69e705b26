package io.tiltwise.flink.events;

import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.connector.kafka.source.reader.deserializer.KafkaRecordDeserializationSchema;
import org.apache.flink.util.Collector;
import org.apache.kafka.clients.consumer.ConsumerRecord;

/** Takes records from Kafka as they are: what they hold, the core says. */
public final class LogBytesDeserializer implements KafkaRecordDeserializationSchema<LogBytes> {
    private static final long serialVersionUID = 1;

    @Override
    public void deserialize(ConsumerRecord<byte[], byte[]> record, Collector<LogBytes> out) {
        byte[] bytes = record.value() == null ? new byte[0] : record.value();
        out.collect(new LogBytes(record.partition(), record.offset(), bytes));
    }

    @Override
    public TypeInformation<LogBytes> getProducedType() {
        return TypeInformation.of(LogBytes.class);
    }
}
