package io.tiltwise.flink.core;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * The little of Protocol Buffers that a job must read and write by itself to speak with the core: numbers, and bytes that it
 * hands on. A library for it would meet another version of itself on somebody's cluster.
 *
 * <p>What it reads has been written by the core, or is checked by the core next; so what is broken here is an exception.
 */
public final class Wire {
    /** The wire version that this job reads and writes. */
    public static final int VERSION = 1;

    private Wire() {}

    /** Writes the fields of one message. Zero and empty are left out, as proto3 has it. */
    public static final class Writer {
        private final ByteArrayOutputStream out = new ByteArrayOutputStream();

        public Writer number(int field, long value) {
            if (value != 0) {
                varint((long) field << 3);
                varint(value);
            }
            return this;
        }

        public Writer fixed64(int field, long value) {
            if (value != 0) {
                varint((long) field << 3 | 1);
                for (int shift = 0; shift < 64; shift += 8) {
                    out.write((int) (value >>> shift));
                }
            }
            return this;
        }

        public Writer bytes(int field, byte[] value) {
            if (value.length > 0) {
                varint((long) field << 3 | 2);
                varint(value.length);
                out.write(value, 0, value.length);
            }
            return this;
        }

        public Writer text(int field, String value) {
            return bytes(field, value.getBytes(StandardCharsets.UTF_8));
        }

        public byte[] done() {
            return out.toByteArray();
        }

        private void varint(long value) {
            long rest = value;
            while ((rest & ~0x7fL) != 0) {
                out.write((int) (rest & 0x7f | 0x80));
                rest >>>= 7;
            }
            out.write((int) rest);
        }
    }

    /** Walks over the fields of one message. */
    public static final class Reader {
        private final byte[] bytes;
        private int at;
        private long number;
        private int from;
        private int to;

        public Reader(byte[] bytes) {
            this.bytes = bytes;
        }

        /** Goes to the next field and returns its number; 0 at the end. */
        public int next() {
            if (at >= bytes.length) {
                return 0;
            }
            long tag = varint();
            switch ((int) (tag & 7)) {
                case 0 -> number = varint();
                case 1 -> number = fixed(8);
                case 2 -> {
                    long length = varint();
                    if (length < 0 || length > bytes.length - at) {
                        throw broken();
                    }
                    from = at;
                    at += (int) length;
                    to = at;
                }
                case 5 -> number = fixed(4);
                default -> throw broken();
            }
            return (int) (tag >>> 3);
        }

        /** The field's number. */
        public long number() {
            return number;
        }

        /** The field's bytes. */
        public byte[] bytes() {
            return Arrays.copyOfRange(bytes, from, to);
        }

        private long varint() {
            long value = 0;
            for (int shift = 0; shift < 70; shift += 7) {
                if (at >= bytes.length) {
                    throw broken();
                }
                byte b = bytes[at++];
                value |= (long) (b & 0x7f) << shift;
                if (b >= 0) {
                    return value;
                }
            }
            throw broken();
        }

        private long fixed(int length) {
            if (length > bytes.length - at) {
                throw broken();
            }
            long value = 0;
            for (int i = 0; i < length; i++) {
                value |= (bytes[at++] & 0xffL) << 8 * i;
            }
            return value;
        }

        private static IllegalArgumentException broken() {
            return new IllegalArgumentException("the message ends inside a field, or is none");
        }
    }
}
