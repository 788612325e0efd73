package dev.footfall.realtime.types;

import java.io.IOException;
import org.apache.flink.api.common.typeutils.SimpleTypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

final class DeltaSerializer extends FlatSerializer<Delta> {
  @Override
  public Delta createInstance() {
    return new Delta(new Bytes(new byte[0]), 0, new long[Delta.COUNTS]);
  }

  @Override
  public void serialize(Delta delta, DataOutputView target) throws IOException {
    writeBlock(delta.key().array(), target);
    target.writeByte(delta.window());
    for (long count : delta.counts()) {
      target.writeLong(count);
    }
  }

  @Override
  public Delta deserialize(DataInputView source) throws IOException {
    Bytes key = new Bytes(readBlock(source));
    int window = source.readByte();
    long[] counts = new long[Delta.COUNTS];
    for (int i = 0; i < counts.length; i++) {
      counts[i] = source.readLong();
    }
    return new Delta(key, window, counts);
  }

  @Override
  public TypeSerializerSnapshot<Delta> snapshotConfiguration() {
    return new Snapshot();
  }

  /** Made by Flink when it restores a state. */
  public static final class Snapshot extends SimpleTypeSerializerSnapshot<Delta> {
    public Snapshot() {
      super(DeltaSerializer::new);
    }
  }
}
