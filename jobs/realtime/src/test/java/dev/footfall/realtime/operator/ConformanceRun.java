package dev.footfall.realtime.operator;

import dev.footfall.realtime.SessionRow;
import dev.footfall.realtime.TestEvent;
import dev.footfall.realtime.record.EventView;
import dev.footfall.realtime.record.Limits;
import dev.footfall.realtime.types.Bytes;
import dev.footfall.realtime.types.Item;
import dev.footfall.realtime.types.Message;
import java.time.Duration;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.JsonNode;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.ObjectMapper;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.util.KeyedOneInputStreamOperatorTestHarness;

/** One case: the steps that drop duplicates and make sessions, and the sessions that they have told. */
final class ConformanceRun implements AutoCloseable {
  private static final int THRESHOLD = 2;
  private static final Map<String, Integer> DIMENSIONS =
      Map.of("visit:entry_page", 18, "visit:entry_page_hostname", 19, "visit:exit_page", 20, "visit:exit_page_hostname", 21);
  private static final List<String> METRICS = List.of("visits", "pageviews", "events", "views_per_visit", "bounce_rate", "visit_duration");

  private final KeyedOneInputStreamOperatorTestHarness<Bytes, Item, Item> clean;
  private final KeyedOneInputStreamOperatorTestHarness<Bytes, Item, Message> sessions;
  private final Map<String, SessionRow> rows = new HashMap<>();
  private final List<TestEvent> events = new ArrayList<>(); // clean ones
  private long stored;
  private long duplicate;

  ConformanceRun() throws Exception {
    Deduplicate deduplicate = new Deduplicate(Harness.FLUSH_MS, Limits.LATE_LIMIT_MS, Duration.ofDays(8), Harness.LEDGER);
    clean = Harness.open(deduplicate, Item::eventKey, null, true);
    sessions = Harness.open(new Sessions(Harness.FLUSH_MS, 8 * Limits.DAY_MS), Item::sessionKey, null, true);
  }

  void add(TestEvent e) throws Exception {
    clean.processElement(new StreamRecord<>(e.item()));
    List<Item> items = Harness.take(clean);
    stored += items.size();
    duplicate += 1 - items.size();
    if (!items.isEmpty()) {
      events.add(e);
    }
    for (Item item : items) {
      if (EventView.inSession(item.type())) {
        sessions.processElement(new StreamRecord<>(item));
      }
    }
  }

  String storedAndDuplicate() {
    return stored + " " + duplicate;
  }

  /** The rows of the answer, sorted, as the suite writes them; null for a question that neither sessions nor clean events answer here. */
  List<String> answer(String query) throws Exception {
    JsonNode q = new ObjectMapper().readTree(query);
    List<String> metrics = texts(q.path("metrics"));
    List<String> dimensions = texts(q.path("dimensions"));
    if (metrics.equals(List.of("events")) && dimensions.equals(List.of("event:page"))) {
      return eventsByPage(texts(q.path("date_range")));
    }
    if (!METRICS.containsAll(metrics) || !DIMENSIONS.keySet().containsAll(dimensions) || q.has("filters") || !q.path("date_range").isArray()) {
      return null;
    }
    tell();
    Map<String, List<SessionRow>> groups = new LinkedHashMap<>();
    if (dimensions.isEmpty()) {
      groups.put("", new ArrayList<>());
    }
    for (SessionRow s : rows.values()) {
      if (s.number(3) < THRESHOLD && within(s.start(), texts(q.path("date_range")))) {
        StringBuilder place = new StringBuilder();
        dimensions.forEach(d -> place.append('"').append(s.text(DIMENSIONS.get(d)).isEmpty() ? "(not set)" : s.text(DIMENSIONS.get(d))).append("\" "));
        groups.computeIfAbsent(place.toString(), p -> new ArrayList<>()).add(s);
      }
    }
    List<String> answer = new ArrayList<>();
    groups.forEach((place, group) -> answer.add(place + String.join(" ", metrics.stream().map(m -> metric(m, group)).toList())));
    answer.sort(null);
    return answer;
  }

  private List<String> eventsByPage(List<String> range) {
    Map<String, Integer> counts = new TreeMap<>();
    for (TestEvent e : events) {
      if (EventView.counted(e.type) && within(e.timestamp, range)) {
        counts.merge(e.page, 1, Integer::sum);
      }
    }
    return counts.entrySet().stream().map(c -> '"' + c.getKey() + "\" " + c.getValue()).sorted().toList();
  }

  private void tell() throws Exception {
    sessions.prepareSnapshotPreBarrier(1);
    for (Message m : Harness.take(sessions)) {
      for (SessionRow row : SessionRow.all(m.value())) {
        if (row.withdrawn()) {
          rows.remove(row.ref());
        } else {
          rows.put(row.ref(), row);
        }
      }
    }
  }

  private static boolean within(long at, List<String> range) {
    long from = LocalDate.parse(range.get(0)).atStartOfDay(ZoneOffset.UTC).toInstant().toEpochMilli();
    long to = LocalDate.parse(range.get(1)).plusDays(1).atStartOfDay(ZoneOffset.UTC).toInstant().toEpochMilli();
    return from <= at && at < to;
  }

  private static String metric(String name, List<SessionRow> group) {
    double n = Math.max(1, group.size());
    return switch (name) {
      case "visits" -> Integer.toString(group.size());
      case "pageviews" -> Long.toString(sum(group, 11));
      case "events" -> Long.toString(sum(group, 12));
      case "views_per_visit" -> number(sum(group, 11) / n);
      case "bounce_rate" -> number(100.0 * group.stream().filter(s -> s.number(11) <= 1 && s.number(13) == 0).count() / n);
      default -> number(group.stream().mapToLong(s -> s.number(6) - s.start()).sum() / 1000.0 / n);
    };
  }

  private static long sum(List<SessionRow> group, int num) {
    return group.stream().mapToLong(s -> s.number(num)).sum();
  }

  private static String number(double v) {
    return v == Math.rint(v) ? Long.toString((long) v) : Double.toString(v);
  }

  private static List<String> texts(JsonNode array) {
    List<String> texts = new ArrayList<>();
    array.forEach(node -> texts.add(node.asText()));
    return texts;
  }

  @Override
  public void close() throws Exception {
    clean.close();
    sessions.close();
  }
}
