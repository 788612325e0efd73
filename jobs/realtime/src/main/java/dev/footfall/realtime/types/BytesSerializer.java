package dev.footfall.realtime.types;

import java.io.IOException;
import org.apache.flink.api.common.typeutils.SimpleTypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

public final class BytesSerializer extends FlatSerializer<Bytes> {
  @Override
  public Bytes createInstance() {
    return new Bytes(new byte[0]);
  }

  @Override
  public void serialize(Bytes key, DataOutputView target) throws IOException {
    writeBlock(key.array(), target);
  }

  @Override
  public Bytes deserialize(DataInputView source) throws IOException {
    return new Bytes(readBlock(source));
  }

  @Override
  public TypeSerializerSnapshot<Bytes> snapshotConfiguration() {
    return new Snapshot();
  }

  /** Made by Flink when it restores a state. */
  public static final class Snapshot extends SimpleTypeSerializerSnapshot<Bytes> {
    public Snapshot() {
      super(BytesSerializer::new);
    }
  }
}
