package dev.footfall.realtime.operator;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.footfall.realtime.NaiveSessions;
import dev.footfall.realtime.RandomEvents;
import dev.footfall.realtime.SessionRow;
import dev.footfall.realtime.TestEvent;
import dev.footfall.realtime.record.EventView;
import dev.footfall.realtime.types.Bytes;
import dev.footfall.realtime.types.Item;
import dev.footfall.realtime.types.Message;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.util.KeyedOneInputStreamOperatorTestHarness;
import org.junit.jupiter.api.Test;

class SessionsTest {
  private static final long MINUTE = 60_000;
  private static final long DAY = 86_400_000;
  private static final long KEEP = 8 * DAY;

  private KeyedOneInputStreamOperatorTestHarness<Bytes, Item, Message> harness;

  private void open(OperatorSubtaskState state) throws Exception {
    harness = Harness.open(new Sessions(Harness.FLUSH_MS, KEEP), Item::sessionKey, state, false);
  }

  private void openOnHeap() throws Exception {
    harness = Harness.open(new Sessions(Harness.FLUSH_MS, KEEP), Item::sessionKey, null, true);
  }

  private void add(TestEvent e) throws Exception {
    harness.processElement(new StreamRecord<>(e.item()));
  }

  private static TestEvent view(int id, long at) {
    return new TestEvent().at(at).id(1, id);
  }

  private List<SessionRow> rows() {
    List<SessionRow> rows = new ArrayList<>();
    Harness.take(harness).forEach(m -> rows.addAll(SessionRow.all(m.value())));
    return rows;
  }

  @Test
  void manyChangesAreToldOnceAndInTime() throws Exception {
    open(null);
    add(view(1, Harness.NOW));
    harness.setProcessingTime(Harness.NOW + 1000);
    add(view(2, Harness.NOW + 1));
    assertTrue(rows().isEmpty());
    harness.setProcessingTime(Harness.NOW + Harness.FLUSH_MS);
    List<SessionRow> rows = rows();
    assertEquals(1, rows.size());
    assertEquals(2, rows.get(0).number(11));
    harness.setProcessingTime(Harness.NOW + 10 * Harness.FLUSH_MS);
    assertTrue(rows().isEmpty(), "only what changed is told");
    add(view(3, Harness.NOW + 2));
    harness.setProcessingTime(Harness.NOW + 11 * Harness.FLUSH_MS);
    assertEquals(3, rows().get(0).number(11));
    harness.close();
  }

  @Test
  void changesOfOneKeyAreOneMessageWithdrawalsFirst() throws Exception {
    open(null);
    add(view(1, Harness.NOW));
    add(view(2, Harness.NOW + 50 * MINUTE));
    harness.prepareSnapshotPreBarrier(1);
    assertEquals(2, rows().size());
    add(view(3, Harness.NOW + 25 * MINUTE));
    harness.prepareSnapshotPreBarrier(2);
    List<Message> messages = Harness.take(harness);
    assertEquals(1, messages.size());
    assertArrayEquals("sitek".getBytes(), messages.get(0).key());
    List<SessionRow> rows = SessionRow.all(messages.get(0).value());
    assertTrue(rows.get(0).withdrawn());
    assertEquals(Harness.NOW + 50 * MINUTE, rows.get(0).start());
    assertEquals(3, rows.get(1).number(11));
    harness.close();
  }

  /** The state goes when the watermark passes the last event, not the first one. */
  @Test
  void theStateIsDroppedWhenNothingCanTouchIt() throws Exception {
    openOnHeap();
    add(view(1, Harness.NOW));
    add(view(2, Harness.NOW + DAY));
    harness.prepareSnapshotPreBarrier(1);
    assertEquals(1, harness.numKeyedStateEntries());
    harness.processWatermark(Harness.NOW + KEEP);
    assertEquals(1, harness.numKeyedStateEntries());
    assertEquals(1, harness.numEventTimeTimers());
    harness.processWatermark(Harness.NOW + DAY + KEEP - 1);
    assertEquals(1, harness.numKeyedStateEntries());
    harness.processWatermark(Harness.NOW + DAY + KEEP);
    assertEquals(0, harness.numKeyedStateEntries());
    assertEquals(0, harness.numEventTimeTimers());
    harness.close();
  }

  /** An event that is gathered when its key's timer fires is told, and keeps the key. */
  @Test
  void aTimerFiresBetweenAnEventAndItsFlush() throws Exception {
    openOnHeap();
    add(view(1, Harness.NOW));
    harness.prepareSnapshotPreBarrier(1);
    rows();
    add(view(2, Harness.NOW + KEEP - 1));
    harness.processWatermark(Harness.NOW + KEEP);
    assertEquals(1, rows().size());
    assertEquals(1, harness.numKeyedStateEntries());
    harness.processWatermark(Harness.NOW + 2 * KEEP);
    assertEquals(0, harness.numKeyedStateEntries());
    harness.close();
  }

  /** Neither a time in the far future nor one in the far past keeps a key for ever. */
  @Test
  void absurdTimesAreForgotten() throws Exception {
    openOnHeap();
    long[] times = {Long.MAX_VALUE, Long.MIN_VALUE, 0, -5, 4_000_000_000_000L};
    for (int i = 0; i < times.length; i++) {
      TestEvent e = view(i, times[i]);
      e.session = "k" + i;
      add(e);
    }
    harness.prepareSnapshotPreBarrier(1);
    assertEquals(times.length, rows().size());
    assertEquals(times.length, harness.numKeyedStateEntries());
    harness.processWatermark(Harness.NOW + KEEP);
    assertEquals(0, harness.numKeyedStateEntries());
    harness.close();
  }

  /** Whatever the checkpoints, restores and flushes between events, the rows leave what a recomputation makes. */
  @Test
  void historiesAcrossRestores() throws Exception {
    for (int seed = 0; seed < 12; seed++) {
      Random random = new Random(seed);
      List<TestEvent> events = RandomEvents.history(random, 250);
      events.removeIf(e -> !EventView.inSession(e.type));
      Map<String, SessionRow> sessions = new HashMap<>();
      open(null);
      int id = 0;
      for (TestEvent e : events) {
        add(e);
        switch (random.nextInt(30)) {
          case 0 -> {
            OperatorSubtaskState state = Harness.checkpoint(harness, ++id);
            apply(sessions);
            add(events.get(random.nextInt(events.size()))); // is lost with what comes after the checkpoint
            harness.close();
            open(state);
          }
          case 1, 2 -> harness.setProcessingTime(harness.getProcessingTime() + Harness.FLUSH_MS);
          default -> { }
        }
      }
      harness.prepareSnapshotPreBarrier(++id);
      apply(sessions);
      assertEquals(NaiveSessions.of(events), sessions, "seed " + seed);
      harness.close();
    }
  }

  private void apply(Map<String, SessionRow> sessions) {
    for (SessionRow row : rows()) {
      if (row.withdrawn()) {
        assertTrue(sessions.remove(row.ref()) != null, row.ref());
      } else {
        sessions.put(row.ref(), row);
      }
    }
  }
}
