package dev.footfall.realtime.kafka;

import org.apache.flink.api.common.serialization.DeserializationSchema;
import org.apache.flink.api.common.typeinfo.PrimitiveArrayTypeInfo;
import org.apache.flink.api.common.typeinfo.TypeInformation;

/** The value of a Kafka record as it is. A null value is skipped by the caller. */
final class ValueBytes implements DeserializationSchema<byte[]> {
  private static final long serialVersionUID = 1;

  @Override
  public byte[] deserialize(byte[] value) {
    return value;
  }

  @Override
  public boolean isEndOfStream(byte[] value) {
    return false;
  }

  @Override
  public TypeInformation<byte[]> getProducedType() {
    return PrimitiveArrayTypeInfo.BYTE_PRIMITIVE_ARRAY_TYPE_INFO;
  }
}
