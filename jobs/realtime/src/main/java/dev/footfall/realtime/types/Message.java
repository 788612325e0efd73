package dev.footfall.realtime.types;

/** A Kafka record on its way out: its key, and frames as its value (docs/format/topics.md). */
public record Message(byte[] key, byte[] value) {}
