package dev.footfall.realtime;

import dev.footfall.realtime.record.EventView;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.BiPredicate;

/** Makes the sessions of all events from scratch, straight from the words of the semantics. */
public final class NaiveSessions {
  private NaiveSessions() {}

  public static Map<String, SessionRow> of(List<TestEvent> events) {
    Map<String, List<TestEvent>> byKey = new HashMap<>();
    for (TestEvent e : events) {
      if (EventView.inSession(e.type)) {
        byKey.computeIfAbsent(e.key(), k -> new ArrayList<>()).add(e);
      }
    }
    Map<String, SessionRow> sessions = new HashMap<>();
    for (List<TestEvent> list : byKey.values()) {
      list.sort(Comparator.<TestEvent>comparingLong(e -> e.timestamp).thenComparing((a, b) -> Arrays.compareUnsigned(a.id, b.id)));
      for (List<TestEvent> chain : cut(list, (a, b) -> b.timestamp - a.timestamp > 1_800_000)) {
        List<List<TestEvent>> parts = List.of(chain);
        if (chain.get(chain.size() - 1).timestamp - chain.get(0).timestamp > 86_400_000) {
          parts = cut(chain, (a, b) -> Math.floorDiv(a.timestamp, 86_400_000) != Math.floorDiv(b.timestamp, 86_400_000));
        }
        for (List<TestEvent> part : parts) {
          SessionRow row = session(part);
          if (row.number(12) > 0) {
            sessions.put(row.ref(), row);
          }
        }
      }
    }
    return sessions;
  }

  private static List<List<TestEvent>> cut(List<TestEvent> list, BiPredicate<TestEvent, TestEvent> between) {
    List<List<TestEvent>> parts = new ArrayList<>();
    int from = 0;
    for (int i = 1; i <= list.size(); i++) {
      if (i == list.size() || between.test(list.get(i - 1), list.get(i))) {
        parts.add(list.subList(from, i));
        from = i;
      }
    }
    return parts;
  }

  private static SessionRow session(List<TestEvent> part) {
    Map<Integer, Object> s = new TreeMap<>();
    put(s, 5, part.get(0).timestamp);
    put(s, 6, part.get(part.size() - 1).timestamp);
    Map<String, Long> revenue = new HashMap<>();
    TreeSet<TestEvent> visitors = new TreeSet<>((a, b) -> Long.compareUnsigned(a.sampleKey, b.sampleKey));
    for (TestEvent e : part) {
      if (e.type == EventView.ENGAGEMENT) {
        add(s, 14, e.timeOnPage);
        continue;
      }
      if (!s.containsKey(12)) {
        first(s, e);
      }
      add(s, 12, 1);
      visitors.add(e);
      if (!e.currency.isEmpty()) {
        add(s, 15, 1);
        revenue.merge(e.currency, e.revenue, Long::sum);
      }
      if (e.type == EventView.CUSTOM) {
        add(s, 13, e.interactive ? 1 : 0);
        continue;
      }
      if (!s.containsKey(11)) {
        put(s, 18, e.page);
        put(s, 19, e.hostname);
      }
      add(s, 11, 1);
      put(s, 20, e.page);
      put(s, 21, e.hostname);
    }
    if (revenue.size() == 1) {
      revenue.forEach((currency, sum) -> {
        put(s, 17, currency);
        put(s, 16, sum);
      });
    } else if (revenue.size() > 1) {
      put(s, 17, "*");
    }
    if (visitors.size() > 1) {
      StringBuilder text = new StringBuilder();
      for (TestEvent v : visitors) {
        text.append(text.isEmpty() ? "" : " ").append(Long.toUnsignedString(v.sampleKey)).append(':').append(v.coupon);
      }
      put(s, 10, text.toString());
    }
    return new SessionRow(s);
  }

  private static void first(Map<Integer, Object> s, TestEvent e) {
    put(s, 1, e.site);
    put(s, 2, e.session);
    put(s, 3, e.band);
    put(s, 4, e.timestamp);
    put(s, 7, e.user);
    s.put(8, e.sampleKey);
    s.put(9, (long) e.coupon);
    put(s, 22, e.source);
    put(s, 28, e.referrer);
    put(s, 38, e.language);
  }

  private static void add(Map<Integer, Object> s, int num, long n) {
    put(s, num, (Long) s.getOrDefault(num, 0L) + n);
  }

  private static void put(Map<Integer, Object> s, int num, long n) {
    if (n == 0) {
      s.remove(num);
    } else {
      s.put(num, n);
    }
  }

  private static void put(Map<Integer, Object> s, int num, String text) {
    if (text.isEmpty()) {
      s.remove(num);
    } else {
      s.put(num, text);
    }
  }
}
