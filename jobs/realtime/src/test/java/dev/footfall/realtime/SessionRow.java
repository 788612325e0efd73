package dev.footfall.realtime;

import dev.footfall.realtime.record.Fields;
import dev.footfall.realtime.record.Frames;
import dev.footfall.realtime.record.Kind;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** A Session record as a reader has it: its fields by number. Fields that may stand several times are joined. */
public record SessionRow(Map<Integer, Object> fields) {
  public static SessionRow of(byte[] bytes, int from, int to) {
    if ((bytes[from] & 0xff) != Kind.SESSION) {
      throw new IllegalArgumentException("no session: kind " + bytes[from]);
    }
    Map<Integer, Object> fields = new TreeMap<>();
    Fields f = new Fields().reset(bytes, from + 1, to);
    while (f.next()) {
      switch (f.num) {
        case 3, 11, 12, 13, 15, 39 -> fields.put(f.num, f.number);
        case 4, 5, 6, 14, 16 -> fields.put(f.num, f.signed());
        case 8, 9 -> fields.put(f.num, f.number);
        case 10 -> fields.merge(10, visitor(bytes, f.from, f.from + f.length), (a, b) -> a + " " + b);
        default -> fields.put(f.num, new String(bytes, f.from, f.length, StandardCharsets.UTF_8));
      }
    }
    if (f.bad()) {
      throw new IllegalArgumentException("broken session record");
    }
    return new SessionRow(fields);
  }

  private static String visitor(byte[] bytes, int from, int to) {
    StringBuilder text = new StringBuilder();
    Fields f = new Fields().reset(bytes, from, to);
    while (f.next()) {
      text.append(f.num == 1 ? "" : ":").append(Long.toUnsignedString(f.number));
    }
    return text.toString();
  }

  /** All sessions of a message's value. */
  public static List<SessionRow> all(byte[] value) {
    List<SessionRow> rows = new ArrayList<>();
    Frames frames = new Frames().reset(value);
    while (frames.next()) {
      rows.add(of(value, frames.from, frames.to));
    }
    return rows;
  }

  public boolean withdrawn() {
    return number(39) != 0;
  }

  public long number(int num) {
    return (Long) fields.getOrDefault(num, 0L);
  }

  public String text(int num) {
    return (String) fields.getOrDefault(num, "");
  }

  public long start() {
    return number(4);
  }

  /** Site, session id, band and start: what a row replaces. */
  public String ref() {
    return text(1) + "|" + text(2) + "|" + number(3) + "|" + start();
  }
}
