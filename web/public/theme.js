// Runs before the first paint, so that a chosen theme does not flash. Kept apart from the bundle because the policy forbids inline scripts.
try {
  const chosen = localStorage.getItem('footfall.theme');
  if (chosen === 'dark' || chosen === 'light') document.documentElement.dataset.theme = chosen;
} catch {
  // No storage: the system's preference holds.
}
