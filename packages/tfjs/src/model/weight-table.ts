/**
 * How the axes of a weight in a foreign file become those of our variable. Named after the layer that has the weight, with
 * PyTorch's axes first:
 *
 * - `same`: biases, the weights and statistics of batch norm, embeddings
 * - `convolution`: OIHW to HWIO, and likewise OIW to WIO and OIDHW to DHWIO; transposed convolutions IOHW to HWOI
 * - `depthwise`: C1HW to HWC1; with a channel multiplier M, (C·M)1HW to HWCM
 * - `linear`: OI to IO
 */
export type WeightLayout = 'same' | 'convolution' | 'depthwise' | 'linear';

/** A weight in files of another framework. */
export interface ForeignWeight {
  /** Its name in the file, and the one under which `hookline convert` writes it. */
  readonly name: string;
  readonly layout: WeightLayout;
  /** Names that other programs write for the same weight, such as timm's beside torchvision's. */
  readonly aliases?: readonly string[];
}

/**
 * What the variables of a model are called in files of another framework, by our names. Variables that are not listed
 * keep their names and their layouts.
 *
 * @example
 * { 'stem/kernel': { name: 'conv1.weight', layout: 'convolution' }, 'head/bias': { name: 'fc.bias', layout: 'same' } }
 */
export type WeightTable = Readonly<Record<string, ForeignWeight>>;
