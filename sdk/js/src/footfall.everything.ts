import { trackEngagement } from './engagement';
import { trackExtras } from './extras';
import { trackPages } from './pages';
import { on, startFromTag } from './tag';

startFromTag((sdk, data) => {
  if (data.auto != 'false') trackPages(sdk, { hash: on(data.hash), ...trackEngagement(sdk) });
  trackExtras(sdk, {
    outbound: on(data.outbound),
    downloads: on(data.downloads),
    forms: on(data.forms),
    notFound: data['404'] == 'here' ? 'here' : on(data['404']),
  });
});
