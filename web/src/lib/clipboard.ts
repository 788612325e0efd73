/** Copies text; false where the browser does not let us (a page without TLS that is not localhost has no clipboard). */
export async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
