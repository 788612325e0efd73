package dev.footfall.realtime.types;

/** A counted event as the live windows see it: the key is a {@link WindowKey} with a shard, window which one of the minute. */
public record Hit(Bytes key, long sampleKey, int window, int band, boolean pageview) {}
