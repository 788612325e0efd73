let made = 0;

/** Returns a UUIDv7 of that time. The ids of one page ascend, so that events of one millisecond keep their order. */
export const uuid = (now: number): string => {
  let hex = now.toString(16).padStart(12, '0') + (0x7000 + (made++ & 0xfff)).toString(16);
  for (const byte of crypto.getRandomValues(new Uint8Array(8))) hex += (256 + byte).toString(16).slice(1);
  return hex.replace(/(.{8})(.{4})(.{4}).(.{3})/, '$1-$2-$3-a$4-');
};
