import type { Plugin } from './plugin.ts';

/** `precise-bn` for `@hookline/plugin-precise-bn` or `acme-plugin-precise-bn`: what people type. */
export function shortName(name: string): string {
  const unscoped = name.startsWith('@') ? name.slice(name.indexOf('/') + 1) : name;
  return unscoped.replace(/^(?:.*-)?(?:plugin|preset)-/, '');
}

/** All names by which a plugin can be meant: its id, its name, and the short forms of both. */
export function namesOf({ name, id, instance }: Pick<Plugin, 'name' | 'id' | 'instance'>): readonly string[] {
  const short = shortName(name);
  return [...new Set([id, name, short, ...(instance === undefined ? [] : [`${short}#${instance}`])])];
}
