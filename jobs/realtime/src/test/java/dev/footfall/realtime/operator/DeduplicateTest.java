package dev.footfall.realtime.operator;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.footfall.realtime.TestEvent;
import dev.footfall.realtime.types.Bytes;
import dev.footfall.realtime.types.Item;
import java.time.Duration;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.util.KeyedOneInputStreamOperatorTestHarness;
import org.junit.jupiter.api.Test;

class DeduplicateTest {
  private static final long DAY = 86_400_000;
  private static final long LATE = 7 * DAY;

  private KeyedOneInputStreamOperatorTestHarness<Bytes, Item, Item> harness;

  private void open(OperatorSubtaskState state) throws Exception {
    harness = Harness.open(new Deduplicate(Harness.FLUSH_MS, LATE, Duration.ofDays(8), Harness.LEDGER), Item::eventKey, state, false);
  }

  /** Whether an event of the id, received then, goes on. */
  private boolean stored(String site, int id, long receivedAt) throws Exception {
    TestEvent e = new TestEvent().at(receivedAt).id(1, id);
    e.site = site;
    harness.processElement(new StreamRecord<>(e.item()));
    return !Harness.take(harness).isEmpty();
  }

  @Test
  void theWindowIsCountedFromStoredOnesInBothDirections() throws Exception {
    open(null);
    assertTrue(stored("s", 1, Harness.NOW));
    assertTrue(!stored("s", 1, Harness.NOW));
    assertTrue(!stored("s", 1, Harness.NOW + LATE));
    assertTrue(!stored("s", 1, Harness.NOW - LATE));
    assertTrue(stored("s", 1, Harness.NOW + LATE + 1), "a duplicate does not prolong the window");
    assertTrue(!stored("s", 1, Harness.NOW + 2 * LATE + 1), "near the second");
    assertTrue(stored("s", 1, Harness.NOW - LATE - 1));
    assertTrue(stored("s", 1, Harness.NOW + 2 * LATE + 2));
    assertTrue(stored("t", 1, Harness.NOW), "of another site");
    assertTrue(stored("s", 2, Harness.NOW));
    harness.prepareSnapshotPreBarrier(1);
    String rows = LedgerText.of(Harness.takeSide(harness, Harness.LEDGER));
    assertEquals(6, rows.lines().filter(r -> r.contains(" 2  ")).mapToLong(r -> Long.parseLong(r.substring(r.lastIndexOf(' ') + 1))).sum());
    assertEquals(4, rows.lines().filter(r -> r.contains(" 3  ")).mapToLong(r -> Long.parseLong(r.substring(r.lastIndexOf(' ') + 1))).sum());
    harness.close();
  }

  @Test
  void absurdTimes() throws Exception {
    open(null);
    assertTrue(stored("s", 1, Long.MAX_VALUE));
    assertTrue(stored("s", 1, Long.MIN_VALUE));
    assertTrue(!stored("s", 1, Long.MAX_VALUE - 1));
    assertTrue(stored("s", 1, 0));
    harness.close();
  }

  @Test
  void aRestoreForgetsNothing() throws Exception {
    open(null);
    assertTrue(stored("s", 1, Harness.NOW));
    assertTrue(stored("s", 1, Harness.NOW + LATE + 1));
    OperatorSubtaskState state = Harness.checkpoint(harness, 1);
    assertEquals(2, Harness.takeSide(harness, Harness.LEDGER).size());
    harness.close();
    open(state);
    assertTrue(!stored("s", 1, Harness.NOW));
    assertTrue(!stored("s", 1, Harness.NOW + 2 * LATE));
    harness.prepareSnapshotPreBarrier(2);
    assertTrue(!LedgerText.of(Harness.takeSide(harness, Harness.LEDGER)).contains(" 2  "), "what was told is not told again");
    harness.close();
  }

  @Test
  void idsExpire() throws Exception {
    open(null);
    assertTrue(stored("s", 1, Harness.NOW));
    harness.setStateTtlProcessingTime(Harness.NOW + 7 * DAY + 1);
    assertTrue(stored("s", 1, Harness.NOW + LATE + 1), "a second occurrence keeps the first");
    harness.setStateTtlProcessingTime(Harness.NOW + 9 * DAY);
    assertTrue(!stored("s", 1, Harness.NOW + 9 * DAY), "near the second, though the first alone would have expired");
    harness.setStateTtlProcessingTime(Harness.NOW + 16 * DAY);
    assertTrue(stored("s", 1, Harness.NOW), "8 days after it was written last");
    harness.close();
  }
}
