package dev.footfall.realtime.operator;

import dev.footfall.realtime.record.Buffer;
import dev.footfall.realtime.record.EventView;
import dev.footfall.realtime.record.FailedView;
import dev.footfall.realtime.record.Frames;
import dev.footfall.realtime.record.Kind;
import dev.footfall.realtime.record.Limits;
import dev.footfall.realtime.record.Outcome;
import dev.footfall.realtime.record.ReceiptView;
import dev.footfall.realtime.record.ReceiptView.Refused;
import dev.footfall.realtime.record.Records;
import dev.footfall.realtime.types.Item;
import dev.footfall.realtime.types.Message;
import java.nio.charset.StandardCharsets;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.util.OutputTag;

/**
 * Takes values of raw_events apart: events go on, receipts into the ledger, failed payloads to their topic. It fails for
 * nothing: what cannot be decoded is a failed event, as in internal/load.
 */
public final class Intake extends BundleOperator<byte[], Item> {
  private static final long serialVersionUID = 1;

  private static final byte[] UNDECODABLE = "undecodable_record".getBytes(StandardCharsets.US_ASCII);

  private final OutputTag<Message> ledgerTag;
  private final OutputTag<Message> failedTag;

  private transient Frames frames;
  private transient EventView view;
  private transient ReceiptView receipt;
  private transient FailedView failed;
  private transient LedgerCounts ledger;
  private transient Buffer scratch;
  private transient long receivedAt; // the last one met, for records that do not say

  public Intake(long flushMs, OutputTag<Message> ledgerTag, OutputTag<Message> failedTag) {
    super(flushMs);
    this.ledgerTag = ledgerTag;
    this.failedTag = failedTag;
  }

  @Override
  public void open() throws Exception {
    super.open();
    frames = new Frames();
    view = new EventView();
    receipt = new ReceiptView();
    failed = new FailedView();
    ledger = new LedgerCounts();
    scratch = new Buffer(1024);
  }

  @Override
  public void processElement(StreamRecord<byte[]> element) throws Exception {
    byte[] value = element.getValue();
    frames.reset(value);
    while (frames.next()) {
      take(value);
    }
    if (ledger.full()) {
      flush();
    }
  }

  private void take(byte[] value) {
    if (frames.torn() || frames.to - frames.from > Limits.MAX_RECORD_BYTES) {
      undecodable(value, LedgerCounts.NO_REASON, 0);
      return;
    }
    switch (frames.kind()) {
      case Kind.EVENT -> takeEvent(value);
      case Kind.RECEIPT -> takeReceipt(value);
      case Kind.FAILED -> takeFailed(value);
      default -> { } // ticks have moved the time on at the source; other kinds are of a later release
    }
  }

  private void takeEvent(byte[] value) {
    if (view.read(value, frames.from, frames.to) && view.complete()) {
      receivedAt = view.receivedAt();
      emit(Item.of(view, frames.from, frames.to));
    } else {
      undecodable(value, view.text(EventView.WEBSITE_ID), view.receivedAt());
    }
  }

  private void takeReceipt(byte[] value) {
    if (!receipt.read(value, frames.from, frames.to)) {
      undecodable(value, receipt.websiteId, receipt.receivedAt);
      return;
    }
    receivedAt = receipt.receivedAt;
    count(receipt.websiteId, receivedAt, Outcome.RECEIVED, LedgerCounts.NO_REASON, receipt.received);
    for (Refused row : receipt.refused) {
      count(receipt.websiteId, receivedAt, row.outcome(), row.reason(), row.count());
    }
  }

  private void takeFailed(byte[] value) {
    if (!failed.read(value, frames.from, frames.to)) {
      undecodable(value, failed.websiteId, failed.receivedAt);
      return;
    }
    scratch.clear().put(value, frames.from, frames.to - frames.from); // its receipt counts it
    emit(failedTag, new Message(failed.websiteId, Frames.frame(scratch)));
  }

  /** A record that cannot be decoded; its receipt has counted it as received where it was an event. */
  private void undecodable(byte[] value, byte[] site, long at) {
    long time = at == 0 ? receivedAt : at;
    Records.failed(scratch.clear(), site, time, UNDECODABLE, value, frames.from, frames.to);
    emit(failedTag, new Message(site, Frames.frame(scratch)));
    if (frames.kind() == Kind.EVENT) {
      count(site, time, Outcome.FAILED, UNDECODABLE, 1);
    }
  }

  private void count(byte[] site, long at, int outcome, byte[] reason, long count) {
    ledger.add(site, at, outcome, reason, count);
    gathered();
  }

  @Override
  void flush() {
    ledger.flush(row -> emit(ledgerTag, row));
  }
}
