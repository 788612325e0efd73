package dev.footfall.realtime.types;

import java.io.IOException;
import org.apache.flink.api.common.typeutils.SimpleTypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

final class ItemSerializer extends FlatSerializer<Item> {
  @Override
  public Item createInstance() {
    return new Item();
  }

  @Override
  public void serialize(Item item, DataOutputView target) throws IOException {
    item.write(target);
  }

  @Override
  public Item deserialize(DataInputView source) throws IOException {
    return Item.read(source);
  }

  @Override
  public TypeSerializerSnapshot<Item> snapshotConfiguration() {
    return new Snapshot();
  }

  /** Made by Flink when it restores a state. */
  public static final class Snapshot extends SimpleTypeSerializerSnapshot<Item> {
    public Snapshot() {
      super(ItemSerializer::new);
    }
  }
}
