package dev.footfall.realtime.operator;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.footfall.realtime.TestEvent;
import dev.footfall.realtime.Vectors;
import dev.footfall.realtime.record.Buffer;
import dev.footfall.realtime.record.Kind;
import dev.footfall.realtime.record.Limits;
import dev.footfall.realtime.types.Item;
import dev.footfall.realtime.types.Message;
import java.util.List;
import java.util.Random;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.util.OneInputStreamOperatorTestHarness;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class IntakeTest {
  private OneInputStreamOperatorTestHarness<byte[], Item> harness;

  @BeforeEach
  void open() throws Exception {
    harness = new OneInputStreamOperatorTestHarness<>(new Intake(Harness.FLUSH_MS, Harness.LEDGER, Harness.FAILED));
    harness.open();
    harness.setProcessingTime(Harness.NOW);
  }

  @AfterEach
  void close() throws Exception {
    harness.close();
  }

  private void take(byte[]... frames) throws Exception {
    Buffer value = new Buffer(100);
    for (byte[] frame : frames) {
      value.put(frame);
    }
    harness.processElement(new StreamRecord<>(value.toBytes()));
  }

  private static byte[] frame(byte[] record) {
    return new Buffer(100).block(record).toBytes();
  }

  private String ledger() throws Exception {
    harness.prepareSnapshotPreBarrier(1);
    return LedgerText.of(Harness.takeSide(harness, Harness.LEDGER));
  }

  private List<Message> failed() {
    return Harness.takeSide(harness, Harness.FAILED);
  }

  @Test
  void eventsGoOnAsTheyCame() throws Exception {
    TestEvent e = new TestEvent().at(Harness.NOW).id(1, 1);
    take(e.frame(), frame(Vectors.record("tick", "some")), new TestEvent().at(5).id(1, 2).frame(), frame(new byte[] {99, 1}), frame(new byte[0]));
    List<Item> items = Harness.take(harness);
    assertEquals(2, items.size());
    assertArrayEquals(e.record(), items.get(0).record());
    assertEquals("sitek", new String(items.get(0).message().key()));
    assertArrayEquals(e.frame(), items.get(0).message().value());
    assertEquals("", ledger());
    assertTrue(failed().isEmpty());
  }

  @Test
  void receiptsAreCountedAndAddedUp() throws Exception {
    byte[] receipt = frame(Vectors.record("receipt", "some"));
    take(receipt, receipt);
    assertEquals("s 60000 1  8\ns 60000 4 dnt 4\ns 60000 5 no type 2", ledger());
    assertEquals("", ledger(), "rows are additive: each is told once");
    take(receipt);
    assertTrue(Harness.takeSide(harness, Harness.LEDGER).isEmpty());
    harness.setProcessingTime(Harness.NOW + Harness.FLUSH_MS);
    assertEquals(3, Harness.takeSide(harness, Harness.LEDGER).size(), "in time, without a checkpoint");
  }

  @Test
  void failedPayloadsGoOnAsTheyCame() throws Exception {
    byte[] frame = frame(Vectors.record("failed", "some"));
    take(frame);
    List<Message> failed = failed();
    assertEquals("s", new String(failed.get(0).key()));
    assertArrayEquals(frame, failed.get(0).value());
    assertEquals("", ledger(), "its receipt has counted it");
  }

  @Test
  void whatCannotBeReadIsAFailedEvent() throws Exception {
    TestEvent good = new TestEvent().at(120_500).id(1, 1);
    byte[] cut = java.util.Arrays.copyOf(good.record(), good.record().length - 1);
    take(good.frame(), frame(cut));
    TestEvent noType = new TestEvent().at(0).id(1, 2);
    noType.type = 0;
    take(frame(noType.record()), new TestEvent().at(180_000).frame()); // the second has no id
    assertEquals(1, Harness.take(harness).size());
    assertEquals(3, failed().size());
    assertEquals("site 120000 5 undecodable_record 2\nsite 180000 5 undecodable_record 1", ledger(), "a time that is not there is the last one met");
  }

  @Test
  void brokenReceiptsAndFailedOnesAreNotCountedAsEvents() throws Exception {
    byte[] receipt = Vectors.record("receipt", "some");
    byte[] failed = Vectors.record("failed", "some");
    take(frame(java.util.Arrays.copyOf(receipt, receipt.length - 1)), frame(java.util.Arrays.copyOf(failed, failed.length - 1)));
    assertEquals(2, failed().size());
    assertEquals("", ledger());
  }

  @Test
  void tornValues() throws Exception {
    TestEvent good = new TestEvent().at(60_000).id(1, 1);
    take(good.frame(), new Buffer(20).varint(100).put(Kind.EVENT).put(new byte[20]).toBytes());
    assertEquals(1, Harness.take(harness).size());
    List<Message> failed = failed();
    assertEquals(1, failed.size());
    assertEquals(" 60000 5 undecodable_record 1", ledger());
  }

  @Test
  void hugeRecordsAreFailedEventsAndCut() throws Exception {
    TestEvent e = new TestEvent().at(60_000).id(1, 1);
    e.page = "x".repeat(Limits.MAX_RECORD_BYTES);
    take(e.frame());
    List<Message> failed = failed();
    assertTrue(Harness.take(harness).isEmpty());
    assertTrue(failed.get(0).value().length < Limits.MAX_EVENT_BYTES + 100);
  }

  /** No input stops the job. */
  @Test
  void anything() throws Exception {
    Random random = new Random(7);
    byte[] frame = new TestEvent().at(60_000).id(1, 1).frame();
    for (int i = 0; i < 20_000; i++) {
      byte[] value = frame.clone();
      for (int n = random.nextInt(6); n >= 0; n--) {
        value[random.nextInt(value.length)] = (byte) random.nextInt();
      }
      harness.processElement(new StreamRecord<>(value));
    }
    harness.processElement(new StreamRecord<>(new byte[0]));
    for (Item item : Harness.take(harness)) {
      item.message();
      item.hit();
      item.sessionKey();
    }
    harness.prepareSnapshotPreBarrier(1);
  }
}
