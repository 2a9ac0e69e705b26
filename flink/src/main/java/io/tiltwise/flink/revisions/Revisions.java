package io.tiltwise.flink.revisions;

import java.io.IOException;
import java.io.Serializable;
import java.util.Map;

/**
 * Where the definitions come from that exposures name. Whoever implements it promises that a definition can be read before the
 * first exposure of it comes to the log: so it is read when an operator opens, and again when a revision is not known.
 */
public interface Revisions extends Serializable {
    /** All definitions that there are now, encoded, by id. */
    Map<Long, byte[]> read() throws IOException;
}
