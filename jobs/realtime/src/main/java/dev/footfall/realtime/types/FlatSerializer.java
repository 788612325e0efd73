package dev.footfall.realtime.types;

import java.io.IOException;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

/**
 * The serializer of a type without options. Elements are never changed after they have been handed on, so a copy is the
 * element itself.
 */
abstract class FlatSerializer<T> extends TypeSerializer<T> {
  @Override
  public boolean isImmutableType() {
    return true;
  }

  @Override
  public TypeSerializer<T> duplicate() {
    return this;
  }

  @Override
  public T copy(T from) {
    return from;
  }

  @Override
  public T copy(T from, T reuse) {
    return from;
  }

  @Override
  public int getLength() {
    return -1;
  }

  @Override
  public T deserialize(T reuse, DataInputView source) throws IOException {
    return deserialize(source);
  }

  @Override
  public void copy(DataInputView source, DataOutputView target) throws IOException {
    serialize(deserialize(source), target);
  }

  @Override
  public boolean equals(Object other) {
    return other != null && other.getClass() == getClass();
  }

  @Override
  public int hashCode() {
    return getClass().hashCode();
  }

  /** Writes bytes behind their length: one byte for short ones, as nearly all keys are. */
  static void writeBlock(byte[] bytes, DataOutputView target) throws IOException {
    if (bytes.length < 0xff) {
      target.writeByte(bytes.length);
    } else {
      target.writeByte(0xff);
      target.writeInt(bytes.length);
    }
    target.write(bytes);
  }

  static byte[] readBlock(DataInputView source) throws IOException {
    int length = source.readUnsignedByte();
    byte[] bytes = new byte[length < 0xff ? length : source.readInt()];
    source.readFully(bytes);
    return bytes;
  }
}
