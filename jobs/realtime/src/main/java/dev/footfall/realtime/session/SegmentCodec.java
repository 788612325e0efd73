package dev.footfall.realtime.session;

import dev.footfall.realtime.record.Buffer;
import dev.footfall.realtime.record.Cursor;
import dev.footfall.realtime.session.Visitors.Visitor;
import java.util.ArrayList;
import java.util.List;

/**
 * The segments of a key as the bytes that stand in the state: what later events can still change and what a session shows,
 * no more. A single page view takes about 75 bytes and its texts.
 *
 * <pre>
 * version (1) | segments, each:
 *   flags                                   uvarint, below
 *   first, last - first                     zigzag, uvarint
 *   engaged                                 zigzag
 *   counted?   mark | coupon (4) | sample key (8) | events | interactive | attributes | user id?
 *   viewed?    entry? | entry place | pageviews | exit mark and place?
 *   earned?    currency | revenue events | revenue
 *   visitors?  n | n of coupon, sample key
 *   mark       time - first (uvarint) | id (16)
 * </pre>
 *
 * <p>A later version must be able to read the earlier ones: the first byte tells.
 */
final class SegmentCodec {
  private static final int VERSION = 1;

  private static final int COUNTED = 1;
  private static final int VIEWED = 2;
  private static final int EARNED = 4;
  private static final int VISITORS = 8;
  private static final int USER = 16; // the user id is not the session id
  private static final int ENTRY = 32; // the first page view is not the first counted event
  private static final int EXIT = 64; // the last page view is not the first

  private SegmentCodec() {}

  static byte[] encode(List<Segment> segments, Buffer out) {
    out.clear().put(VERSION);
    for (Segment g : segments) {
      encode(g, out);
    }
    return out.toBytes();
  }

  static List<Segment> decode(byte[] bytes) {
    Cursor in = new Cursor(bytes);
    int version = in.get();
    if (version != VERSION) {
      throw new IllegalStateException("BUG: segments of version " + version);
    }
    List<Segment> segments = new ArrayList<>(2);
    while (!in.atEnd()) {
      segments.add(decode(in));
    }
    return segments;
  }

  private static int flags(Segment g) {
    int flags = 0;
    if (g.events > 0) {
      flags |= COUNTED;
      flags |= g.userId != null ? USER : 0;
    }
    if (g.pageviews > 0) {
      flags |= VIEWED;
      flags |= g.entry.equals(g.counted) ? 0 : ENTRY;
      flags |= g.exit.equals(g.entry) ? 0 : EXIT;
    }
    flags |= g.currency.length > 0 ? EARNED : 0;
    return flags | (g.visitors != null ? VISITORS : 0);
  }

  private static void encode(Segment g, Buffer out) {
    int flags = flags(g);
    out.varint(flags).zigzag(g.first).varint(g.last - g.first).zigzag(g.engagedMs);
    if ((flags & COUNTED) != 0) {
      mark(out, g, g.counted);
      visitor(out, g.user);
      out.varint(g.events).varint(g.interactive).block(g.attributes);
      if ((flags & USER) != 0) {
        out.block(g.userId);
      }
    }
    if ((flags & VIEWED) != 0) {
      if ((flags & ENTRY) != 0) {
        mark(out, g, g.entry);
      }
      out.block(g.entryPlace).varint(g.pageviews);
      if ((flags & EXIT) != 0) {
        mark(out, g, g.exit);
        out.block(g.exitPlace);
      }
    }
    if ((flags & EARNED) != 0) {
      out.block(g.currency).varint(g.revenueEvents).zigzag(g.revenue);
    }
    if ((flags & VISITORS) != 0) {
      out.varint(g.visitors.list().size());
      g.visitors.list().forEach(v -> visitor(out, v));
    }
  }

  private static Segment decode(Cursor in) {
    Segment g = new Segment();
    int flags = (int) in.varint();
    g.first = in.zigzag();
    g.last = g.first + in.varint();
    g.engagedMs = in.zigzag();
    if ((flags & COUNTED) != 0) {
      g.counted = mark(in, g);
      g.user = visitor(in);
      g.events = in.varint();
      g.interactive = in.varint();
      g.attributes = in.block();
      g.userId = (flags & USER) != 0 ? in.block() : null;
    }
    if ((flags & VIEWED) != 0) {
      decodeViews(in, g, flags);
    }
    if ((flags & EARNED) != 0) {
      g.currency = in.block();
      g.revenueEvents = in.varint();
      g.revenue = in.zigzag();
    }
    if ((flags & VISITORS) != 0) {
      g.visitors = new Visitors();
      for (long n = in.varint(); n > 0; n--) {
        g.visitors.add(visitor(in));
      }
    }
    return g;
  }

  private static void decodeViews(Cursor in, Segment g, int flags) {
    g.entry = (flags & ENTRY) != 0 ? mark(in, g) : g.counted;
    g.entryPlace = in.block();
    g.pageviews = in.varint();
    g.exit = (flags & EXIT) != 0 ? mark(in, g) : g.entry;
    g.exitPlace = (flags & EXIT) != 0 ? in.block() : g.entryPlace;
  }

  private static void mark(Buffer out, Segment g, Mark m) {
    out.varint(m.time() - g.first).fixed64(m.idHigh()).fixed64(m.idLow());
  }

  private static Mark mark(Cursor in, Segment g) {
    return new Mark(g.first + in.varint(), in.fixed64(), in.fixed64());
  }

  private static void visitor(Buffer out, Visitor v) {
    out.fixed32(v.coupon()).fixed64(v.sampleKey());
  }

  private static Visitor visitor(Cursor in) {
    int coupon = in.fixed32();
    return new Visitor(in.fixed64(), coupon);
  }
}
