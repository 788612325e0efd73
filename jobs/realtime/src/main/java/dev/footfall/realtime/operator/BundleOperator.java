package dev.footfall.realtime.operator;

import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.util.OutputTag;

/**
 * An operator that gathers what many elements do and lets it go at once: before each checkpoint's barrier, some seconds
 * after the first of them, and when there is much of it. So one read and one write of the state, and one row, serve all
 * changes in between; and nothing but keyed state needs to be in a checkpoint. That is why these are operators and no
 * process functions, which are not asked before the barrier.
 *
 * <p>Rows are part of a transaction that ends with the checkpoint, so letting go more often would show nothing sooner.
 */
abstract class BundleOperator<I, O> extends AbstractStreamOperator<O> implements OneInputStreamOperator<I, O> {
  private static final long serialVersionUID = 1;

  private final long flushMs;
  private transient boolean timed;

  BundleOperator(long flushMs) {
    this.flushMs = flushMs;
  }

  /** Lets go of all that is gathered. The current key is any afterwards. */
  abstract void flush() throws Exception;

  /** Must be called when something is gathered: from then on it is let go in time. */
  final void gathered() {
    if (!timed) {
      timed = true;
      getProcessingTimeService().registerTimer(now() + flushMs, at -> timeIsUp());
    }
  }

  private void timeIsUp() throws Exception {
    timed = false;
    flush();
  }

  final long now() {
    return getProcessingTimeService().getCurrentProcessingTime();
  }

  /** Elements have no time: Kafka's clock stamps the records, since retention goes by it. */
  final void emit(O element) {
    output.collect(new StreamRecord<>(element));
  }

  final <X> void emit(OutputTag<X> tag, X element) {
    output.collect(tag, new StreamRecord<>(element));
  }

  @Override
  public void prepareSnapshotPreBarrier(long checkpoint) throws Exception {
    flush();
  }

  @Override
  public void finish() throws Exception {
    flush();
    super.finish();
  }
}
