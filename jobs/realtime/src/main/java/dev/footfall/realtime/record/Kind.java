package dev.footfall.realtime.record;

/** The first byte of a record. A reader skips kinds that it does not know. */
public final class Kind {
  public static final int EVENT = 1;
  public static final int RECEIPT = 2;
  public static final int FAILED = 3;
  public static final int TICK = 4;
  public static final int SESSION = 5;
  public static final int METRIC = 6;
  public static final int LEDGER = 7;

  private Kind() {}
}
