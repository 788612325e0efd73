export { AnalyticsSDK } from './sdk';
export type { Config, EventData, EventType } from './config';
export { trackPages } from './pages';
export type { PageOptions } from './pages';
export { trackEngagement } from './engagement';
export type { Engagement } from './engagement';
export { trackExtras } from './extras';
export type { ExtraOptions } from './extras';
