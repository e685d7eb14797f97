import { appendFile } from 'node:fs/promises';

/** The result of one check of a plugin. */
export interface ContractCheck {
  /** Name of the check: `resumes at every step, captured`. */
  readonly what: string;
  /** `measured` is a figure without a limit. */
  readonly outcome: 'held' | 'broken' | 'skipped' | 'measured';
  /** The violation, the reason for skipping, or the figure; may be empty if the check passed. */
  readonly detail: string;
}

/** The results of all checks of a plugin. */
export interface ContractReport {
  /** The plugin's name. */
  readonly plugin: string;
  readonly checks: readonly ContractCheck[];
  /** A table for the plugin's README, in Markdown. */
  readonly markdown: string;
}

const WORDS = { held: 'yes', broken: 'no', skipped: 'not tried', measured: '' } as const;

/** The checks with their table. */
export function reportOf(plugin: string, checks: readonly ContractCheck[]): ContractReport {
  const rows = checks.map(({ what, outcome, detail }) => {
    const said = [WORDS[outcome], outcome === 'broken' ? '' : detail].filter((part) => part !== '').join(': ');
    return `| ${what} | ${said.replaceAll('|', '\\|')} |`;
  });
  return { plugin, checks, markdown: ['| Checked | Holds |', '| --- | --- |', ...rows].join('\n') };
}

/** Appends the table to the file in the environment variable `HOOKLINE_CONTRACT_REPORT`, if it is set. */
export async function writeReport({ plugin, markdown }: ContractReport): Promise<void> {
  const file = process.env['HOOKLINE_CONTRACT_REPORT'];
  if (file !== undefined && file !== '') await appendFile(file, `### ${plugin}\n\n${markdown}\n\n`);
}
