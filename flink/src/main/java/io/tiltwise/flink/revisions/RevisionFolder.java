package io.tiltwise.flink.revisions;

import java.io.IOException;
import java.io.InputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HashMap;
import java.util.Map;
import org.apache.flink.core.fs.FileStatus;
import org.apache.flink.core.fs.Path;

/**
 * The folder in which a collector keeps its revisions: one file each, {@code <id in 16 hexadecimal digits>.revision}. The id is
 * the first 8 bytes, little endian, of the SHA-256 of what is in it, so a damaged file is found. Any file system that the
 * cluster knows will do.
 */
public final class RevisionFolder implements Revisions {
    private static final long serialVersionUID = 1;
    private static final String ENDING = ".revision";

    private final String folder;

    public RevisionFolder(String folder) {
        this.folder = folder;
    }

    @Override
    public Map<Long, byte[]> read() throws IOException {
        Path path = new Path(folder);
        FileStatus[] files = path.getFileSystem().listStatus(path);
        if (files == null) {
            throw new IOException("revisions = " + folder + ": there is no such folder; name the folder \"revisions\" of the"
                    + " collector's data, or a copy of it that every machine of the cluster can read");
        }
        Map<Long, byte[]> revisions = new HashMap<>();
        for (FileStatus file : files) {
            String name = file.getPath().getName();
            if (name.endsWith(ENDING)) {
                byte[] bytes = bytes(file.getPath());
                long id = id(bytes);
                if (!name.equals(String.format("%016x", id) + ENDING)) {
                    throw new IOException(file.getPath() + ": what is in it has another hash than its name says;"
                            + " put the file back from the collector's folder");
                }
                revisions.put(id, bytes);
            }
        }
        return revisions;
    }

    private static byte[] bytes(Path file) throws IOException {
        try (InputStream in = file.getFileSystem().open(file)) {
            return in.readAllBytes();
        }
    }

    private static long id(byte[] bytes) {
        try {
            byte[] hash = MessageDigest.getInstance("SHA-256").digest(bytes);
            long id = 0;
            for (int i = 7; i >= 0; i--) {
                id = id << 8 | hash[i] & 0xff;
            }
            return id;
        } catch (NoSuchAlgorithmException missing) {
            throw new IllegalStateException("every Java has SHA-256", missing);
        }
    }
}
