// The HTTP API of docs/format/api.md, typed. Nothing here keeps state but who is told when a login has ended.
import { t } from './messages';

export interface User { id: string; email: string; name: string; created_at: number }

export interface Site {
  website_id: string;
  tracking_id: string;
  domain: string;
  timezone: string;
  threshold: number;
  ip_policy: IPPolicy;
  /** True: visitors that send GPC or DNT are counted. */
  ignore_signals?: boolean;
  /** How long raw events are kept; 0: as long as the installation keeps them. */
  retention_months?: number;
  created_at: number;
  demo: boolean;
}

export type IPPolicy = 'none' | 'truncated' | 'full';
export interface SiteStatus { first_event_at: number | null; last_event_at: number | null; events: number }
/** What the leader of a cluster's daily job said last. */
export interface Batch {
  enabled: boolean;
  leader?: string;
  running?: string;
  dirty: number;
  oldest?: string;
  failures: number;
  last?: { started: string };
}
export interface Key { id: string; name: string; prefix: string; scopes: Scope[]; created_at: number; last_used_at: number | null }
export interface ErasureRequest { visitor?: string; ip?: string; user_agent?: string; day?: string }
export interface Erasure {
  id: string;
  scope: 'visitor' | 'person' | 'site';
  asked_at: number;
  asked_by: string;
  status: 'asked' | 'applied' | 'verified';
  verified_at: number | null;
  log_until: number;
  proofs: { part: string; found: number; removed: number; left: number; verified_at: number | null }[];
}
export type Scope = 'stats' | 'ingest' | 'import' | 'admin';

export type Operator = 'is' | 'is_not' | 'contains' | 'contains_not';
export type QueryFilter =
  | [Operator, string, string[]]
  | [Operator, string, string[], { case_sensitive: boolean }]
  | ['and' | 'or', QueryFilter[]];
export type DateRange = string | [string, string];

export interface QueryBody {
  site_id: string;
  date_range: DateRange;
  metrics: string[];
  dimensions?: string[];
  filters?: QueryFilter[];
  order_by?: [string, 'asc' | 'desc'][];
  include?: { time_labels?: boolean; total_rows?: boolean; compare?: string | [string, string] };
  pagination?: { limit: number; offset: number };
}

/** A value of a metric; revenue is an object, a metric without data is null. */
export type Value = number | null;
export interface Row { dimensions: string[]; metrics: Value[]; comparison?: { metrics: Value[]; change: Value[] } }

export interface Meta {
  source?: string;
  exact?: boolean;
  sample?: { rate: number };
  error?: Record<string, { low: Value[]; high: Value[] }>;
  fresh_at?: number;
  cached?: boolean;
  took_ms?: number;
  daily_visitors?: boolean;
  time_labels?: string[];
  total_rows?: number;
  metric_warnings?: Record<string, { code: string; warning: string }>;
}

export interface QueryReply {
  results: Row[];
  meta: Meta;
  query: { date_range: [string, string] };
}

export interface ExplainReply {
  plan: unknown;
  sql: { part: string | number; text: string; args: unknown[] }[];
  source: string;
  ledger: { received: number; stored: number; duplicate: number; filtered: Record<string, number>; failed: Record<string, number> };
  versions?: Record<string, unknown>;
}

export interface Minute { start: number; active_users: number; pageviews: number; events: number }
export interface Top { value: string; visitors: number }
export interface Totals { active_users: number; pageviews: number; events: number }
export interface Tops { pages: Top[]; sources: Top[]; countries: Top[] }
export interface Realtime {
  site_id: string;
  now: number;
  current_visitors: number | null;
  minutes: Minute[] | null;
  metrics: Totals | null;
  top: Tops | null;
  available: boolean;
}

/** What the server refused, or that it could not be reached (status 0). */
export class ApiError extends Error {
  constructor(readonly status: number, readonly code: string, message: string, readonly path = '') {
    super(message);
  }
}

let unauthorized: () => void = () => {};

/** Registers what happens when a login has ended. Called once by App. */
export function onUnauthorized(callback: () => void): void {
  unauthorized = callback;
}

async function failure(response: Response): Promise<ApiError> {
  const fallback = t('error.status', { status: response.status });
  try {
    const { error } = (await response.json()) as { error?: { code?: string; message?: string; path?: string } };
    return new ApiError(response.status, error?.code ?? '', error?.message || fallback, error?.path);
  } catch {
    return new ApiError(response.status, '', fallback);
  }
}

async function call<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  const init: RequestInit = { method, signal, credentials: 'same-origin', headers: { Accept: 'application/json' } };
  if (body !== undefined) {
    init.body = JSON.stringify(body);
    init.headers = { Accept: 'application/json', 'Content-Type': 'application/json' };
  }
  let response: Response;
  try {
    response = await fetch(path, init);
  } catch (cause) {
    if (signal?.aborted) throw cause;
    throw new ApiError(0, 'unreachable', t('error.unreachable'));
  }
  if (!response.ok) {
    const error = await failure(response);
    if (error.status === 401 && path !== '/api/v1/login' && path !== '/api/v1/me') unauthorized();
    throw error;
  }
  return response.status === 204 ? (undefined as T) : ((await response.json()) as T);
}

const site = (id: string): string => `/api/v1/sites/${encodeURIComponent(id)}`;

export const api = {
  setupNeeded: () => call<{ needed: boolean }>('GET', '/api/v1/setup').then((r) => r.needed),
  setup: (email: string, password: string) => call<{ user: User }>('POST', '/api/v1/setup', { email, password }).then((r) => r.user),
  login: (email: string, password: string) => call<{ user: User }>('POST', '/api/v1/login', { email, password }).then((r) => r.user),
  logout: () => call<void>('POST', '/api/v1/logout'),
  me: () => call<{ user: User }>('GET', '/api/v1/me').then((r) => r.user),
  sites: () => call<{ sites: Site[] | null }>('GET', '/api/v1/sites').then((r) => r.sites ?? []),
  site: (id: string) => call<{ site: Site }>('GET', site(id)).then((r) => r.site),
  addSite: (domain: string, timezone: string) => call<{ site: Site }>('POST', '/api/v1/sites', { domain, timezone }).then((r) => r.site),
  changeSite: (id: string, change: Partial<Pick<Site, 'domain' | 'timezone' | 'threshold' | 'ip_policy' | 'ignore_signals' | 'retention_months'>>) =>
    call<{ site: Site }>('PUT', site(id), change).then((r) => r.site),
  deleteSite: (id: string) => call<void>('DELETE', site(id)),
  batch: (signal?: AbortSignal) => call<Batch>('GET', '/api/v1/batch', undefined, signal),
  status: (id: string, signal?: AbortSignal) => call<SiteStatus>('GET', `${site(id)}/status`, undefined, signal),
  keys: (id: string) => call<{ keys: Key[] | null }>('GET', `${site(id)}/keys`).then((r) => r.keys ?? []),
  erasures: (id: string) => call<{ erasures: Erasure[] }>('GET', `${site(id)}/erasures`).then((r) => r.erasures),
  erase: (id: string, request: ErasureRequest) => call<{ erasure: Erasure }>('POST', `${site(id)}/erasures`, request).then((r) => r.erasure),
  addKey: (id: string, name: string, scopes: Scope[]) => call<{ id: string; key: string }>('POST', `${site(id)}/keys`, { name, scopes }),
  deleteKey: (id: string, key: string) => call<void>('DELETE', `${site(id)}/keys/${encodeURIComponent(key)}`),
  realtime: (id: string, signal?: AbortSignal) => call<Realtime>('GET', `${site(id)}/realtime`, undefined, signal),
  query: (body: QueryBody, signal?: AbortSignal) => call<QueryReply>('POST', '/api/v2/query', body, signal),
  explain: (body: QueryBody, signal?: AbortSignal) => call<ExplainReply>('POST', '/api/v2/explain', body, signal),
};

/** The text of any thrown value, for the screen. */
export function errorText(error: unknown): string {
  if (error instanceof ApiError && error.path) return `${error.message} (${error.path})`;
  return error instanceof Error ? error.message : String(error);
}
