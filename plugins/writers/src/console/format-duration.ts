/** Formats seconds as `H:MM:SS`, preceded by days if there are any. */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const days = Math.floor(whole / 86_400);
  const two = (value: number): string => String(value).padStart(2, '0');
  const clock = `${Math.floor((whole % 86_400) / 3600)}:${two(Math.floor((whole % 3600) / 60))}:${two(whole % 60)}`;
  return days === 0 ? clock : `${days} day${days === 1 ? '' : 's'}, ${clock}`;
}

/** The short form, without hours if there are none: `0:42`, `1:02:03`. */
export function formatShortDuration(seconds: number): string {
  return formatDuration(seconds).replace(/^0:0?(?=\d)/, '');
}
