/** The host name in what people type or paste for a domain; empty when there is none. */
export function cleanDomain(text: string): string {
  const bare = text.trim().toLowerCase().replace(/^[a-z]+:\/\//, '').replace(/[/?#].*$/, '').replace(/\.$/, '');
  return /^[\p{L}\p{N}]([\p{L}\p{N}.-]*[\p{L}\p{N}])?(:\d{1,5})?$/u.test(bare) ? bare : '';
}
