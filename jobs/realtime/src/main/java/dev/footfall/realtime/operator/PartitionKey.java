package dev.footfall.realtime.operator;

/** The key of a tick: the number of the partition it is for. */
public final class PartitionKey {
  private PartitionKey() {}

  public static byte[] of(int partition) {
    return Integer.toString(partition).getBytes(java.nio.charset.StandardCharsets.US_ASCII);
  }

  public static int partition(byte[] key) {
    return Integer.parseInt(new String(key, java.nio.charset.StandardCharsets.US_ASCII));
  }
}
