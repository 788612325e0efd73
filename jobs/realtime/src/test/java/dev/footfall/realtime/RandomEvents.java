package dev.footfall.realtime;

import dev.footfall.realtime.record.EventView;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;

/** Histories of a few keys whose gaps lie around 30 minutes and whose chains around a day. */
public final class RandomEvents {
  private static final long GAP = 1_800_000;
  private static final long DAY = 86_400_000;

  private RandomEvents() {}

  /** Events in a random order of arrival: most nearly in time, some very late. */
  public static List<TestEvent> history(Random r, int n) {
    long start = 1_763_856_000_000L + r.nextLong(DAY);
    long[] clocks = {start, start, start, start, start};
    long step = new long[] {1000, 60_000, 20 * 60_000, 29 * 60_000}[r.nextInt(4)];
    List<TestEvent> events = new ArrayList<>();
    for (int i = 0; i < n; i++) {
      int key = r.nextInt(clocks.length);
      switch (r.nextInt(20)) {
        case 0 -> clocks[key] += GAP + r.nextInt(3) - 1;
        case 1 -> clocks[key] += r.nextLong(8 * 3_600_000);
        case 2 -> clocks[key] = start + r.nextLong(5 * DAY);
        case 3 -> clocks[key] += DAY - clocks[key] % DAY + r.nextInt(3) - 1; // around midnight
        case 4 -> { } // the same time again
        default -> clocks[key] += r.nextLong(step);
      }
      events.add(event(r, i, key, clocks[key]));
    }
    int window = 1 + r.nextInt(n);
    for (int i = 0; i < n; i++) {
      Collections.swap(events, i, i + r.nextInt(Math.min(window, n - i)));
    }
    return events;
  }

  /** Gaps that are just about half an hour, in stretches of about a day each that a few late events join. */
  public static List<TestEvent> chains(Random r, int n) {
    long start = 1_763_856_000_000L + r.nextLong(DAY);
    long[] at = {start, start};
    int[] kind = {EventView.PAGEVIEW, EventView.PAGEVIEW};
    List<TestEvent> events = new ArrayList<>();
    List<TestEvent> late = new ArrayList<>();
    for (int i = 0; i < n; i++) {
      int key = r.nextInt(2);
      at[key] += GAP - r.nextInt(60_000) * (long) r.nextInt(2);
      TestEvent e = event(r, i, key, at[key]);
      if (r.nextInt(12) == 0) {
        kind[key] = EventView.PAGEVIEW + EventView.ENGAGEMENT - kind[key]; // long runs without a counted event
      }
      e.type = kind[key];
      (r.nextInt(24) == 0 ? late : events).add(e);
      if (r.nextInt(40) == 0) {
        at[key] += GAP;
      }
    }
    Collections.shuffle(late, r);
    events.addAll(late);
    return events;
  }

  public static TestEvent event(Random r, int i, int key, long at) {
    int user = r.nextInt(3) * r.nextInt(2) * r.nextInt(20);
    TestEvent e = new TestEvent().at(at).id(r.nextInt(256), i);
    e.site = "site" + key % 2;
    e.session = "s" + key / 2;
    e.band = key % 3;
    e.type = 1 + r.nextInt(3);
    e.interactive = r.nextBoolean();
    e.user = "u" + user;
    e.sampleKey = new Random(user).nextLong();
    e.coupon = user;
    e.page = "/" + r.nextInt(9);
    e.hostname = "example.org";
    e.source = "source" + r.nextInt(9);
    e.language = "l" + i;
    e.referrer = Integer.toString(i);
    if (r.nextInt(12) == 0) {
      e.type = TestEvent.typeOf("vitals");
    }
    if (e.type == EventView.ENGAGEMENT) {
      e.timeOnPage = r.nextInt(10_000);
    } else if (r.nextInt(4) == 0) {
      e.currency = Arrays.asList("EUR", "EUR", "EUR", "USD").get(r.nextInt(4));
      e.revenue = r.nextInt(100_000) - 1000;
    }
    return e;
  }
}
