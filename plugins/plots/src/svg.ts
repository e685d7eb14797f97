/** Escapes text for SVG and removes control characters, which XML does not allow. */
export function escapeText(text: string): string {
  return (
    text
      // eslint-disable-next-line no-control-regex -- the control characters are to be removed
      .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '')
      .replaceAll('&', '&amp;')
      .replaceAll('<', '&lt;')
      .replaceAll('>', '&gt;')
      .replaceAll('"', '&quot;')
  );
}

/** Formats an element with attributes; numbers get one decimal. */
export function element(name: string, attributes: Readonly<Record<string, string | number>>, content?: string): string {
  const list = Object.entries(attributes).map(
    ([key, value]) => ` ${key}="${typeof value === 'number' ? coordinate(value) : escapeText(value)}"`,
  );
  return content === undefined ? `<${name}${list.join('')}/>` : `<${name}${list.join('')}>${content}</${name}>`;
}

/** The `points` of a polyline. */
export function pointList(points: readonly (readonly [x: number, y: number])[]): string {
  return points.map(([x, y]) => `${coordinate(x)},${coordinate(y)}`).join(' ');
}

function coordinate(value: number): string {
  return String(Math.round(value * 10) / 10);
}
