package dev.footfall.realtime;

import dev.footfall.realtime.record.Buffer;
import dev.footfall.realtime.record.EventView;
import dev.footfall.realtime.record.Kind;
import dev.footfall.realtime.types.Item;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/** An event as tests write it; every field may be set. */
public final class TestEvent implements Cloneable {
  public byte[] id = new byte[16];
  public String site = "site";
  public int type = EventView.PAGEVIEW;
  public boolean interactive = true;
  public long timestamp;
  public long receivedAt;
  public String user = "u";
  public long sampleKey;
  public int coupon;
  public String session = "k";
  public String page = "";
  public String hostname = "";
  public String referrer = "";
  public String source = "";
  public String language = "";
  public int band;
  public long revenue;
  public String currency = "";
  public long timeOnPage;

  public TestEvent id(int first, int second) {
    id = new byte[16];
    id[0] = (byte) first;
    id[1] = (byte) (second >> 8);
    id[2] = (byte) second;
    return this;
  }

  public TestEvent at(long time) {
    timestamp = time;
    receivedAt = time;
    return this;
  }

  public static int typeOf(String name) {
    return java.util.List.of("", "pageview", "event", "engagement", "identify", "vitals", "error").indexOf(name);
  }

  public byte[] record() {
    Buffer out = new Buffer(256).put(Kind.EVENT);
    out.blockField(1, id, 0, id.length);
    text(out, 2, site).uintField(3, type).uintField(5, interactive ? 1 : 0).sintField(6, timestamp).sintField(7, receivedAt);
    text(out, 8, user).fixed64Field(9, sampleKey).fixed32Field(10, coupon);
    text(out, 11, session);
    text(out, 12, page);
    text(out, 13, hostname);
    text(out, 15, referrer);
    text(out, 16, source);
    text(out, 32, language).uintField(33, band * 25L).sintField(39, revenue);
    return text(out, 40, currency).sintField(41, timeOnPage).toBytes();
  }

  private static Buffer text(Buffer out, int num, String text) {
    return out.textField(num, text.getBytes(StandardCharsets.UTF_8));
  }

  public EventView view() {
    byte[] record = record();
    EventView view = new EventView();
    if (!view.read(record, 0, record.length)) {
      throw new IllegalStateException("the test's own event cannot be read");
    }
    return view;
  }

  public Item item() {
    byte[] record = record();
    return Item.of(view(), 0, record.length);
  }

  public byte[] frame() {
    byte[] record = record();
    return new Buffer(record.length + 5).block(record).toBytes();
  }

  public long idHigh() {
    return ByteBuffer.wrap(id).getLong();
  }

  public String key() {
    return String.format(Locale.ROOT, "%s|%s|%d", site, session, band);
  }

  @Override
  public TestEvent clone() {
    try {
      TestEvent copy = (TestEvent) super.clone();
      copy.id = id.clone();
      return copy;
    } catch (CloneNotSupportedException e) {
      throw new IllegalStateException(e);
    }
  }
}
