package dev.footfall.realtime.types;

/** A counted event as the live windows see it. The key is a {@link WindowKey} with a shard. */
public record Hit(Bytes key, long sampleKey, int band, boolean pageview) {}
