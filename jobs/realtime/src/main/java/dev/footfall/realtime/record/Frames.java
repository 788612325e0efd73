package dev.footfall.realtime.record;

/** The frames of one Kafka value: uvarint length | record, one behind the other. */
public final class Frames {
  private byte[] value;
  private int pos;
  private boolean torn;

  /** Of the current record: value[from:to]. */
  public int from;

  public int to;

  /** Begins a value; null is one without frames. */
  public Frames reset(byte[] value) {
    this.value = value == null ? new byte[0] : value;
    pos = 0;
    torn = false;
    return this;
  }

  /** Goes to the next frame. Where the rest of the value is no frame, that rest is the last one, and torn. */
  public boolean next() {
    if (torn || pos >= value.length) {
      return false;
    }
    int start = pos;
    long length = 0;
    for (int shift = 0; pos < value.length && shift < 64; shift += 7) {
      byte b = value[pos++];
      length |= (long) (b & 0x7f) << shift;
      if (b >= 0) {
        return frame(length);
      }
    }
    return tear(start);
  }

  private boolean frame(long length) {
    if (length < 0 || length > value.length - pos) {
      return tear(pos);
    }
    from = pos;
    to = pos + (int) length;
    pos = to;
    return true;
  }

  private boolean tear(int at) {
    torn = true;
    from = at;
    to = value.length;
    return true;
  }

  public boolean torn() {
    return torn;
  }

  /** The kind of the current record, 0 for an empty one. */
  public int kind() {
    return from < to ? value[from] & 0xff : 0;
  }

  /** bytes[from:from+length] as a frame. */
  public static byte[] frame(byte[] bytes, int from, int length) {
    return new Buffer(Buffer.varintSize(length) + length).block(bytes, from, length).release();
  }

  /** The bytes that a record takes as a frame. */
  public static byte[] frame(Buffer record) {
    return frame(record.array(), 0, record.length());
  }
}
