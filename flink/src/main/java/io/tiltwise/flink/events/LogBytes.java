package io.tiltwise.flink.events;

/**
 * A record of the topic {@code events}, as it lies there.
 *
 * @param partition where it lies
 * @param offset its place in the partition
 * @param bytes an encoded {@code LogRecord}, or whatever else somebody has written to the topic
 */
public record LogBytes(int partition, long offset, byte[] bytes) {}
