package dev.footfall.realtime.record;

/** What became of received events: the outcomes of the ledger. */
public final class Outcome {
  public static final int RECEIVED = 1;
  public static final int STORED = 2;
  public static final int DUPLICATE = 3;
  public static final int FILTERED = 4;
  public static final int FAILED = 5;

  private Outcome() {}
}
