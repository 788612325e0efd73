import type { AnalyticsSDK } from './sdk';

/** Which events of trackExtras are wanted. */
export interface ExtraOptions {
  outbound?: boolean;
  downloads?: boolean;
  forms?: boolean;
  /** "here" says that this page is the site's "not found" page; true asks the browser what the server answered. */
  notFound?: boolean | 'here';
}

const files = /\.(pdf|docx?|xlsx?|pptx?|od[tsp]|csv|txt|rtf|zip|gz|tgz|rar|7z|dmg|pkg|exe|msi|deb|rpm|apk|iso|mp[34]|m4a|wav|avi|mov|mkv|epub)$/i;

/** Counts clicks on links to other sites and to files, submitted forms, and pages that do not exist: all with interactive false. */
export const trackExtras = (sdk: AnalyticsSDK, want: ExtraOptions): void => {
  const count = (category: string, action: string, label: string) =>
    sdk.track('event', { category, action, label, interactive: false });
  const click = (event: MouseEvent) => {
    const link = (event.target as Element).closest?.('a[href]') as HTMLAnchorElement | null;
    if (!link || event.button > 1 || !/^http/.test(link.protocol)) return;
    const address = link.origin + link.pathname;
    if (want.downloads && files.test(link.pathname)) count('file', 'download', address);
    else if (want.outbound && link.host != location.host) count('link', 'outbound', address);
  };
  addEventListener('click', click, true);
  addEventListener('auxclick', click, true);
  if (want.forms) {
    addEventListener('submit', (event) => {
      const form = event.target as HTMLFormElement;
      count('form', 'form_submit', form.getAttribute('id') || form.getAttribute('name') || new URL(form.getAttribute('action') || '', location.href).pathname);
    }, true);
  }
  if (want.notFound) {
    const [entry] = performance.getEntriesByType('navigation') as (PerformanceEntry & { responseStatus?: number })[];
    if (want.notFound == 'here' || entry?.responseStatus == 404) count('page', '404', location.pathname);
  }
};
