// Light, dark, or what the system says. The choice is stored on the device; theme.js reads it before the first paint.

export type Theme = 'system' | 'light' | 'dark';
const key = 'footfall.theme';
const order: Theme[] = ['system', 'light', 'dark'];

function stored(): Theme {
  try {
    const text = localStorage.getItem(key);
    return text === 'dark' || text === 'light' ? text : 'system';
  } catch {
    return 'system';
  }
}

class ThemeChoice {
  chosen = $state<Theme>(stored());
  #system = $state(matchMedia('(prefers-color-scheme: dark)').matches);
  dark = $derived(this.chosen === 'dark' || (this.chosen === 'system' && this.#system));

  constructor() {
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', (e) => (this.#system = e.matches));
  }

  next(): void {
    this.choose(order[(order.indexOf(this.chosen) + 1) % order.length]!);
  }

  choose(theme: Theme): void {
    this.chosen = theme;
    if (theme === 'system') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    try {
      if (theme === 'system') localStorage.removeItem(key);
      else localStorage.setItem(key, theme);
    } catch {
      // Without storage the choice lasts as long as the page.
    }
  }
}

export const theme = new ThemeChoice();
