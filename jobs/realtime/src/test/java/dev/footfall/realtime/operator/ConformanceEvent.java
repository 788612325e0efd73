package dev.footfall.realtime.operator;

import dev.footfall.realtime.TestEvent;
import dev.footfall.realtime.record.XxHash64;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.UUID;

/** An event line of the conformance suite: TIME TYPE USER PLACE [key=value ...]; its README says what they mean. */
final class ConformanceEvent {
  /** Keys that are read, and keys that change nothing of what is judged. */
  private static final Set<String> KEYS =
      Set.of("id", "session", "received", "page", "hostname", "time_on_page", "scroll_depth", "revenue", "currency", "interactive",
          "copies", "every", "ref", "ua");

  private ConformanceEvent() {}

  /** Whether all of the case's events are taken by the door as they stand, at times of their own, for a site as any. */
  static boolean canBeJudged(List<String> lines) {
    for (String line : lines) {
      boolean event = line.startsWith("20");
      if (line.startsWith("site ") || line.startsWith("send") || !event && line.matches("(D|M|Y|-|0s).*pageview.*")) {
        return false;
      }
      if (event && line.contains(" engagement ") && !line.contains("time_on_page=")) {
        return false; // the door refuses it
      }
      if (event && !KEYS.containsAll(words(line).stream().skip(4).map(w -> w.replaceAll("=.*", "")).toList())) {
        return false;
      }
    }
    return true;
  }

  private static List<String> words(String line) {
    return List.of(line.split(" "));
  }

  /** The events of a line: several where it says copies. */
  static List<TestEvent> parse(String line) {
    List<String> words = words(line);
    TestEvent e = new TestEvent().at(time(words.get(0)));
    e.type = TestEvent.typeOf(words.get(1));
    e.user = words.get(2);
    e.session = e.user;
    e.page = e.type == 2 ? "" : words.get(3);
    e.hostname = "example.com";
    long copies = 1;
    long every = 0;
    e.id = id(UUID.randomUUID().toString());
    for (String word : words.subList(4, words.size())) {
      String value = word.substring(word.indexOf('=') + 1);
      switch (word.substring(0, word.indexOf('='))) {
        case "id" -> e.id = id(value);
        case "session" -> e.session = value;
        case "received" -> e.receivedAt = time(value);
        case "page" -> e.page = value;
        case "hostname" -> e.hostname = value;
        case "time_on_page" -> e.timeOnPage = Long.parseLong(value);
        case "revenue" -> e.revenue = new BigDecimal(value).movePointRight(4).longValueExact();
        case "currency" -> e.currency = value;
        case "interactive" -> e.interactive = Boolean.parseBoolean(value);
        case "copies" -> copies = Long.parseLong(value);
        case "every" -> every = Long.parseLong(value.replace("m", "")) * 60_000;
        default -> { }
      }
    }
    e.sampleKey = XxHash64.hash(e.user.getBytes(StandardCharsets.UTF_8), 0, e.user.length());
    return copies(e, copies, every);
  }

  private static List<TestEvent> copies(TestEvent e, long copies, long every) {
    List<TestEvent> events = new ArrayList<>(List.of(e));
    for (long i = 1; i < copies; i++) {
      TestEvent copy = e.clone().at(e.timestamp + i * every);
      copy.id = id(UUID.randomUUID().toString());
      events.add(copy);
    }
    return events;
  }

  private static long time(String text) {
    return LocalDateTime.parse(text).toInstant(ZoneOffset.UTC).toEpochMilli();
  }

  /** A UUID in either case, or what stands for a text that is none. */
  private static byte[] id(String text) {
    String lower = text.toLowerCase(Locale.ROOT);
    UUID id = lower.length() == 36 ? UUID.fromString(lower) : UUID.nameUUIDFromBytes(text.getBytes(StandardCharsets.UTF_8));
    return ByteBuffer.allocate(16).putLong(id.getMostSignificantBits()).putLong(id.getLeastSignificantBits()).array();
  }
}
