package dev.footfall.realtime.types;

import java.io.IOException;
import org.apache.flink.api.common.typeutils.SimpleTypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

final class HitSerializer extends FlatSerializer<Hit> {
  @Override
  public Hit createInstance() {
    return new Hit(new Bytes(new byte[0]), 0, 0, 0, false);
  }

  @Override
  public void serialize(Hit hit, DataOutputView target) throws IOException {
    writeBlock(hit.key().array(), target);
    target.writeLong(hit.sampleKey());
    target.writeByte(hit.window() << 3 | hit.band() << 1 | (hit.pageview() ? 1 : 0));
  }

  @Override
  public Hit deserialize(DataInputView source) throws IOException {
    Bytes key = new Bytes(readBlock(source));
    long sampleKey = source.readLong();
    int flags = source.readByte();
    return new Hit(key, sampleKey, flags >> 3, flags >> 1 & 3, (flags & 1) != 0);
  }

  @Override
  public TypeSerializerSnapshot<Hit> snapshotConfiguration() {
    return new Snapshot();
  }

  /** Made by Flink when it restores a state. */
  public static final class Snapshot extends SimpleTypeSerializerSnapshot<Hit> {
    public Snapshot() {
      super(HitSerializer::new);
    }
  }
}
