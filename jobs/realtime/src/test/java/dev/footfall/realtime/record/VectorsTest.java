package dev.footfall.realtime.record;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.footfall.realtime.Vectors;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The bytes that Go writes: internal/event/vectors_test.go. */
class VectorsTest {
  private static final HexFormat HEX = HexFormat.of();

  private static byte[] site(String text) {
    return text.getBytes(java.nio.charset.StandardCharsets.UTF_8);
  }

  @Test
  void eventsAreReadAsGoReadsThem() {
    List<String[]> lines = Vectors.lines("event");
    assertEquals(7, lines.size());
    for (String[] line : lines) {
      byte[] record = HEX.parseHex(line[2]);
      EventView e = new EventView();
      assertTrue(e.read(record, 0, record.length), line[1]);
      assertEquals(String.join(" ", List.of(line).subList(3, line.length)), found(e), line[1]);
      assertEquals(!line[1].startsWith("no_"), e.complete(), line[1]);
    }
  }

  private static String found(EventView e) {
    return String.format(
        "id=%016x%016x site=%s type=%d interactive=%b timestamp=%d received_at=%d user=%s sample_key=%s coupon=%d session=%s"
            + " page=%s hostname=%s referrer=%s band=%d revenue=%d currency=%s time_on_page=%d",
        e.idHigh(), e.idLow(), hex(e, EventView.WEBSITE_ID), e.type(), e.interactive(), e.timestamp(), e.receivedAt(),
        hex(e, EventView.USER_ID), Long.toUnsignedString(e.sampleKey()), Integer.toUnsignedLong(e.visitorCoupon()),
        hex(e, EventView.SESSION_ID), hex(e, EventView.PAGE), hex(e, EventView.HOSTNAME), hex(e, EventView.REFERRER),
        e.band(), e.revenue(), hex(e, EventView.CURRENCY), e.timeOnPage());
  }

  private static String hex(EventView e, int num) {
    return HEX.formatHex(e.text(num));
  }

  /** A cut between two fields is a shorter valid message; every other one must be noticed. */
  @Test
  void cutEventsAreNoticed() {
    byte[] record = HEX.parseHex(Vectors.lines("event").get(0)[2]);
    EventView e = new EventView();
    int bad = 0;
    for (int n = 1; n < record.length; n++) {
      bad += e.read(record, 0, n) ? 0 : 1;
    }
    assertTrue(bad > record.length / 2, bad + " of " + record.length);
  }

  @Test
  void brokenPartsOfAnEventAreNoticed() {
    EventView e = new EventView();
    byte[] idOf15 = new Buffer(20).put(Kind.EVENT).blockField(1, new byte[15], 0, 15).toBytes();
    assertFalse(e.read(idOf15, 0, idOf15.length));
    byte[] property = new Buffer(20).put(Kind.EVENT).blockField(43, new byte[] {0x0a, 9}, 0, 2).toBytes();
    assertFalse(e.read(property, 0, property.length));
    byte[] group = {Kind.EVENT, 0x0b};
    assertFalse(e.read(group, 0, group.length));
    byte[] field0 = {Kind.EVENT, 0x00, 0x01};
    assertFalse(e.read(field0, 0, field0.length));
    byte[] endless = {Kind.EVENT, 0x10, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 1};
    assertFalse(e.read(endless, 0, endless.length));
  }

  @Test
  void fieldsOfALaterReleaseAreSkipped() {
    byte[] full = HEX.parseHex(Vectors.lines("event").get(0)[2]);
    byte[] record = new Buffer(2000).put(full).textField(999, site("later")).textField(1 << 28, site("later")).toBytes();
    EventView e = new EventView();
    assertTrue(e.read(record, 0, record.length));
    assertTrue(e.complete());
  }

  @Test
  void receiptsAreRead() {
    byte[] record = Vectors.record("receipt", "some");
    ReceiptView r = new ReceiptView();
    assertTrue(r.read(record, 0, record.length));
    assertEquals("s 61500 4", new String(r.websiteId) + " " + r.receivedAt + " " + r.received);
    assertEquals(2, r.refused.size());
    assertEquals(Outcome.FAILED, r.refused.get(0).outcome());
    assertEquals("no type", new String(r.refused.get(0).reason()));
    assertEquals(2, r.refused.get(1).count());
    assertFalse(r.read(record, 0, record.length - 1));
    assertEquals("s", new String(r.websiteId), "what stands before the broken place is there");
  }

  @Test
  void whatIsWrittenHasTheBytesThatGoWrites() {
    Buffer out = new Buffer(8);
    Records.failed(out, site("s"), 9, site("undecodable_record"), new byte[] {7, 0, (byte) 255, 7}, 1, 3);
    assertArrayEquals(Vectors.record("failed", "some"), out.toBytes());
    Records.failed(out.clear(), site(""), 0, site("undecodable_record"), new byte[0], 0, 0);
    assertArrayEquals(Vectors.record("failed", "empty"), out.toBytes());
    Records.tick(out.clear(), 1_700_000_000_000L);
    assertArrayEquals(Vectors.record("tick", "some"), out.toBytes());
    long[] counts = {1, 0, 300, 1L << 40, 2, 3, 4, 5, 0, 1, 2, 3};
    Records.metric(out.clear(), site("site"), 1, 1_700_000_000_000L, counts, 1_700_000_001_234L);
    assertArrayEquals(Vectors.record("metric", "some"), out.toBytes());
    Records.ledger(out.clear(), site("s"), Limits.minute(1_700_000_000_000L), Outcome.DUPLICATE, site(""), 1L << 33);
    assertArrayEquals(Vectors.record("ledger", "some"), out.toBytes());
    Records.ledger(out.clear(), site(""), Limits.minute(-1), Outcome.FAILED, site("undecodable_record"), 1);
    assertArrayEquals(Vectors.record("ledger", "refused"), out.toBytes());
  }

  @Test
  void hashes() {
    List<String[]> lines = Vectors.lines("xxh64");
    assertEquals(7, lines.size());
    for (String[] line : lines) {
      byte[] text = HEX.parseHex(line[1]);
      byte[] inside = new Buffer(8).put(9).put(text).put(9).toBytes();
      assertEquals(line[2], String.format("%016x", XxHash64.hash(inside, 1, text.length)));
    }
  }
}
