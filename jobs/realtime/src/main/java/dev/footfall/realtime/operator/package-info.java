/**
 * The steps of the job. None of them keeps anything outside of keyed state across a checkpoint: what they hold back to do
 * once for many elements, they let go before the checkpoint's barrier.
 */
package dev.footfall.realtime.operator;
