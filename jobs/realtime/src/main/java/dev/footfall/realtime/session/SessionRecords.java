package dev.footfall.realtime.session;

import dev.footfall.realtime.record.Buffer;
import dev.footfall.realtime.record.Cursor;
import dev.footfall.realtime.record.Kind;
import dev.footfall.realtime.session.Visitors.Visitor;

/** Writes Session records, in the very order of internal/event. */
final class SessionRecords {
  private SessionRecords() {}

  static void withdrawal(Buffer out, SessionKey key, long start) {
    out.put(Kind.SESSION);
    key(out, key, start);
    out.uintField(39, 1);
  }

  /** The segment, or the merge of several, as a session of the key. */
  static void upsert(Buffer out, SessionKey key, Segment g) {
    out.put(Kind.SESSION);
    key(out, key, g.counted.time());
    out.sintField(5, g.first).sintField(6, g.last);
    out.fixed64Field(8, g.user.sampleKey()).fixed32Field(9, g.user.coupon());
    if (g.visitors != null) {
      g.visitors.sorted().forEach(v -> visitor(out, v));
    }
    out.uintField(11, g.pageviews).uintField(12, g.events).uintField(13, g.interactive).sintField(14, g.engagedMs);
    out.uintField(15, g.revenueEvents).sintField(16, g.revenue);
    out.textField(7, g.userId == null ? key.sessionId() : g.userId).textField(17, g.currency);
    place(out, 18, g.entryPlace);
    place(out, 20, g.exitPlace);
    out.put(g.attributes);
  }

  private static void key(Buffer out, SessionKey key, long start) {
    out.textField(1, key.websiteId()).textField(2, key.sessionId()).uintField(3, key.band()).sintField(4, start);
  }

  private static void visitor(Buffer out, Visitor v) {
    Buffer inner = new Buffer(16).fixed64Field(1, v.sampleKey()).fixed32Field(2, v.coupon());
    out.blockField(10, inner.array(), 0, inner.length());
  }

  private static void place(Buffer out, int num, byte[] place) {
    if (place.length > 0) {
      Cursor in = new Cursor(place);
      byte[] page = in.block();
      out.textField(num, page).textField(num + 1, place, in.position(), place.length - in.position());
    }
  }
}
