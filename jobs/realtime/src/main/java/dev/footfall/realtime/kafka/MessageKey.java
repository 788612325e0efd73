package dev.footfall.realtime.kafka;

import dev.footfall.realtime.types.Message;
import org.apache.flink.api.common.serialization.SerializationSchema;

/** A class of its own, since Flink cannot see the type of a lambda here. */
final class MessageKey implements SerializationSchema<Message> {
  private static final long serialVersionUID = 1;

  @Override
  public byte[] serialize(Message message) {
    return message.key();
  }
}
