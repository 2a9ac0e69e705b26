package io.tiltwise.flink.join;

import java.nio.ByteBuffer;

/** A pseudonym, 128 bits, as two numbers: an array of bytes equals itself alone and cannot be a key. */
public record Unit(long high, long low) {
    public static Unit of(byte[] pseudonym) {
        ByteBuffer bytes = ByteBuffer.wrap(pseudonym);
        return new Unit(bytes.getLong(), bytes.getLong());
    }
}
