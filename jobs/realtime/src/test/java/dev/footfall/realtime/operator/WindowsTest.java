package dev.footfall.realtime.operator;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.footfall.realtime.TestEvent;
import dev.footfall.realtime.record.Buffer;
import dev.footfall.realtime.record.EventView;
import dev.footfall.realtime.record.Fields;
import dev.footfall.realtime.record.Frames;
import dev.footfall.realtime.types.Bytes;
import dev.footfall.realtime.types.Delta;
import dev.footfall.realtime.types.Hit;
import dev.footfall.realtime.types.Item;
import dev.footfall.realtime.types.Message;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.util.KeyedOneInputStreamOperatorTestHarness;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Both steps of the live windows, one behind the other. */
class WindowsTest {
  private static final long START = Harness.NOW;
  private static final long LATE = 35 * 60_000;

  private KeyedOneInputStreamOperatorTestHarness<Bytes, Hit, Delta> visitors;
  private KeyedOneInputStreamOperatorTestHarness<Bytes, Delta, Message> windows;
  private final Map<String, String> rows = new HashMap<>();

  private void open(OperatorSubtaskState first, OperatorSubtaskState second) throws Exception {
    open(first, second, false);
  }

  private void open(OperatorSubtaskState first, OperatorSubtaskState second, boolean heap) throws Exception {
    visitors = Harness.open(new CountVisitors(Harness.FLUSH_MS), Hit::key, first, heap);
    windows = Harness.open(new SumWindows(Harness.FLUSH_MS), Delta::key, second, heap);
  }

  @AfterEach
  void close() throws Exception {
    if (visitors != null) {
      visitors.close();
      windows.close();
    }
  }

  private void add(Item item) throws Exception {
    visitors.processElement(new StreamRecord<>(item.hit()));
  }

  private static TestEvent event(long at, long user, int band) {
    TestEvent e = new TestEvent().at(at).id(1, 1);
    e.sampleKey = user;
    e.band = band;
    return e;
  }

  /** Lets both steps go, as a checkpoint does, and returns the new rows. */
  private List<Message> flush() throws Exception {
    visitors.prepareSnapshotPreBarrier(1);
    return pass();
  }

  private List<Message> pass() throws Exception {
    for (Delta delta : Harness.take(visitors)) {
      windows.processElement(new StreamRecord<>(delta));
    }
    windows.prepareSnapshotPreBarrier(1);
    List<Message> messages = Harness.take(windows);
    messages.forEach(m -> rows.put(new String(m.key()) + " " + field(m, 2), text(m)));
    return messages;
  }

  private void watermark(long at) throws Exception {
    visitors.processWatermark(at);
    for (Delta delta : Harness.take(visitors)) {
      windows.processElement(new StreamRecord<>(delta));
    }
    windows.processWatermark(at);
  }

  private static long field(Message m, int num) {
    Frames frames = new Frames().reset(m.value());
    frames.next();
    Fields f = new Fields().reset(m.value(), frames.from + 1, frames.to);
    while (f.next()) {
      if (f.num == num) {
        return f.signed();
      }
    }
    return 0;
  }

  /** Pageviews, events and visitors, as "1,0,0,0 1,0,0,0 1,1,1,1". */
  private static String text(Message m) {
    StringBuilder text = new StringBuilder();
    Frames frames = new Frames().reset(m.value());
    frames.next();
    Fields f = new Fields().reset(m.value(), frames.from + 1, frames.to);
    while (f.next()) {
      if (f.num >= 3 && f.num <= 5) {
        byte[] packed = Arrays.copyOfRange(m.value(), f.from, f.from + f.length);
        var in = new dev.footfall.realtime.record.Cursor(packed);
        text.append(text.isEmpty() ? "" : " ").append(in.varint()).append(',').append(in.varint()).append(',').append(in.varint()).append(',').append(in.varint());
        assertTrue(in.atEnd());
      }
    }
    return text.toString();
  }

  @Test
  void countsByBandAndVisitorsByThreshold() throws Exception {
    open(null, null);
    add(event(START + 1, 7, 0).item());
    add(event(START + 9_999, 7, 2).item()); // the same visitor in a higher band
    add(event(START + 5, -1L, 3).item());
    TestEvent custom = event(START + 5, 9, 1);
    custom.type = EventView.CUSTOM;
    add(custom.item());
    add(event(START + 10_000, 7, 0).item());
    assertEquals(2, flush().size());
    assertEquals("1,0,1,1 1,1,1,1 1,2,2,3", rows.get("site " + START));
    assertEquals("1,0,0,0 1,0,0,0 1,1,1,1", rows.get("site " + (START + 10_000)));
    add(event(START + 5, -1L, 1).item()); // now in a lower one
    flush();
    assertEquals("1,1,1,1 1,2,1,1 1,3,3,3", rows.get("site " + START));
    assertEquals(0, flush().size(), "only what changed");
  }

  @Test
  void rowsComeInTimeAndInOrder() throws Exception {
    open(null, null);
    add(event(START, 1, 0).item());
    visitors.setProcessingTime(START + Harness.FLUSH_MS);
    assertEquals(1, visitors.getOutput().size());
    long first = field(pass().get(0), 6);
    windows.setProcessingTime(START - 50_000); // as after a move to a machine whose clock is behind
    add(event(START, 2, 0).item());
    long second = field(flush().get(0), 6);
    assertTrue(second > first, first + " then " + second);
  }

  @Test
  void windowsTakeEventsFor35MinutesAndAreDropped() throws Exception {
    open(null, null, true);
    long end = START + 10_000;
    add(event(START, 1, 0).item());
    flush();
    watermark(end + LATE - 1);
    add(event(START, 2, 0).item());
    assertEquals("2,0,0,0 2,0,0,0 2,2,2,2", text(flush().get(0)));
    watermark(end + LATE);
    add(event(START, 3, 0).item());
    assertEquals(0, flush().size());
    add(event(START + 50_000, 3, 0).item());
    assertEquals(1, flush().size(), "the last window of the minute still takes events");
    watermark(START + 60_000 + LATE - 1);
    add(event(START + 59_999, 4, 0).item());
    watermark(START + 60_000 + LATE); // what is gathered comes before the end
    assertEquals("2,0,0,0 2,0,0,0 2,2,2,2", text(Harness.take(windows).stream().reduce((a, b) -> b).orElseThrow()));
    assertEquals(0, visitors.numKeyedStateEntries() + windows.numKeyedStateEntries());
    assertEquals(0, visitors.numEventTimeTimers() + windows.numEventTimeTimers());
  }

  @Test
  void absurdTimesAreNotCounted() throws Exception {
    open(null, null, true);
    watermark(START);
    for (long at : new long[] {0, Long.MIN_VALUE, Long.MAX_VALUE, START + 200_000}) {
      add(event(at, 1, 0).item());
    }
    assertEquals(0, flush().size());
    assertEquals(0, visitors.numKeyedStateEntries());
  }

  @Test
  void onlyCountedTypesAreHits() throws Exception {
    Set<Integer> hits = new HashSet<>();
    for (int type = 1; type <= EventView.ERROR; type++) {
      TestEvent e = event(START, 1, 0);
      e.type = type;
      new ToHits().flatMap(e.item(), collector(hits, type));
    }
    assertEquals(Set.of(EventView.PAGEVIEW, EventView.CUSTOM), hits);
  }

  private static org.apache.flink.util.Collector<Hit> collector(Set<Integer> hits, int type) {
    return new org.apache.flink.util.Collector<>() {
      @Override
      public void collect(Hit hit) {
        hits.add(type);
      }

      @Override
      public void close() {}
    };
  }

  /** Many visitors, in all shards, across restores: what the rows say last is what a recount of the events says. */
  @Test
  void randomEventsAcrossRestores() throws Exception {
    Random random = new Random(5);
    open(null, null);
    Map<String, long[]> counts = new HashMap<>();
    Map<String, Set<Long>> seen = new HashMap<>();
    for (int i = 0; i < 4000; i++) {
      TestEvent e = event(START + random.nextInt(40_000), random.nextInt(300) * 0x9E3779B97F4A7C15L, random.nextInt(4));
      e.type = 1 + random.nextInt(2);
      e.site = random.nextBoolean() ? "site" : "other";
      add(e.item());
      recount(e, counts, seen);
      if (i % 1000 == 500) {
        flush();
        OperatorSubtaskState first = visitors.snapshot(i, i);
        OperatorSubtaskState second = windows.snapshot(i, i);
        close();
        open(first, second);
      } else if (random.nextInt(50) == 0) {
        flush();
      }
    }
    flush();
    assertEquals(8, rows.size());
    counts.forEach((key, c) -> assertEquals(join(c, 0) + " " + join(c, 4) + " " + join(c, 8), rows.get(key), key));
  }

  private static void recount(TestEvent e, Map<String, long[]> counts, Map<String, Set<Long>> seen) {
    String key = e.site + " " + (e.timestamp - e.timestamp % 10_000);
    long[] c = counts.computeIfAbsent(key, k -> new long[12]);
    c[e.band] += e.type == EventView.PAGEVIEW ? 1 : 0;
    c[4 + e.band]++;
    for (int threshold = e.band + 1; threshold <= 4; threshold++) {
      if (seen.computeIfAbsent(key + " " + threshold, k -> new HashSet<>()).add(e.sampleKey)) {
        c[8 + threshold - 1]++;
      }
    }
  }

  private static String join(long[] c, int from) {
    return c[from] + "," + c[from + 1] + "," + c[from + 2] + "," + c[from + 3];
  }

  @Test
  void tablesOfVisitorsGrow() {
    BandTable table = new BandTable();
    Random random = new Random(1);
    Map<Long, Integer> want = new HashMap<>();
    for (int i = 0; i < 5000; i++) {
      long key = random.nextInt(2000) * 31L;
      int band = random.nextInt(4);
      assertEquals(want.getOrDefault(key, 4), table.put(key, band, 4));
      want.merge(key, band, Math::min);
    }
    Buffer bytes = new Buffer(8);
    table.encode(bytes);
    BandTable again = BandTable.decode(new dev.footfall.realtime.record.Cursor(bytes.toBytes()));
    want.forEach((key, band) -> assertEquals(band, again.put(key, 3, 4)));
  }
}
