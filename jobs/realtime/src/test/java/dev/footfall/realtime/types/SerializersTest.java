package dev.footfall.realtime.types;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import dev.footfall.realtime.TestEvent;
import java.io.IOException;
import org.apache.flink.api.common.serialization.SerializerConfigImpl;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.junit.jupiter.api.Test;

class SerializersTest {
  /** Serializes, reads again with a serializer restored from the snapshot, and checks that the bytes are used up. */
  private static <T> T through(FlatType<T> type, T element) throws IOException {
    TypeSerializer<T> serializer = type.createSerializer(new SerializerConfigImpl());
    DataOutputSerializer snapshot = new DataOutputSerializer(64);
    TypeSerializerSnapshot.writeVersionedSnapshot(snapshot, serializer.snapshotConfiguration());
    TypeSerializerSnapshot<T> restored =
        TypeSerializerSnapshot.readVersionedSnapshot(new DataInputDeserializer(snapshot.getCopyOfBuffer()), SerializersTest.class.getClassLoader());
    DataOutputSerializer out = new DataOutputSerializer(64);
    serializer.serialize(element, out);
    DataInputDeserializer in = new DataInputDeserializer(out.getCopyOfBuffer());
    DataOutputSerializer copied = new DataOutputSerializer(64);
    serializer.copy(new DataInputDeserializer(out.getCopyOfBuffer()), copied);
    assertArrayEquals(out.getCopyOfBuffer(), copied.getCopyOfBuffer());
    T back = restored.restoreSerializer().deserialize(in);
    assertEquals(0, in.available());
    return back;
  }

  @Test
  void keysOfEveryLength() throws IOException {
    for (int length : new int[] {0, 1, 24, 254, 255, 256, 70_000}) {
      Bytes key = new Bytes(new byte[length]);
      assertEquals(key, through(FlatType.BYTES, key));
      assertEquals(key.hashCode(), through(FlatType.BYTES, key).hashCode());
    }
    assertNotEquals(new Bytes(new byte[] {1}), new Bytes(new byte[] {2}));
  }

  @Test
  void elements() throws IOException {
    TestEvent e = new TestEvent().at(1_763_856_000_000L).id(1, 2);
    e.sampleKey = -3;
    e.band = 3;
    Item item = through(FlatType.ITEM, e.item());
    assertArrayEquals(e.record(), item.record());
    assertEquals(e.item().eventKey(), item.eventKey());
    assertEquals(e.item().sessionKey(), item.sessionKey());
    assertEquals(e.receivedAt, item.receivedAt());
    assertEquals(e.type, item.type());
    assertEquals(e.item().hit(), item.hit());
    Hit hit = new Hit(item.sessionKey(), -1, 5, 3, true);
    assertEquals(hit, through(FlatType.HIT, hit));
    Message m = through(FlatType.MESSAGE, item.message());
    assertArrayEquals(item.message().key(), m.key());
    assertArrayEquals(item.message().value(), m.value());
    long[] counts = {1, -2, 3, Long.MAX_VALUE, 5, 6, 7, 8, 9, 10, 11, 12};
    Delta delta = through(FlatType.DELTA, new Delta(item.eventKey(), 5, counts));
    assertEquals(item.eventKey(), delta.key());
    assertArrayEquals(counts, delta.counts());
    assertEquals(5, delta.window());
  }

  /** Keys stand in states: an upgrade with other bytes would find none of them. */
  @Test
  void bytesOfKeys() {
    Item item = new TestEvent().at(1_763_856_012_345L).id(7, 0x102).item();
    assertEquals("0000000000020107" + "0000000000000000" + "bae854a08363a57a", hex(item.eventKey()));
    assertEquals("00" + "04" + "73697465" + "6b", hex(item.sessionKey()));
    assertEquals("73697465" + "00a402ae9a010000" + "00", hex(item.hit().key()));
    assertEquals("73697465" + "00a402ae9a010000", hex(WindowKey.withoutShard(item.hit().key())));
    assertEquals(1_763_856_000_000L, WindowKey.startOfShard(item.hit().key()));
    assertEquals(1_763_856_000_000L, WindowKey.start(WindowKey.withoutShard(item.hit().key())));
  }

  private static String hex(Bytes key) {
    return java.util.HexFormat.of().formatHex(key.array());
  }
}
