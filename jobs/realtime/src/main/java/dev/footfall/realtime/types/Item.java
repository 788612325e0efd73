package dev.footfall.realtime.types;

import dev.footfall.realtime.record.Buffer;
import dev.footfall.realtime.record.EventView;
import dev.footfall.realtime.record.Frames;
import dev.footfall.realtime.record.XxHash64;
import java.io.IOException;
import java.util.Arrays;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

/**
 * An event on its way through the job: its record as it came, and what the steps ask of it, so that no step but sessions
 * has to read the record again. It is never changed once made.
 */
public final class Item {
  private byte[] record;
  private long idHigh;
  private long idLow;
  private long receivedAt;
  private long timestamp;
  private long sampleKey;
  private int type;
  private int band;
  private int siteFrom;
  private int siteLength;
  private int sessionFrom;
  private int sessionLength;

  Item() {}

  /** The item of a complete event; its record is a copy. */
  public static Item of(EventView view, int start, int end) {
    Item item = new Item();
    item.record = Arrays.copyOfRange(view.bytes(), start, end);
    item.idHigh = view.idHigh();
    item.idLow = view.idLow();
    item.receivedAt = view.receivedAt();
    item.timestamp = view.timestamp();
    item.sampleKey = view.sampleKey();
    item.type = view.type();
    item.band = view.band();
    item.siteFrom = view.from(EventView.WEBSITE_ID) - start;
    item.siteLength = view.length(EventView.WEBSITE_ID);
    item.sessionLength = view.length(EventView.SESSION_ID);
    item.sessionFrom = item.sessionLength == 0 ? 0 : view.from(EventView.SESSION_ID) - start;
    return item;
  }

  public byte[] record() {
    return record;
  }

  public long receivedAt() {
    return receivedAt;
  }

  public long timestamp() {
    return timestamp;
  }

  public int type() {
    return type;
  }

  public int band() {
    return band;
  }

  public byte[] site() {
    return Arrays.copyOfRange(record, siteFrom, siteFrom + siteLength);
  }

  public boolean siteEquals(byte[] other) {
    return Arrays.equals(record, siteFrom, siteFrom + siteLength, other, 0, other.length);
  }

  /** Key of duplicates: {@code event_id (16) | xxh64 of website_id (8)}. */
  public Bytes eventKey() {
    long site = XxHash64.hash(record, siteFrom, siteLength);
    return new Bytes(new Buffer(24).fixed64(idHigh).fixed64(idLow).fixed64(site).release());
  }

  /** Key of sessions: {@code bot band (1) | uvarint length of website_id | website_id | session_id}. */
  public Bytes sessionKey() {
    Buffer key = new Buffer(1 + Buffer.varintSize(siteLength) + siteLength + sessionLength);
    key.put(band).block(record, siteFrom, siteLength).put(record, sessionFrom, sessionLength);
    return new Bytes(key.release());
  }

  /** The event as the live windows see it. */
  public Hit hit() {
    Bytes key = WindowKey.ofShard(record, siteFrom, siteLength, timestamp, sampleKey);
    return new Hit(key, sampleKey, WindowKey.windowOf(timestamp), band, type == EventView.PAGEVIEW);
  }

  /** The event as a Kafka record: its bytes as they came. */
  public Message message() {
    Buffer key = new Buffer(siteLength + sessionLength).put(record, siteFrom, siteLength);
    return new Message(key.put(record, sessionFrom, sessionLength).release(), Frames.frame(record, 0, record.length));
  }

  void write(DataOutputView target) throws IOException {
    target.writeLong(idHigh);
    target.writeLong(idLow);
    target.writeLong(receivedAt);
    target.writeLong(timestamp);
    target.writeLong(sampleKey);
    target.writeByte(type);
    target.writeByte(band);
    target.writeInt(siteFrom);
    target.writeInt(siteLength);
    target.writeInt(sessionFrom);
    target.writeInt(sessionLength);
    target.writeInt(record.length);
    target.write(record);
  }

  static Item read(DataInputView source) throws IOException {
    Item item = new Item();
    item.idHigh = source.readLong();
    item.idLow = source.readLong();
    item.receivedAt = source.readLong();
    item.timestamp = source.readLong();
    item.sampleKey = source.readLong();
    item.type = source.readByte();
    item.band = source.readByte();
    item.siteFrom = source.readInt();
    item.siteLength = source.readInt();
    item.sessionFrom = source.readInt();
    item.sessionLength = source.readInt();
    item.record = new byte[source.readInt()];
    source.readFully(item.record);
    return item;
  }
}
