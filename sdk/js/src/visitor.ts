import { uuid } from './uuid';

const sessionGap = 30 * 60_000;
const visitorLife = 395 * 86_400_000; // 13 months from the first visit, not renewed by later ones

/** Returns the ids that localStorage holds for the site, new ones where they have ended; nothing where the browser keeps nothing. */
export const visitorIds = (trackingId: string, now: number): { user_id: string; session_id: string } | undefined => {
  const key = 'footfall:' + trackingId;
  let user_id, since, session_id, seen;
  try {
    [user_id, since, session_id, seen] = JSON.parse(localStorage[key]);
  } catch {
    // Missing, or spoilt by somebody: begin anew.
  }
  // Comparisons with undefined are false: what is missing has ended.
  if (!(now - since < visitorLife)) {
    user_id = uuid((since = now));
    seen = 0;
  }
  if (!(now - seen <= sessionGap)) session_id = uuid(now);
  try {
    localStorage[key] = JSON.stringify([user_id, since, session_id, now]);
    return { user_id, session_id };
  } catch {
    // Ids that cannot be kept would be new each time.
  }
};
