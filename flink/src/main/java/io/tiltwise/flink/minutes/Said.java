package io.tiltwise.flink.minutes;

/**
 * A record of the topic {@code metrics}.
 *
 * @param atMs the minute's first millisecond
 * @param key JSON: what the record is of
 * @param value JSON: the key's fields, and what was counted
 */
public record Said(long atMs, String key, String value) {}
