package io.tiltwise.flink;

import io.tiltwise.flink.core.Waits;
import io.tiltwise.flink.core.Wire;
import io.tiltwise.flink.events.LogBytes;
import io.tiltwise.flink.revisions.RevisionFolder;
import io.tiltwise.flink.revisions.Revisions;
import java.io.DataInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The recorded log that the native core has counted, as {@code tiltwise-river} has written it. */
final class River {
    /** As the log was counted ({@code PARAMS} of {@code tests/src/river.rs}). */
    static final Waits WAITS = new Waits(2_000, 6_000, 15_000, 30_000);

    static final int PARTITIONS = 4;

    private River() {}

    /** The sums of a revision at the end of a tick. */
    record Expected(long tick, long revision, byte[] sums) {}

    static Revisions revisions() {
        return new RevisionFolder(folderOfRevisions());
    }

    static String folderOfRevisions() {
        return folder().resolve("revisions").toUri().toString();
    }

    /** The id of an experiment's only revision. */
    static long revision(String key) throws IOException {
        for (Map.Entry<Long, byte[]> revision : revisions().read().entrySet()) {
            Wire.Reader reader = new Wire.Reader(revision.getValue());
            if (reader.next() == 1 && new String(reader.bytes(), StandardCharsets.UTF_8).equals(key)) {
                return revision.getKey();
            }
        }
        throw new IllegalStateException(key + ": the river has no such experiment");
    }

    static List<LogBytes> log() throws IOException {
        List<LogBytes> records = new ArrayList<>();
        Map<Integer, Long> ends = new HashMap<>();
        try (DataInputStream in = open("log")) {
            while (in.available() > 0) {
                int partition = in.readInt();
                long offset = ends.merge(partition, 1L, Long::sum) - 1;
                records.add(new LogBytes(partition, offset, in.readNBytes(in.readInt())));
            }
        }
        return records;
    }

    static List<Expected> expected() throws IOException {
        List<Expected> all = new ArrayList<>();
        try (DataInputStream in = open("expected")) {
            while (in.available() > 0) {
                all.add(new Expected(in.readLong(), in.readLong(), in.readNBytes(in.readInt())));
            }
        }
        return all;
    }

    private static DataInputStream open(String name) throws IOException {
        return new DataInputStream(new java.io.ByteArrayInputStream(Files.readAllBytes(folder().resolve(name))));
    }

    private static Path folder() {
        String folder = System.getProperty("river");
        if (folder == null) {
            throw new IllegalStateException("run `cargo xtask test --only flink`, which writes the river and says where");
        }
        return Path.of(folder).toAbsolutePath();
    }
}
