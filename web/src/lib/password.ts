// A hint while a password is typed. The server decides; this only keeps people from the weakest ones.
import { t } from './messages';

export const passwordMin = 10;
const common = ['password', 'passwort', 'qwerty', '12345', 'letmein', 'footfall', 'admin', 'iloveyou', 'welcome', 'abc123', '11111', 'monkey', 'dragon', 'changeme'];

export interface Strength { level: 0 | 1 | 2 | 3; text: string }

function weakness(password: string, email: string): string | undefined {
  const lower = password.toLowerCase();
  const name = email.split('@')[0]?.toLowerCase() ?? '';
  if (new Set(lower).size < 5) return t('password.why.repeat');
  if (/^\d+$/.test(password)) return t('password.why.digits');
  if (name.length > 3 && lower.includes(name)) return t('password.why.email');
  if (common.some((c) => lower.includes(c) && lower.length < c.length + 6)) return t('password.why.common');
  return undefined;
}

export function strength(password: string, email: string): Strength {
  if (password === '') return { level: 0, text: t('password.hint', { min: passwordMin }) };
  if (password.length < passwordMin) return { level: 0, text: t('password.short', { n: passwordMin - password.length }) };
  const why = weakness(password, email);
  if (why) return { level: 1, text: t('password.weak', { why }) };
  const kinds = [/[a-z]/, /[A-Z]/, /\d/, /[^a-zA-Z0-9]/].filter((k) => k.test(password)).length;
  if (password.length >= 16 || (password.length >= 12 && kinds >= 3)) return { level: 3, text: t('password.strong') };
  return { level: 2, text: t('password.fair') };
}
