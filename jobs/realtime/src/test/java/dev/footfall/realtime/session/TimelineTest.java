package dev.footfall.realtime.session;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.footfall.realtime.SessionRow;
import dev.footfall.realtime.TestEvent;
import dev.footfall.realtime.Vectors;
import dev.footfall.realtime.record.Buffer;
import dev.footfall.realtime.record.EventView;
import dev.footfall.realtime.types.Bytes;
import dev.footfall.realtime.types.Item;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;

class TimelineTest {
  /** Every field of a session, and its bytes, are those that Go writes. */
  @Test
  void aSessionHasTheBytesThatGoWrites() {
    Timeline timeline = null;
    EventView e = new EventView();
    for (String[] line : Vectors.lines("input")) {
      byte[] record = HexFormat.of().parseHex(line[1]);
      assertTrue(e.read(record, 0, record.length));
      if (timeline == null) {
        timeline = Timeline.load(Item.of(e, 0, record.length).sessionKey(), null, Long.MIN_VALUE);
      }
      timeline.add(e);
    }
    assertArrayEquals(Vectors.record("session", "full"), only(timeline));
    Buffer scratch = new Buffer(16);
    Bytes key = new Bytes(new Buffer(8).put(2).block("site".getBytes()).put('k').toBytes());
    SessionRecords.withdrawal(scratch, SessionKey.of(key), 1_700_000_000_000L);
    assertArrayEquals(Vectors.record("session", "withdrawn"), scratch.toBytes());
  }

  private static byte[] only(Timeline timeline) {
    List<byte[]> told = new ArrayList<>();
    timeline.tell(new Buffer(16), r -> told.add(r.toBytes()));
    assertEquals(1, told.size());
    return told.get(0);
  }

  @Test
  void theStateOfASinglePageView() {
    TestEvent e = new TestEvent().at(1_763_856_000_000L).id(1, 1);
    e.page = "/a";
    Store store = new Store();
    store.step(List.of(e));
    assertEquals(49, store.states.values().iterator().next().length, "bytes, texts included: the README says so");
  }

  /** Absurd times, as a door would never write them, change nothing of other sessions and stop nothing. */
  @Test
  void absurdTimes() {
    Store store = new Store();
    long[] times = {0, -1, Long.MIN_VALUE, Long.MAX_VALUE, Long.MAX_VALUE - 5, Long.MIN_VALUE + 3, 1L << 62, 4_000_000_000_000L, 0};
    for (int i = 0; i < times.length; i++) {
      store.step(List.of(new TestEvent().at(times[i]).id(1, i)));
    }
    TestEvent sane = new TestEvent().at(1_763_856_000_000L).id(9, 9);
    List<SessionRow> rows = store.step(List.of(sane));
    assertEquals(1, rows.size());
    assertEquals(1, rows.get(0).number(12));
    assertEquals(sane.timestamp, rows.get(0).start());
  }

  /** A session id that ever new visitors share must not outgrow a message. */
  @Test
  void visitorsAreBounded() {
    TestEvent e = new TestEvent().at(1_763_856_000_000L);
    Timeline timeline = Timeline.load(e.item().sessionKey(), null, Long.MIN_VALUE);
    for (int i = 0; i < Visitors.MAX + 100; i++) {
      e.sampleKey = i * 0x9E3779B97F4A7C15L;
      e.coupon = i;
      timeline.add(e.id(1, i).view());
    }
    byte[] told = only(timeline);
    assertTrue(told.length < 1 << 20, told.length + " bytes");
    assertEquals(Visitors.MAX + 100, SessionRow.of(told, 0, told.length).number(12));
    byte[] state = timeline.state(new Buffer(16));
    assertTrue(state.length < 1 << 19, state.length + " bytes");
  }
}
