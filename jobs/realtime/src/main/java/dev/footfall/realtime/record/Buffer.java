package dev.footfall.realtime.record;

import java.util.Arrays;

/** A growing array of bytes that writes the protobuf wire format. A default value is left out, as record.md says. */
public final class Buffer {
  private byte[] bytes;
  private int length;

  public Buffer(int capacity) {
    bytes = new byte[capacity];
  }

  public Buffer clear() {
    length = 0;
    return this;
  }

  public int length() {
    return length;
  }

  /** The bytes behind the buffer; those from length() on mean nothing. They are valid until the next write. */
  public byte[] array() {
    return bytes;
  }

  public byte[] toBytes() {
    return Arrays.copyOf(bytes, length);
  }

  /** The bytes of a buffer that is not used again: without a copy where its capacity was right. */
  public byte[] release() {
    return bytes.length == length ? bytes : toBytes();
  }

  /** How many bytes varint takes. */
  public static int varintSize(long v) {
    return (70 - Long.numberOfLeadingZeros(v | 1)) / 7;
  }

  public Buffer put(int b) {
    room(1);
    bytes[length++] = (byte) b;
    return this;
  }

  public Buffer put(byte[] from, int offset, int n) {
    room(n);
    System.arraycopy(from, offset, bytes, length, n);
    length += n;
    return this;
  }

  public Buffer put(byte[] from) {
    return put(from, 0, from.length);
  }

  public Buffer varint(long v) {
    room(varintSize(v));
    while ((v & ~0x7fL) != 0) {
      bytes[length++] = (byte) (v & 0x7f | 0x80);
      v >>>= 7;
    }
    bytes[length++] = (byte) v;
    return this;
  }

  public Buffer zigzag(long v) {
    return varint(v << 1 ^ v >> 63);
  }

  public Buffer fixed64(long v) {
    room(8);
    for (int i = 0; i < 8; i++) {
      bytes[length++] = (byte) (v >>> 8 * i);
    }
    return this;
  }

  public Buffer fixed32(int v) {
    room(4);
    for (int i = 0; i < 4; i++) {
      bytes[length++] = (byte) (v >>> 8 * i);
    }
    return this;
  }

  /** Bytes behind their length. */
  public Buffer block(byte[] from, int offset, int n) {
    return varint(n).put(from, offset, n);
  }

  public Buffer block(byte[] from) {
    return block(from, 0, from.length);
  }

  public Buffer uintField(int num, long v) {
    return v == 0 ? this : varint((long) num << 3).varint(v);
  }

  public Buffer sintField(int num, long v) {
    return v == 0 ? this : varint((long) num << 3).zigzag(v);
  }

  public Buffer fixed64Field(int num, long v) {
    return varint((long) num << 3 | 1).fixed64(v);
  }

  public Buffer fixed32Field(int num, int v) {
    return varint((long) num << 3 | 5).fixed32(v);
  }

  public Buffer textField(int num, byte[] from, int offset, int n) {
    return n == 0 ? this : blockField(num, from, offset, n);
  }

  public Buffer textField(int num, byte[] text) {
    return textField(num, text, 0, text.length);
  }

  /** A text or message that is written though it be empty. */
  public Buffer blockField(int num, byte[] from, int offset, int n) {
    return varint((long) num << 3 | 2).block(from, offset, n);
  }

  private void room(int n) {
    if (bytes.length - length < n) {
      bytes = Arrays.copyOf(bytes, Math.max(bytes.length * 2, length + n));
    }
  }
}
