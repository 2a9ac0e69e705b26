package io.tiltwise.flink.minutes;

import java.math.BigDecimal;

/** Writes one JSON object: the same fields in the same order are the same text. */
final class Json {
    private final StringBuilder out = new StringBuilder("{");

    Json text(String name, String value) {
        field(name);
        if (value == null) {
            out.append("null");
        } else {
            quote(value);
        }
        return this;
    }

    Json number(String name, long value) {
        field(name).append(value);
        return this;
    }

    /** Null is written where there is none. */
    Json number(String name, BigDecimal value) {
        field(name).append(value == null ? "null" : value.toPlainString());
        return this;
    }

    Json truth(String name, Boolean value) {
        field(name).append(value);
        return this;
    }

    Json list(String name, Iterable<Json> objects) {
        field(name).append('[');
        String between = "";
        for (Json object : objects) {
            out.append(between).append(object.done());
            between = ",";
        }
        out.append(']');
        return this;
    }

    String done() {
        return out + "}";
    }

    private StringBuilder field(String name) {
        if (out.length() > 1) {
            out.append(',');
        }
        quote(name);
        return out.append(':');
    }

    private void quote(String text) {
        out.append('"');
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '"' || c == '\\') {
                out.append('\\').append(c);
            } else if (c < ' ') {
                out.append(String.format("\\u%04x", (int) c));
            } else {
                out.append(c);
            }
        }
        out.append('"');
    }
}
