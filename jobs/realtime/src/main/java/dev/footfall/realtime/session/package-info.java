/**
 * Sessions as internal/stream makes them, without an engine and without a clock: docs/semantics.md says what they are,
 * docs/adr/0002 why they are kept as segments. A change here is a change there, and the same text cases judge both.
 */
package dev.footfall.realtime.session;
