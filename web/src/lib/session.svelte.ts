// Who is logged in and which sites there are: asked once, shared by all pages.
import { api, ApiError, errorText, type Site, type User } from './api';

class Session {
  user = $state<User>();
  sites = $state<Site[]>();
  /** Set when the first questions could not be answered at all. */
  error = $state('');

  /** Where a visitor without a login must go: 'setup' on a fresh installation. Undefined when the user is known. */
  async start(): Promise<'setup' | 'login' | undefined> {
    this.error = '';
    try {
      this.user = await api.me();
      return undefined;
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 401) {
        this.error = errorText(error);
        return undefined;
      }
    }
    try {
      return (await api.setupNeeded()) ? 'setup' : 'login';
    } catch (error) {
      this.error = errorText(error);
      return undefined;
    }
  }

  async loadSites(): Promise<void> {
    this.sites = await api.sites();
  }

  find(idOrDomain: string): Site | undefined {
    return this.sites?.find((s) => s.domain === idOrDomain || s.website_id === idOrDomain);
  }

  /** Puts a new or changed site in its place. */
  keep(site: Site): void {
    const others = (this.sites ?? []).filter((s) => s.website_id !== site.website_id);
    this.sites = [...others, site].sort((a, b) => a.domain.localeCompare(b.domain));
  }

  forget(id: string): void {
    this.sites = this.sites?.filter((s) => s.website_id !== id);
  }

  end(): void {
    this.user = undefined;
    this.sites = undefined;
  }
}

export const session = new Session();
