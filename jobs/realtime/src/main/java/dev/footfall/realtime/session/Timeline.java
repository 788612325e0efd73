package dev.footfall.realtime.session;

import dev.footfall.realtime.record.Buffer;
import dev.footfall.realtime.record.EventView;
import dev.footfall.realtime.record.Limits;
import dev.footfall.realtime.types.Bytes;
import java.util.ArrayList;
import java.util.List;

/**
 * The segments of one session key, in order, and what they made of sessions when they were last told. All events of the key
 * that later ones can touch are in it.
 */
public final class Timeline {
  /**
   * How far around an event its key's events decide which sessions it changes: the proof stands at internal/stream's
   * historyMillis. What lies before may be forgotten.
   */
  private static final long HISTORY_MS = Limits.DAY_MS + 3 * Limits.GAP_MS;

  /** More than an id that never pauses has in the eight days for which states are kept: a guard against absurd times. */
  private static final int MAX_SEGMENTS = 1024;

  private final SessionKey key;
  private final List<Segment> segments;
  private final List<Piece> before;

  private Timeline(Bytes key, List<Segment> segments) {
    this.key = SessionKey.of(key);
    this.segments = segments;
    this.before = pieces();
  }

  /** A run of segments that makes one session: a whole chain, or one segment of a chain longer than 24 h. */
  private record Piece(int lo, int hi, long start, long chainStart, long end) {
    boolean sameTimes(Piece o) {
      return start == o.start && chainStart == o.chainStart && end == o.end;
    }
  }

  /** The timeline of a key, from its state, null for none. Segments that ended before floor take no event any more. */
  public static Timeline load(Bytes key, byte[] state, long floor) {
    List<Segment> segments = state == null ? new ArrayList<>(1) : SegmentCodec.decode(state);
    long forgotten = Limits.plus(floor, -HISTORY_MS);
    int n = Math.max(0, segments.size() - MAX_SEGMENTS);
    while (n < segments.size() && segments.get(n).last < forgotten) {
      n++;
    }
    segments.subList(0, n).clear();
    return new Timeline(key, segments);
  }

  /** The bytes that load takes. */
  public byte[] state(Buffer scratch) {
    return SegmentCodec.encode(segments, scratch);
  }

  /** The time of the key's last event. */
  public long last() {
    return segments.isEmpty() ? Long.MIN_VALUE : segments.get(segments.size() - 1).last;
  }

  public byte[] topicKey() {
    return key.topicKey();
  }

  /** Adds an event of one of the three types. */
  public void add(EventView e) {
    long at = e.timestamp();
    int i = find(at);
    boolean joinsBefore = i >= 0 && joins(segments.get(i), at);
    boolean joinsAfter = i + 1 < segments.size() && joins(segments.get(i + 1), at);
    if (joinsBefore && joinsAfter) {
      segments.get(i).merge(segments.remove(i + 1));
    } else if (joinsAfter) {
      i++;
    } else if (!joinsBefore) {
      segments.add(++i, new Segment());
    }
    segments.get(i).add(e, key.sessionId());
  }

  /** The last segment that begins at or before at, -1 when there is none. */
  private int find(long at) {
    int i = segments.size() - 1;
    while (i >= 0 && segments.get(i).first > at) {
      i--;
    }
    return i;
  }

  private static boolean joins(Segment g, long at) {
    return at <= Limits.plus(g.last, Limits.GAP_MS)
        && at >= Limits.plus(g.first, -Limits.GAP_MS)
        && Math.floorDiv(at, Limits.DAY_MS) == Math.floorDiv(g.first, Limits.DAY_MS);
  }

  /** The pieces that have a counted event, in order. */
  private List<Piece> pieces() {
    List<Piece> pieces = new ArrayList<>(2);
    for (int lo = 0, hi; lo < segments.size(); lo = hi) {
      hi = lo + 1;
      while (hi < segments.size() && segments.get(hi).first <= Limits.plus(segments.get(hi - 1).last, Limits.GAP_MS)) {
        hi++;
      }
      if (segments.get(hi - 1).last <= Limits.plus(segments.get(lo).first, Limits.SPLIT_MS)) {
        addPiece(pieces, lo, hi);
      } else {
        for (int i = lo; i < hi; i++) {
          addPiece(pieces, i, i + 1);
        }
      }
    }
    return pieces;
  }

  private void addPiece(List<Piece> pieces, int lo, int hi) {
    for (int i = lo; i < hi; i++) {
      Segment g = segments.get(i);
      if (g.events > 0) {
        pieces.add(new Piece(lo, hi, g.counted.time(), segments.get(lo).first, segments.get(hi - 1).last));
        return;
      }
    }
  }

  /** What takes one record of what changed. */
  public interface Records {
    /** Takes the record in the buffer, which is used again. */
    void take(Buffer record);
  }

  /** Tells the difference between the sessions when the timeline was loaded and now: withdrawals first. Called once. */
  public void tell(Buffer scratch, Records out) {
    List<Piece> after = pieces();
    withdrawals(after, scratch, out);
    int b = 0;
    for (Piece p : after) {
      while (b < before.size() && before.get(b).start < p.start) {
        b++;
      }
      boolean known = b < before.size() && before.get(b).sameTimes(p);
      if (!known || changed(p)) {
        SessionRecords.upsert(scratch.clear(), key, merged(p));
        out.take(scratch);
      }
    }
  }

  /** Both lists are ordered by start. */
  private void withdrawals(List<Piece> after, Buffer scratch, Records out) {
    int a = 0;
    for (Piece p : before) {
      while (a < after.size() && after.get(a).start < p.start) {
        a++;
      }
      if (a == after.size() || after.get(a).start != p.start) {
        SessionRecords.withdrawal(scratch.clear(), key, p.start);
        out.take(scratch);
      }
    }
  }

  private boolean changed(Piece p) {
    for (int i = p.lo; i < p.hi; i++) {
      if (segments.get(i).changed) {
        return true;
      }
    }
    return false;
  }

  private Segment merged(Piece p) {
    Segment first = segments.get(p.lo);
    if (p.hi == p.lo + 1) {
      return first;
    }
    Segment merged = first.copy();
    for (int i = p.lo + 1; i < p.hi; i++) {
      merged.merge(segments.get(i));
    }
    return merged;
  }
}
