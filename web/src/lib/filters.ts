// Filters as the dashboard knows them: one operator, one dimension, values that are alternatives. They live in the address as
// f=is,visit:source,Google,Bing with % and the comma of a value escaped.
import type { Operator, QueryFilter } from './api';
import { countryName } from './format';
import { hasMessage, t } from './messages';

export interface Filter { operator: Operator; dimension: string; values: string[] }

export const operators: Operator[] = ['is', 'is_not', 'contains', 'contains_not'];

export const filterDimensions = [
  'event:page', 'visit:entry_page', 'visit:exit_page', 'event:hostname', 'visit:source', 'visit:channel', 'visit:referrer', 'visit:utm_source', 'visit:utm_medium',
  'visit:utm_campaign', 'visit:utm_content', 'visit:utm_term', 'visit:country', 'visit:region', 'visit:city', 'visit:device', 'visit:browser', 'visit:browser_version', 'visit:os', 'visit:os_version', 'event:name',
];

export function serialize(filter: Filter): string {
  return [filter.operator, filter.dimension, ...filter.values.map((v) => v.replace(/[%,]/g, encodeURIComponent))].join(',');
}

/** Undefined for anything that is no filter of ours: an address is typed by anyone. */
export function parse(text: string): Filter | undefined {
  const [operator, dimension, ...rest] = text.split(',');
  if (!operators.includes(operator as Operator) || !filterDimensions.includes(dimension ?? '') || rest.length === 0) return undefined;
  try {
    return { operator: operator as Operator, dimension: dimension!, values: rest.map(decodeURIComponent) };
  } catch {
    return undefined;
  }
}

export const toQuery = (filters: Filter[]): QueryFilter[] => filters.map((f) => [f.operator, f.dimension, f.values]);

const sameKind = (a: Filter, b: Filter) => a.operator === b.operator && a.dimension === b.dimension;

/** Adds a filter; one of the same operator and dimension gains the values instead. */
export function add(filters: Filter[], added: Filter): Filter[] {
  if (!filters.some((f) => sameKind(f, added))) return [...filters, added];
  return filters.map((f) => (sameKind(f, added) ? { ...f, values: [...new Set([...f.values, ...added.values])] } : f));
}

/** What a click on a row does: sets the value alone for its dimension, or takes it away where it is set already. */
export function toggle(filters: Filter[], dimension: string, value: string): Filter[] {
  const others = filters.filter((f) => !(f.operator === 'is' && f.dimension === dimension));
  if (has(filters, dimension, value)) return others;
  return [...others, { operator: 'is', dimension, values: [value] }];
}

export function has(filters: Filter[], dimension: string, value: string): boolean {
  return filters.some((f) => f.operator === 'is' && f.dimension === dimension && f.values.length === 1 && f.values[0] === value);
}

export function dimensionName(dimension: string): string {
  const key = `dim.${dimension}`;
  return hasMessage(key) ? t(key) : dimension;
}

/** A value of a dimension in words. */
export function valueText(dimension: string, value: string): string {
  if (value === '' || value === '(not set)') return t('value.notSet');
  if (dimension === 'visit:country') return countryName(value);
  if (dimension === 'visit:region' && /^[A-Z]{2}-/.test(value)) return `${value.slice(3)}, ${countryName(value.slice(0, 2))}`;
  if (dimension === 'visit:device') return value.charAt(0).toUpperCase() + value.slice(1);
  return value;
}

export function filterText(filter: Filter): string {
  const values = filter.values.map((v) => valueText(filter.dimension, v)).join(` ${t('filter.or')} `);
  return `${dimensionName(filter.dimension)} ${t(`filter.${filter.operator}`)} ${values}`;
}
