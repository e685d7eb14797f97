/**
 * The command that resumes an interrupted training.
 *
 * @param argv arguments of the training, without Node and script
 * @param env environment of the training; its `HOOKLINE_DEVICE` becomes part of the command
 */
export function resumeCommand(argv: readonly string[], env: NodeJS.ProcessEnv = process.env): string {
  const device = env['HOOKLINE_DEVICE'] ? [`HOOKLINE_DEVICE=${quote(env['HOOKLINE_DEVICE'])}`] : [];
  const resume = argv.includes('--resume') ? [] : ['--resume'];
  return [...device, 'npx hookline', ...argv.map(quote), ...resume].join(' ');
}

function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
