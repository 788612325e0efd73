package dev.footfall.realtime.record;

/**
 * xxh64 with seed 0, the hash of internal/eventlog. It stands in keys of states, so it must not change. A library for this
 * one function would be the only thing packed into the job's jar.
 */
public final class XxHash64 {
  private static final long P1 = 0x9E3779B185EBCA87L;
  private static final long P2 = 0xC2B2AE3D27D4EB4FL;
  private static final long P3 = 0x165667B19E3779F9L;
  private static final long P4 = 0x85EBCA77C2B2AE63L;
  private static final long P5 = 0x27D4EB2F165667C5L;

  private XxHash64() {}

  /** The hash of bytes[from:from+length]. */
  public static long hash(byte[] bytes, int from, int length) {
    int end = from + length;
    int at = from;
    long h;
    if (length >= 32) {
      long a = P1 + P2;
      long b = P2;
      long c = 0;
      long d = -P1;
      for (; at <= end - 32; at += 32) {
        a = round(a, word(bytes, at));
        b = round(b, word(bytes, at + 8));
        c = round(c, word(bytes, at + 16));
        d = round(d, word(bytes, at + 24));
      }
      h = rotate(a, 1) + rotate(b, 7) + rotate(c, 12) + rotate(d, 18);
      h = merge(merge(merge(merge(h, a), b), c), d);
    } else {
      h = P5;
    }
    return tail(h + length, bytes, at, end);
  }

  private static long tail(long h, byte[] bytes, int at, int end) {
    for (; at <= end - 8; at += 8) {
      h = rotate(h ^ round(0, word(bytes, at)), 27) * P1 + P4;
    }
    if (at <= end - 4) {
      h = rotate(h ^ half(bytes, at) * P1, 23) * P2 + P3;
      at += 4;
    }
    for (; at < end; at++) {
      h = rotate(h ^ (bytes[at] & 0xff) * P5, 11) * P1;
    }
    h = (h ^ h >>> 33) * P2;
    h = (h ^ h >>> 29) * P3;
    return h ^ h >>> 32;
  }

  private static long round(long h, long word) {
    return rotate(h + word * P2, 31) * P1;
  }

  private static long merge(long h, long lane) {
    return (h ^ round(0, lane)) * P1 + P4;
  }

  private static long rotate(long v, int by) {
    return Long.rotateLeft(v, by);
  }

  private static long half(byte[] b, int at) {
    return b[at] & 0xff | (b[at + 1] & 0xff) << 8 | (b[at + 2] & 0xff) << 16 | (b[at + 3] & 0xffL) << 24;
  }

  private static long word(byte[] b, int at) {
    return half(b, at) | half(b, at + 4) << 32;
  }
}
