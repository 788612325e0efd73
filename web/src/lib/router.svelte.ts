// The address of the page as state. A site is named by its domain or id in the first segment of the path.

export type Route =
  | { page: 'setup' | 'login' | 'sites' | 'add' | 'missing' }
  | { page: 'overview' | 'realtime' | 'settings' | 'install'; site: string };

const fixed: Record<string, Route> = {
  '/': { page: 'sites' }, '/sites': { page: 'sites' }, '/sites/new': { page: 'add' }, '/setup': { page: 'setup' }, '/login': { page: 'login' },
};
const views = ['realtime', 'settings', 'install'] as const;

export function routeOf(pathname: string): Route {
  const path = pathname.length > 1 ? pathname.replace(/\/+$/, '') : pathname;
  const known = fixed[path];
  if (known) return known;
  const [first = '', view, ...rest] = path.slice(1).split('/');
  let site: string;
  try {
    site = decodeURIComponent(first);
  } catch {
    return { page: 'missing' };
  }
  if (view === undefined) return { page: 'overview', site };
  const name = views.find((v) => v === view);
  return name && rest.length === 0 ? { page: name, site } : { page: 'missing' };
}

export function sitePath(site: string, view?: (typeof views)[number]): string {
  return `/${encodeURIComponent(site)}${view ? `/${view}` : ''}`;
}

class Router {
  pathname = $state(location.pathname);
  search = $state(location.search);
  route: Route = $derived(routeOf(this.pathname));

  constructor() {
    addEventListener('popstate', () => this.#sync());
    document.addEventListener('click', (event) => this.#click(event));
  }

  go(address: string, replace = false): void {
    if (address === location.pathname + location.search) return;
    const page = location.pathname;
    history[replace ? 'replaceState' : 'pushState'](null, '', address);
    this.#sync();
    if (page !== location.pathname) scrollTo(0, 0);
  }

  #sync(): void {
    this.pathname = location.pathname;
    this.search = location.search;
  }

  #click(event: MouseEvent): void {
    const link = event.target instanceof Element ? event.target.closest('a') : null;
    if (!link || event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    if (link.target || link.origin !== location.origin || link.hasAttribute('download') || link.dataset.external !== undefined) return;
    event.preventDefault();
    this.go(link.pathname + link.search);
  }
}

export const router = new Router();
