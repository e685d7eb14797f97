import type { Curve } from './curve.ts';
import type { Panel } from './panel.ts';
import type { PanelCurve } from './panel-curve.ts';

/** A scalar with its properties in the storage. */
export interface NamedCurve {
  readonly name: string;
  readonly curve: Curve;
  readonly smoothing: boolean;
}

const TIMES = new Set(['time', 'data_time', 'rank_data_time']);

/**
 * Groups scalars into panels: losses, learning rates, times in milliseconds, and the rest by the part of their names
 * before the last slash. Single curves without a slash share a panel.
 */
export function groupCurves(curves: readonly NamedCurve[]): readonly Panel[] {
  const groups = new Map<string, NamedCurve[]>();
  for (const named of curves) {
    const group = groupOf(named.name);
    groups.set(group, [...(groups.get(group) ?? []), named]);
  }
  const order = (group: string): number =>
    group === 'Losses' ? 0 : group === 'Learning rate' ? 2 : group === 'Time' ? 3 : 1;
  return [...groups]
    .sort(([a], [b]) => order(a) - order(b))
    .map(([group, members]) => ({
      title: group === 'Time' ? 'Time, ms per step' : group,
      scale: group === 'Losses' || group === 'Time' ? 'auto' : 'linear',
      curves: members
        .toSorted((a, b) => Number(b.name === 'total_loss') - Number(a.name === 'total_loss'))
        .map((member) => toPanelCurve(member, group)),
    }));
}

function groupOf(name: string): string {
  if (TIMES.has(name)) return 'Time';
  if (/^lr($|[/_])/.test(name)) return 'Learning rate';
  const slash = name.lastIndexOf('/');
  if (slash > 0) return name.slice(0, slash);
  return name.includes('loss') ? 'Losses' : 'Metrics';
}

function toPanelCurve({ name, curve, smoothing }: NamedCurve, group: string): PanelCurve {
  const factor = group === 'Time' ? 1000 : 1;
  const label = name.startsWith(`${group}/`) ? name.slice(group.length + 1) : name.replace('[metric]', '');
  const points = curve.points.map((point) => ({
    ...point,
    mean: point.mean * factor,
    min: point.min * factor,
    max: point.max * factor,
  }));
  return { label, points, last: curve.last * factor, smoothing };
}
