// The whole state of the overview, kept in the query string: a copied address shows the same report.
import { intervals, type Interval } from './buckets';
import { isDay } from './dates';
import { parse, serialize, type Filter } from './filters';
import { isPreset, type Period } from './period';

export const graphMetrics = ['visitors', 'visits', 'pageviews', 'views_per_visit', 'bounce_rate', 'visit_duration', 'events'] as const;
export type GraphMetric = (typeof graphMetrics)[number];
export type Compare = 'previous_period' | 'year_over_year' | 'off';
export const compares: Compare[] = ['previous_period', 'year_over_year', 'off'];

export interface State {
  /** Undefined: nothing was chosen, the page picks one that has data. */
  period?: Period;
  compare: Compare;
  filters: Filter[];
  metric: GraphMetric;
  interval?: Interval;
  /** The open tab of each panel, by the panel's id; absent is the first. */
  tabs: Record<string, string>;
}

export const panelIds = ['sources', 'pages', 'places', 'devices', 'tag'] as const;

function readPeriod(query: URLSearchParams): Period | undefined {
  const [preset, from, to] = [query.get('period'), query.get('from'), query.get('to')];
  if (isPreset(preset)) return { preset };
  if (isDay(from) && isDay(to) && from <= to) return { preset: 'custom', from, to };
  return undefined;
}

function oneOf<T extends string>(allowed: readonly T[], text: string | null): T | undefined {
  return allowed.find((a) => a === text);
}

export function read(search: string): State {
  const query = new URLSearchParams(search);
  const tabs: Record<string, string> = {};
  for (const id of panelIds) {
    const tab = query.get(id);
    if (tab !== null) tabs[id] = tab;
  }
  return {
    period: readPeriod(query),
    compare: oneOf(compares, query.get('compare')) ?? 'previous_period',
    filters: query.getAll('f').map(parse).filter((f) => f !== undefined),
    metric: oneOf(graphMetrics, query.get('metric')) ?? 'visitors',
    interval: oneOf(intervals, query.get('interval')),
    tabs,
  };
}

/** The shortest query string that reads back as the same state. */
export function write(state: State): string {
  const query = new URLSearchParams();
  if (state.period?.preset === 'custom') {
    query.set('from', state.period.from);
    query.set('to', state.period.to);
  } else if (state.period) {
    query.set('period', state.period.preset);
  }
  if (state.compare !== 'previous_period') query.set('compare', state.compare);
  for (const filter of state.filters) query.append('f', serialize(filter));
  if (state.metric !== 'visitors') query.set('metric', state.metric);
  if (state.interval) query.set('interval', state.interval);
  for (const id of panelIds) if (state.tabs[id]) query.set(id, state.tabs[id]);
  const text = query.toString().replaceAll('%3A', ':').replaceAll('%2C', ',').replaceAll('%2F', '/');
  return text === '' ? '' : `?${text}`;
}
