package dev.footfall.realtime.types;

import java.io.IOException;
import org.apache.flink.api.common.typeutils.SimpleTypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

final class MessageSerializer extends FlatSerializer<Message> {
  @Override
  public Message createInstance() {
    return new Message(new byte[0], new byte[0]);
  }

  @Override
  public void serialize(Message message, DataOutputView target) throws IOException {
    writeBlock(message.key(), target);
    writeBlock(message.value(), target);
  }

  @Override
  public Message deserialize(DataInputView source) throws IOException {
    return new Message(readBlock(source), readBlock(source));
  }

  @Override
  public TypeSerializerSnapshot<Message> snapshotConfiguration() {
    return new Snapshot();
  }

  /** Made by Flink when it restores a state. */
  public static final class Snapshot extends SimpleTypeSerializerSnapshot<Message> {
    public Snapshot() {
      super(MessageSerializer::new);
    }
  }
}
