package dev.footfall.realtime.session;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.footfall.realtime.NaiveSessions;
import dev.footfall.realtime.RandomEvents;
import dev.footfall.realtime.TestEvent;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Whatever the order and the cuts into bundles, what is told leaves the sessions that a recomputation makes. */
class RandomHistoryTest {
  @Test
  void equalsARecomputation() {
    for (int seed = 0; seed < 160; seed++) {
      Random random = new Random(seed);
      List<TestEvent> events = seed % 2 == 0 ? RandomEvents.history(random, 20 + random.nextInt(400)) : RandomEvents.chains(random, 300);
      Store store = new Store();
      for (int done = 0; done < events.size(); ) {
        int n = Math.min(1 + random.nextInt(1 + random.nextInt(40)), events.size() - done);
        store.step(events.subList(done, done + n));
        done += n;
        assertEquals(NaiveSessions.of(events.subList(0, done)), store.sessions, "seed " + seed + " after " + done + " events");
      }
    }
  }

  /**
   * An id that never pauses, over 40 days, with events that are up to a week late: what is older than any of them can touch
   * is forgotten, and nothing that is told is wrong for it.
   */
  @Test
  void anEndlessSessionStaysSmall() {
    Random random = new Random(3);
    long late = 7 * 86_400_000L;
    long at = 1_763_856_000_000L;
    Store store = new Store();
    List<TestEvent> all = new java.util.ArrayList<>();
    int largest = 0;
    for (int i = 0; i < 40 * 48; i++) {
      at += i % 500 > 250 ? 30 * 60_000L : 31 * 60_000L; // chains of several days
      TestEvent e = RandomEvents.event(random, i, 0, at);
      if (i % 31 == 30) {
        e.timestamp -= random.nextLong(late);
      }
      store.floor = at - late;
      all.add(e);
      store.step(List.of(e));
      largest = Math.max(largest, store.states.values().iterator().next().length);
    }
    assertEquals(NaiveSessions.of(all), store.sessions);
    int of = all.size();
    assertTrue(largest < 120_000, largest + " bytes of " + of + " events");
    Timeline left = Timeline.load(store.states.keySet().iterator().next(), store.states.values().iterator().next(), at - late);
    assertEquals(at, left.last());
  }
}
