/** Okabe and Ito's colours, which colour-blind people can distinguish; those that are faint on white come last. */
export const CURVE_COLORS = [
  '#0072b2',
  '#d55e00',
  '#009e73',
  '#cc79a7',
  '#8a6d00',
  '#56b4e9',
  '#e69f00',
  '#444444',
] as const;

export const INK = { text: '#1f2933', muted: '#66727f', grid: '#e6e9ed', frame: '#c3cad2', paper: '#ffffff' } as const;

/** Dash patterns for each repetition of the colours. */
export const DASHES = ['', '6 3', '2 3'] as const;
