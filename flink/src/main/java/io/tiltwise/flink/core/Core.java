package io.tiltwise.flink.core;

import io.tiltwise.flink.join.Difference;
import io.tiltwise.wasm.CoreModule;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import run.endive.runtime.ExportFunction;
import run.endive.runtime.Instance;
import run.endive.runtime.Memory;
import run.endive.wasm.types.MemoryLimits;

/**
 * One instance of the core: the very code that the collector folds with, as WebAssembly. Only this class and its memory know so.
 *
 * <p>An instance is for one thread: every subtask makes its own when it opens. Between calls it holds the definitions, and the
 * differences that nobody has taken yet; whatever lasts is bytes in the state of Flink. After a {@link Trap} it is of no use,
 * and the task has to fail: what it held is made again from the last checkpoint.
 */
public final class Core {
    /** The rules by which bytes become sums, as this job was written for them. */
    public static final int SPEC_VERSION = 1;

    private static final int DONE = 0;
    private static final int UPGRADE = 17;
    private static final int UNKNOWN_REVISION = 22;

    /** In pages of 64 KiB: what an instance starts with, and a gigabyte. */
    private static final MemoryLimits MEMORY = new MemoryLimits(32, 16_384);

    private final Memory memory;
    private final ExportFunction alloc;
    private final ExportFunction dealloc;
    private final ExportFunction addRevision;
    private final ExportFunction explode;
    private final ExportFunction fold;
    private final ExportFunction take;
    private final ExportFunction takeTallies;
    private final ExportFunction addTallies;
    private final ExportFunction minute;
    private final ExportFunction merge;
    private final ExportFunction rollUp;
    private final ExportFunction answer;
    private final ExportFunction answerLen;

    /** Every export is looked up now, so that a module that lacks one fails here and not in the middle of a fold. */
    public Core(Waits waits) {
        this(waits, null);
    }

    /** With names it is counted, too, what minutes bring. */
    public Core(Waits waits, Names names) {
        Instance instance = Instance.builder(CoreModule.load())
                .withMachineFactory(CoreModule::create)
                .withMemoryLimits(MEMORY)
                .withMemoryFactory(FlatMemory::new)
                .build();
        memory = instance.memory();
        long spec = instance.export("spec_version").apply()[0];
        if (spec != SPEC_VERSION) {
            throw new IllegalStateException("the core in this jar follows spec " + spec + ", and the job is written for "
                    + SPEC_VERSION + ": build both from one release");
        }
        alloc = instance.export("alloc_v1");
        dealloc = instance.export("dealloc_v1");
        addRevision = instance.export("add_revision_v1");
        explode = instance.export("explode_v1");
        fold = instance.export("fold_v1");
        take = instance.export("take_v1");
        takeTallies = instance.export("take_tallies_v1");
        addTallies = instance.export("add_tallies_v1");
        minute = instance.export("minute_v1");
        merge = instance.export("merge_v1");
        rollUp = instance.export("roll_up_v1");
        answer = instance.export("answer_v1");
        answerLen = instance.export("answer_len_v1");
        Wire.Writer settings = new Wire.Writer()
                .number(1, Wire.VERSION)
                .number(2, waits.latenessMs())
                .number(3, waits.disorderMs())
                .number(4, waits.dedupeMs())
                .number(5, waits.markMs())
                .number(6, names == null ? 0 : 1);
        if (names != null) {
            names.write(settings);
        }
        require(call(instance.export("open_fold_v1"), settings.done()), "the settings of the fold");
    }

    /** Makes definitions known. One that is known is never replaced. */
    public void addRevisions(Map<Long, byte[]> revisions) {
        revisions.forEach((id, bytes) -> require(
                call(addRevision, bytes, id), "revision " + String.format("%016x", id)));
    }

    /** Takes a log record apart, at the clock of its partition before it. */
    public Exploded explode(byte[] record, long clockMs) throws UnreadableRecord, UpgradeFirst {
        switch (call(explode, record, clockMs)) {
            case DONE -> {
                return Exploded.read(answer());
            }
            case UPGRADE -> throw new UpgradeFirst();
            default -> throw new UnreadableRecord();
        }
    }

    /**
     * Joins a unit's events with its state, at the clock of their record. With no events it forgets what can be forgotten.
     *
     * @return nothing where an exposure names a revision that is not known, unless those are accepted
     */
    public Folded fold(byte[] state, byte[] events, long clockMs, boolean acceptsUnknown) {
        byte[] request = new Wire.Writer()
                .number(1, Wire.VERSION)
                .number(2, clockMs)
                .bytes(3, state)
                .bytes(4, events)
                .number(5, acceptsUnknown ? 1 : 0)
                .done();
        int code = call(fold, request);
        if (code == UNKNOWN_REVISION) {
            return null;
        }
        require(code, "a unit's state and events");
        return Folded.read(answer());
    }

    /** The differences of all ticks up to this one, which the instance then no longer holds. */
    public List<Difference> take(long throughTick) {
        require(apply(take, throughTick), "the differences");
        List<Difference> differences = new ArrayList<>();
        Wire.Reader reader = new Wire.Reader(answer());
        for (int field = reader.next(); field != 0; field = reader.next()) {
            if (field == 2) {
                differences.add(Difference.read(reader.bytes()));
            }
        }
        return differences;
    }

    /** What minutes have brought that are over at the end of this tick and whose differences were taken: encoded {@code Tally}s. */
    public List<byte[]> takeTallies(long throughTick) {
        require(apply(takeTallies, throughTick), "the tallies");
        List<byte[]> tallies = new ArrayList<>();
        Wire.Reader reader = new Wire.Reader(answer());
        for (int field = reader.next(); field != 0; field = reader.next()) {
            if (field == 2) {
                tallies.add(reader.bytes());
            }
        }
        return tallies;
    }

    /** The sum of two tallies of one minute and revision. Nothing where the revision is not known. */
    public byte[] addTallies(byte[] one, byte[] other) {
        byte[] request = new Wire.Writer()
                .number(1, Wire.VERSION)
                .bytes(2, one)
                .bytes(2, other)
                .done();
        return answerIfKnown(call(addTallies, request), "tallies");
    }

    /**
     * What a minute has brought, as an encoded {@code MinuteAnswer}. Nothing where the revision is not known.
     *
     * @param shown as the answer of the minute before had it
     */
    public byte[] minute(byte[] tally, byte[] shown) {
        byte[] request = new Wire.Writer()
                .number(1, Wire.VERSION)
                .bytes(2, tally)
                .bytes(3, shown)
                .done();
        return answerIfKnown(call(minute, request), "a tally");
    }

    /**
     * The sum of two sums of one revision. Nothing where the revision is not known.
     */
    public byte[] merge(byte[] one, byte[] other) {
        byte[] request = new Wire.Writer()
                .number(1, Wire.VERSION)
                .bytes(2, one)
                .bytes(2, other)
                .done();
        return answerIfKnown(call(merge, request), "sums");
    }

    /** Sums in the widths of a clock that is not before any that they have seen; empty where nothing is left in them. */
    public byte[] rollUp(byte[] sums, long clockMs) {
        if (sums.length == 0) {
            return sums;
        }
        require(call(rollUp, sums, clockMs), "sums");
        return answer();
    }

    private int call(ExportFunction export, byte[] bytes, long... more) {
        int at = apply(alloc, bytes.length);
        if (at == 0 && bytes.length > 0) {
            throw new Trap("the core has no room for " + bytes.length + " bytes", null);
        }
        memory.write(at, bytes);
        long[] arguments = new long[2 + more.length];
        arguments[0] = at;
        arguments[1] = bytes.length;
        System.arraycopy(more, 0, arguments, 2, more.length);
        int code = apply(export, arguments);
        apply(dealloc, at, bytes.length);
        return code;
    }

    private byte[] answerIfKnown(int code, String what) {
        if (code == UNKNOWN_REVISION) {
            return null;
        }
        require(code, what);
        return answer();
    }

    private byte[] answer() {
        return memory.readBytes(apply(answer), apply(answerLen));
    }

    private static int apply(ExportFunction export, long... arguments) {
        try {
            long[] results = export.apply(arguments);
            return results == null || results.length == 0 ? 0 : (int) results[0];
        } catch (RuntimeException trapped) {
            throw new Trap("the core has stopped in the middle of a call", trapped);
        }
    }

    private static void require(int code, String what) {
        if (code == UPGRADE) {
            throw new IllegalStateException(what + ": written by a newer release; upgrade the job first");
        }
        if (code != DONE) {
            throw new IllegalStateException(what + ": the core refuses with code " + code);
        }
    }

    /** The instance is broken. Whoever meets it must fail, so that Flink goes on from the last checkpoint with a new one. */
    public static final class Trap extends RuntimeException {
        private static final long serialVersionUID = 1;

        Trap(String what, Throwable cause) {
            super(what, cause);
        }
    }

    /** The bytes are no record of the log. */
    public static final class UnreadableRecord extends Exception {
        private static final long serialVersionUID = 1;

        UnreadableRecord() {
            super("not a record of the log");
        }
    }

    /** The record was written by a newer release: what it means is not known here, so it must not be passed over. */
    public static final class UpgradeFirst extends Exception {
        private static final long serialVersionUID = 1;

        UpgradeFirst() {
            super("the topic holds records of a newer wire version: upgrade the job first");
        }
    }
}
