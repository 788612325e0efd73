package dev.footfall.realtime.operator;

import dev.footfall.realtime.record.EventView;
import dev.footfall.realtime.types.Hit;
import dev.footfall.realtime.types.Item;
import org.apache.flink.api.common.functions.FlatMapFunction;
import org.apache.flink.util.Collector;

/** Lets the live windows have what they count: counted events, as little of each as they need. */
public final class ToHits implements FlatMapFunction<Item, Hit> {
  private static final long serialVersionUID = 1;

  @Override
  public void flatMap(Item item, Collector<Hit> out) {
    if (EventView.counted(item.type())) {
      out.collect(item.hit());
    }
  }
}
