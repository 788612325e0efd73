// What the panels of the overview show: data, so that a new list is a line here.
import type { Message } from './messages';

export interface Tab {
  id: string;
  label: Message;
  dimension: string;
  /** The first is the value of a row; all are columns of the details. */
  metrics: string[];
}

export interface PanelSpec { id: 'sources' | 'pages' | 'places' | 'devices' | 'events'; title: Message; tabs: Tab[] }

const visit = ['visitors', 'visits', 'bounce_rate', 'visit_duration'];

export const panels: PanelSpec[] = [
  {
    id: 'sources', title: 'panel.group.sources', tabs: [
      { id: 'sources', label: 'panel.sources', dimension: 'visit:source', metrics: visit },
      { id: 'channels', label: 'panel.channels', dimension: 'visit:channel', metrics: visit },
      { id: 'campaigns', label: 'panel.campaigns', dimension: 'visit:utm_campaign', metrics: visit },
    ],
  },
  {
    id: 'pages', title: 'panel.group.pages', tabs: [
      { id: 'pages', label: 'panel.pages', dimension: 'event:page', metrics: ['visitors', 'pageviews', 'bounce_rate', 'time_on_page', 'scroll_depth'] },
      { id: 'entry', label: 'panel.entry', dimension: 'visit:entry_page', metrics: visit },
      { id: 'exit', label: 'panel.exit', dimension: 'visit:exit_page', metrics: ['visitors', 'visits'] },
    ],
  },
  {
    id: 'places', title: 'panel.group.places', tabs: [
      { id: 'countries', label: 'panel.countries', dimension: 'visit:country', metrics: visit },
      { id: 'regions', label: 'panel.regions', dimension: 'visit:region', metrics: visit },
      { id: 'cities', label: 'panel.cities', dimension: 'visit:city', metrics: visit },
    ],
  },
  {
    id: 'devices', title: 'panel.group.devices', tabs: [
      { id: 'browsers', label: 'panel.browsers', dimension: 'visit:browser', metrics: visit },
      { id: 'os', label: 'panel.os', dimension: 'visit:os', metrics: visit },
      { id: 'devices', label: 'panel.devices', dimension: 'visit:device', metrics: visit },
    ],
  },
  { id: 'events', title: 'panel.group.events', tabs: [{ id: 'events', label: 'panel.events', dimension: 'event:name', metrics: ['visitors', 'events'] }] },
];

export const campaignTags = ['utm_campaign', 'utm_source', 'utm_medium', 'utm_content', 'utm_term'] as const;
