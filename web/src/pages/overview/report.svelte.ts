// What all parts of the overview share: the site, the state from the address, the base of every query, and when to ask again.
import { api, type QueryBody, type Site, type SiteStatus } from '../../lib/api';
import { today } from '../../lib/dates';
import { toQuery } from '../../lib/filters';
import { Live } from '../../lib/live.svelte';
import { dateRange, includesNow, type Period } from '../../lib/period';
import { Resource } from '../../lib/resource.svelte';
import { router, sitePath } from '../../lib/router.svelte';
import { read, write, type State } from '../../lib/state';

const refreshEvery = 3_000; // at most, while events come in
const idleEvery = 60_000; // so that a day that has turned is noticed
const youngSite = 2 * 86_400_000;

export type Base = Pick<QueryBody, 'site_id' | 'date_range' | 'filters'>;

export class Report {
  readonly live: Live;
  readonly status = new Resource<SiteStatus>();
  state: State = $derived(read(router.search));
  period: Period = $derived(this.state.period ?? this.#usual());
  now = $state(Date.now());
  /** Rises when the numbers may have changed. */
  tick = $state(0);
  #today = $derived.by(() => today(this.site.timezone, this.now));
  #key = $derived(JSON.stringify(this.#build(this.#today)));
  /** Changes only when the questions change, not with every step in the address. */
  base: Base = $derived(JSON.parse(this.#key) as Base);
  /** Without the status of the site the usual period is unknown, so nothing is asked yet. */
  ready = $derived(this.state.period !== undefined || this.status.value !== undefined || this.status.error !== '');
  #asked = 0;

  constructor(readonly site: Site) {
    this.live = new Live(site.website_id);
  }

  /** Runs until the returned function is called. */
  start(): () => void {
    void this.status.load((signal) => api.status(this.site.website_id, signal));
    const timer = setInterval(() => this.#refresh(idleEvery), 5_000);
    return () => {
      clearInterval(timer);
      this.live.close();
      this.status.stop();
    };
  }

  /** To be called when an event was counted. */
  changed(): () => void {
    const wait = Math.max(300, this.#asked + refreshEvery - Date.now());
    const timer = setTimeout(() => this.#refresh(0), wait);
    return () => clearTimeout(timer);
  }

  #refresh(age: number): void {
    if (document.hidden || Date.now() - this.#asked < age) return;
    this.#asked = Date.now();
    this.now = Date.now();
    if (!includesNow(this.period, this.site.timezone, this.now)) return;
    this.tick++;
    if (this.status.value?.first_event_at === null) void this.status.load((signal) => api.status(this.site.website_id, signal));
  }

  address(change: Partial<State>): string {
    return sitePath(this.site.domain) + write({ ...this.state, ...change });
  }

  set(change: Partial<State>): void {
    router.go(this.address(change));
  }

  /** A site of the last two days starts with today: the whole-day periods have nothing yet. */
  #usual(): Period {
    const first = this.status.value?.first_event_at;
    const young = this.status.value !== undefined && (first === null || first === undefined || Date.now() - first < youngSite);
    return { preset: young ? 'day' : '28d' };
  }

  #build(_day: string): Base {
    const base: Base = { site_id: this.site.website_id, date_range: dateRange(this.period, this.site.timezone, Date.now()) };
    if (this.state.filters.length > 0) base.filters = toQuery(this.state.filters);
    return base;
  }
}
