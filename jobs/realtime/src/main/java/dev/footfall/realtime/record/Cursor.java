package dev.footfall.realtime.record;

import java.util.Arrays;

/** Reads what {@link Buffer} wrote outside of messages: the states of this job, never foreign bytes. */
public final class Cursor {
  private final byte[] bytes;
  private int pos;

  public Cursor(byte[] bytes) {
    this.bytes = bytes;
  }

  public boolean atEnd() {
    return pos >= bytes.length;
  }

  public int position() {
    return pos;
  }

  public int get() {
    return bytes[pos++] & 0xff;
  }

  public long varint() {
    long v = 0;
    for (int shift = 0; ; shift += 7) {
      byte b = bytes[pos++];
      v |= (long) (b & 0x7f) << shift;
      if (b >= 0) {
        return v;
      }
    }
  }

  public long zigzag() {
    long v = varint();
    return v >>> 1 ^ -(v & 1);
  }

  public long fixed64() {
    long v = 0;
    for (int i = 7; i >= 0; i--) {
      v = v << 8 | bytes[pos + i] & 0xff;
    }
    pos += 8;
    return v;
  }

  public int fixed32() {
    int v = 0;
    for (int i = 3; i >= 0; i--) {
      v = v << 8 | bytes[pos + i] & 0xff;
    }
    pos += 4;
    return v;
  }

  public byte[] block() {
    int n = (int) varint();
    pos += n;
    return Arrays.copyOfRange(bytes, pos - n, pos);
  }
}
