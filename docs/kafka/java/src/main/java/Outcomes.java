import java.time.Duration;
import java.util.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import tiltwise.v1.Tiltwise.*;

public class Outcomes {
    public static void main(String[] args) throws Exception {
        Map<String, Object> config = Map.of("bootstrap.servers", args[0], "group.id", "outcomes", "auto.offset.reset", "earliest");
        ByteArrayDeserializer bytes = new ByteArrayDeserializer();
        try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(config, bytes, bytes)) {
            consumer.subscribe(List.of(args[1]));
            while (true)
                for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofSeconds(1)))
                    for (LoggedEvent event : LogRecord.parseFrom(record.value()).getEventsList()) // none in a record that only tells the time
                        if (event.hasOutcome())
                            System.out.println(record.partition() + " " + HexFormat.of().formatHex(event.getId().toByteArray()) + " "
                                + event.getOutcome().getName() + " " + event.getOutcome().getValueMicros() / 1e6);
        }
    }
}
