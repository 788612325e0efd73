import { trackEngagement } from './engagement';
import { trackPages } from './pages';
import { on, startFromTag } from './tag';

startFromTag((sdk, data) => {
  if (data.auto != 'false') trackPages(sdk, { hash: on(data.hash), ...trackEngagement(sdk) });
});
