// A value that is loaded: the newest request wins, the old value stays on screen until the new one is there.
import { errorText } from './api';

export class Resource<T> {
  value = $state.raw<T>();
  error = $state('');
  loading = $state(true);
  #abort: AbortController | undefined;

  /** Starts a load and drops the one under way. */
  async load(ask: (signal: AbortSignal) => Promise<T>): Promise<void> {
    this.#abort?.abort();
    const abort = new AbortController();
    this.#abort = abort;
    this.loading = true;
    try {
      const value = await ask(abort.signal);
      if (abort.signal.aborted) return;
      this.value = value;
      this.error = '';
    } catch (error) {
      if (abort.signal.aborted) return;
      this.error = errorText(error);
    }
    this.loading = false;
  }

  stop(): void {
    this.#abort?.abort();
  }
}
