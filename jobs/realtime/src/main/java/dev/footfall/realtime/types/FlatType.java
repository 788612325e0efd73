package dev.footfall.realtime.types;

import org.apache.flink.api.common.serialization.SerializerConfig;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeutils.TypeSerializer;

/** What Flink asks of a type; all of it follows from its class and serializer. */
public final class FlatType<T> extends TypeInformation<T> {
  public static final FlatType<Bytes> BYTES = new FlatType<>(Bytes.class, new BytesSerializer());
  public static final FlatType<Item> ITEM = new FlatType<>(Item.class, new ItemSerializer());
  public static final FlatType<Hit> HIT = new FlatType<>(Hit.class, new HitSerializer());
  public static final FlatType<Delta> DELTA = new FlatType<>(Delta.class, new DeltaSerializer());
  public static final FlatType<Message> MESSAGE = new FlatType<>(Message.class, new MessageSerializer());

  private final Class<T> type;
  private final FlatSerializer<T> serializer;

  private FlatType(Class<T> type, FlatSerializer<T> serializer) {
    this.type = type;
    this.serializer = serializer;
  }

  @Override
  public TypeSerializer<T> createSerializer(SerializerConfig config) {
    return serializer;
  }

  @Override
  public boolean isBasicType() {
    return false;
  }

  @Override
  public boolean isTupleType() {
    return false;
  }

  @Override
  public int getArity() {
    return 1;
  }

  @Override
  public int getTotalFields() {
    return 1;
  }

  @Override
  public Class<T> getTypeClass() {
    return type;
  }

  @Override
  public boolean isKeyType() {
    return type == Bytes.class;
  }

  @Override
  public String toString() {
    return type.getSimpleName();
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof FlatType<?> t && t.type == type;
  }

  @Override
  public int hashCode() {
    return type.hashCode();
  }

  @Override
  public boolean canEqual(Object other) {
    return other instanceof FlatType;
  }
}
