package io.tiltwise.flink.core;

import java.io.Serializable;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What kinds of visitors are called, beside what the definitions say of them: the sums hold hashes and no value.
 *
 * @param values the values of an attribute, as the experiment file lists them for people
 */
public record Names(TreeMap<String, List<String>> values) implements Serializable {
    private static final long serialVersionUID = 1;

    public static final Names NONE = new Names(new TreeMap<>());

    void write(Wire.Writer settings) {
        for (Map.Entry<String, List<String>> attribute : values.entrySet()) {
            Wire.Writer listed = new Wire.Writer().text(1, attribute.getKey());
            attribute.getValue().forEach(value -> listed.text(2, value));
            settings.bytes(7, listed.done());
        }
    }
}
