import type { Plugin } from './plugin.ts';

/**
 * The short name of a plugin, which people type: `precise-bn` for `@hookline/plugin-precise-bn` or
 * `acme-plugin-precise-bn`.
 */
export function shortName(name: string): string {
  const unscoped = name.startsWith('@') ? name.slice(name.indexOf('/') + 1) : name;
  return unscoped.replace(/^(?:.*-)?(?:plugin|preset)-/, '');
}

/** All names by which people can refer to a plugin: its id, its name, and the short forms of both. */
export function namesOf({ name, id, instance }: Pick<Plugin, 'name' | 'id' | 'instance'>): readonly string[] {
  const short = shortName(name);
  return [...new Set([id, name, short, ...(instance === undefined ? [] : [`${short}#${instance}`])])];
}
