# Reads outcomes from the topic of events. Needs: pip install kafka-python zstandard protobuf grpcio-tools
# and, once: python -m grpc_tools.protoc --proto_path=proto --python_out=. tiltwise.proto
import sys
from kafka import KafkaConsumer
from tiltwise_pb2 import LogRecord

servers, topic = sys.argv[1:]
for message in KafkaConsumer(topic, bootstrap_servers=servers, auto_offset_reset="earliest", consumer_timeout_ms=5000):
    for event in LogRecord.FromString(message.value).events:  # none in a record that only tells the time
        if event.HasField("outcome"):
            print(message.partition, event.id.hex(), event.unit.hex(), event.outcome.name, event.outcome.value_micros / 1e6)
