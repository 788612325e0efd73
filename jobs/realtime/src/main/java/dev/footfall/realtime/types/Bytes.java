package dev.footfall.realtime.types;

import java.util.Arrays;

/**
 * An array of bytes as a key: equal by content, with a hash that is the same on every machine. Keys of states are made of
 * it, so the bytes of a key, once chosen, must not change.
 */
public final class Bytes {
  private final byte[] array;
  private int hash;

  /** The array belongs to the key from now on. */
  public Bytes(byte[] array) {
    this.array = array;
  }

  /** The content, which must not be changed. */
  public byte[] array() {
    return array;
  }

  @Override
  public int hashCode() {
    if (hash == 0) {
      hash = Arrays.hashCode(array);
    }
    return hash;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Bytes b && Arrays.equals(array, b.array);
  }

  @Override
  public String toString() {
    return Arrays.toString(array);
  }
}
