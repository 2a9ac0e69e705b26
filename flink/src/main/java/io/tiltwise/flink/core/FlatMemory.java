package io.tiltwise.flink.core;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;
import run.endive.runtime.ConstantEvaluators;
import run.endive.runtime.Instance;
import run.endive.runtime.Memory;
import run.endive.wasm.types.ActiveDataSegment;
import run.endive.wasm.types.DataSegment;
import run.endive.wasm.types.MemoryLimits;
import run.endive.wasm.types.PassiveDataSegment;

/**
 * The linear memory of an instance as one array, so that an access is one checked load. The runtime's own memories are made of
 * pages, and every access first finds its page.
 *
 * <p>The array is longer than the memory that has been grown to, or every page more would copy all that there are. What lies
 * behind is zero and nobody's, so an access there, which a correct module never makes, finds nothing of anybody.
 */
@SuppressWarnings("removal") // The runtime asks for what threads would need, and is about to stop asking.
final class FlatMemory implements Memory {
    private static final VarHandle SHORTS =
            MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle INTS = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle LONGS = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    private final MemoryLimits limits;
    private byte[] bytes;
    private int pages;
    private DataSegment[] segments = {};

    FlatMemory(MemoryLimits limits) {
        this.limits = limits;
        pages = limits.initialPages();
        bytes = new byte[Math.multiplyExact(pages, PAGE_SIZE)];
    }

    @Override
    public int pages() {
        return pages;
    }

    @Override
    public int grow(int more) {
        int before = pages;
        long wanted = (long) pages + more;
        if (more < 0 || wanted > limits.maximumPages() || wanted * PAGE_SIZE > Integer.MAX_VALUE - 8) {
            return -1;
        }
        pages = (int) wanted;
        if (pages * PAGE_SIZE > bytes.length) {
            long roomy = Math.min(wanted + wanted / 2, limits.maximumPages()) * PAGE_SIZE;
            bytes = Arrays.copyOf(bytes, (int) Math.min(roomy, Integer.MAX_VALUE - 8));
        }
        return before;
    }

    @Override
    public int initialPages() {
        return limits.initialPages();
    }

    @Override
    public int maximumPages() {
        return limits.maximumPages();
    }

    @Override
    public void initialize(Instance instance, DataSegment[] all) {
        segments = all == null ? segments : all;
        for (DataSegment segment : segments) {
            if (segment instanceof ActiveDataSegment active) {
                int at = (int) ConstantEvaluators.computeConstantValue(instance, active.offsetInstructions())[0];
                write(at, active.data());
            }
        }
    }

    @Override
    public void initPassiveSegment(int segment, int to, int from, int length) {
        write(to, segments[segment].data(), from, length);
    }

    @Override
    public void drop(int segment) {
        segments[segment] = PassiveDataSegment.EMPTY;
    }

    @Override
    public void write(int at, byte[] data, int from, int length) {
        System.arraycopy(data, from, bytes, at, length);
    }

    @Override
    public byte[] readBytes(int at, int length) {
        // The same length without the check would read on behind the end, as zeros.
        if (at < 0 || length < 0 || at > bytes.length - length) {
            throw new IndexOutOfBoundsException(at);
        }
        return Arrays.copyOfRange(bytes, at, at + length);
    }

    @Override
    public void fill(byte value, int from, int to) {
        Arrays.fill(bytes, from, to, value);
    }

    @Override
    public void copy(int to, int from, int length) {
        System.arraycopy(bytes, from, bytes, to, length);
    }

    @Override
    public void zero() {
        Arrays.fill(bytes, (byte) 0);
    }

    @Override
    public byte read(int at) {
        return bytes[at];
    }

    @Override
    public void writeByte(int at, byte value) {
        bytes[at] = value;
    }

    @Override
    public short readShort(int at) {
        return (short) SHORTS.get(bytes, at);
    }

    @Override
    public long readU16(int at) {
        return (short) SHORTS.get(bytes, at) & 0xffffL;
    }

    @Override
    public void writeShort(int at, short value) {
        SHORTS.set(bytes, at, value);
    }

    @Override
    public int readInt(int at) {
        return (int) INTS.get(bytes, at);
    }

    @Override
    public void writeI32(int at, int value) {
        INTS.set(bytes, at, value);
    }

    @Override
    public long readLong(int at) {
        return (long) LONGS.get(bytes, at);
    }

    @Override
    public void writeLong(int at, long value) {
        LONGS.set(bytes, at, value);
    }

    @Override
    public float readFloat(int at) {
        return Float.intBitsToFloat(readInt(at));
    }

    @Override
    public long readF32(int at) {
        return readInt(at);
    }

    @Override
    public void writeF32(int at, float value) {
        writeI32(at, Float.floatToRawIntBits(value));
    }

    @Override
    public double readDouble(int at) {
        return Double.longBitsToDouble(readLong(at));
    }

    @Override
    public long readF64(int at) {
        return readLong(at);
    }

    @Override
    public void writeF64(int at, double value) {
        writeLong(at, Double.doubleToRawLongBits(value));
    }

    @Override
    public boolean shared() {
        return false;
    }

    @Override
    public Object lock(int at) {
        throw alone();
    }

    @Override
    public int waitOn(int at, int expected, long timeout) {
        throw alone();
    }

    @Override
    public int waitOn(int at, long expected, long timeout) {
        throw alone();
    }

    @Override
    public int notify(int at, int count) {
        throw alone();
    }

    private static UnsupportedOperationException alone() {
        return new UnsupportedOperationException("an instance has one thread");
    }
}
