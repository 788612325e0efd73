package dev.footfall.realtime.operator;

import dev.footfall.realtime.record.Buffer;
import dev.footfall.realtime.record.Frames;
import dev.footfall.realtime.record.Records;
import dev.footfall.realtime.types.Message;
import java.io.Serializable;
import java.util.Map;
import java.util.TreeMap;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;

/**
 * Makes the ticks that tell how far the job is, one per partition. It takes the watermarks of all that writes results and no element;
 * there is one of it in the job.
 *
 * <p>A tick promises that whatever was received before it has taken effect in what stands before the ticks of that time, in all
 * topics together. The rows are written by several producers, whose order in a partition nothing keeps. But all steps let go of
 * what they gathered before a checkpoint's barrier, and when a checkpoint is complete, all rows from before its barrier stand in
 * the topics. So the watermark that was reached at the barrier is told then, and becomes visible with the next checkpoint.
 */
public final class ProgressTicks extends AbstractStreamOperator<Message> implements OneInputStreamOperator<Message, Message> {
  private static final long serialVersionUID = 1;

  /** Tells how many partitions there are. */
  public interface Partitions extends Serializable {
    int count() throws Exception;
  }

  private final Partitions partitions;

  private transient TreeMap<Long, Long> reached; // checkpoint -> watermark at its barrier
  private transient long watermark;
  private transient long told;
  private transient int count;
  private transient boolean finished; // nothing may be written after that, though a checkpoint still follows

  public ProgressTicks(Partitions partitions) {
    this.partitions = partitions;
  }

  @Override
  public void open() throws Exception {
    super.open();
    reached = new TreeMap<>();
    watermark = Long.MIN_VALUE;
    told = Long.MIN_VALUE;
    count = partitions.count();
  }

  @Override
  public void processElement(StreamRecord<Message> element) {
    // rows of the windows go to their own sink
  }

  @Override
  public void processWatermark(Watermark mark) throws Exception {
    watermark = mark.getTimestamp();
    super.processWatermark(mark);
  }

  @Override
  public void prepareSnapshotPreBarrier(long checkpoint) {
    reached.put(checkpoint, watermark);
  }

  @Override
  public void notifyCheckpointComplete(long checkpoint) throws Exception {
    super.notifyCheckpointComplete(checkpoint);
    Map.Entry<Long, Long> entry = reached.floorEntry(checkpoint);
    if (entry == null) {
      return;
    }
    long at = entry.getValue();
    reached.headMap(checkpoint, true).clear();
    if (at > told && !finished) {
      told = at;
      tell(at);
    }
  }

  @Override
  public void finish() throws Exception {
    finished = true;
    super.finish();
  }

  private void tell(long at) {
    Buffer record = new Buffer(16);
    Records.tick(record, at);
    byte[] value = Frames.frame(record);
    for (int partition = 0; partition < count; partition++) {
      output.collect(new StreamRecord<>(new Message(PartitionKey.of(partition), value)));
    }
  }
}
