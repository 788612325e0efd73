export { AnalyticsSDK } from './sdk';
export type { Config, EventData, EventType } from './config';
export { trackPages } from './pages';
export type { PageOptions } from './pages';
export { trackEngagement } from './engagement';
export type { Engagement } from './engagement';
export { trackExtras } from './extras';
export type { ExtraOptions } from './extras';
import type { Config, EventData, EventType } from './config';
export declare class AnalyticsSDK {
    constructor(trackingId: string, config?: Config);
    trackPageView(page?: string, title?: string): void;
    trackEvent(category: string, action: string, label?: string, value?: number): void;
    track(type: EventType, data?: EventData): void;
    flush(): void;
}
export interface Config {
    endpoint?: string;
    storage?: boolean;
    userId?: string;
    ignoreSignals?: boolean;
    beacon?: boolean;
}
export type EventType = 'pageview' | 'event' | 'engagement' | 'identify' | 'vitals' | 'error';
export interface EventData {
    page?: string;
    title?: string;
    referrer?: string;
    timestamp?: number;
    name?: string;
    category?: string;
    action?: string;
    label?: string;
    value?: number;
    interactive?: boolean;
    revenue?: string | number;
    currency?: string;
    time_on_page?: number;
    scroll_depth?: number;
    properties?: Record<string, string | number | boolean>;
}
import type { AnalyticsSDK } from './sdk';
export interface PageOptions {
    hash?: boolean;
    onLeave?: () => void;
    onEnter?: () => void;
}
export declare const trackPages: (sdk: AnalyticsSDK, { hash, onLeave, onEnter }?: PageOptions) => void;
import type { AnalyticsSDK } from './sdk';
export interface Engagement {
    onLeave(): void;
    onEnter(): void;
}
export declare const trackEngagement: (sdk: AnalyticsSDK) => Engagement;
import type { AnalyticsSDK } from './sdk';
export interface ExtraOptions {
    outbound?: boolean;
    downloads?: boolean;
    forms?: boolean;
    notFound?: boolean | 'here';
}
export declare const trackExtras: (sdk: AnalyticsSDK, want: ExtraOptions) => void;
