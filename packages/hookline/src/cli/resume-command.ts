/**
 * The command that goes on with an interrupted training.
 *
 * @param argv of the training, without Node and script
 * @param env whose `HOOKLINE_DEVICE` decides what it runs on
 */
export function resumeCommand(argv: readonly string[], env: NodeJS.ProcessEnv = process.env): string {
  const device = env['HOOKLINE_DEVICE'] ? [`HOOKLINE_DEVICE=${quote(env['HOOKLINE_DEVICE'])}`] : [];
  const resume = argv.includes('--resume') ? [] : ['--resume'];
  return [...device, 'npx hookline', ...argv.map(quote), ...resume].join(' ');
}

function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
