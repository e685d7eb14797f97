/**
 * How to permute the axes of a weight in a foreign file for our variable. Each layout is named after the layer that has
 * the weight; PyTorch's axes come first:
 *
 * - `same`: biases, the weights and statistics of batch norm, embeddings
 * - `convolution`: OIHW to HWIO, and likewise OIW to WIO and OIDHW to DHWIO; transposed convolutions IOHW to HWOI
 * - `depthwise`: C1HW to HWC1; with a channel multiplier M, (C·M)1HW to HWCM
 * - `linear`: OI to IO
 */
export type WeightLayout = 'same' | 'convolution' | 'depthwise' | 'linear';

/** A weight as files of another framework store it. */
export interface ForeignWeight {
  /** Its name in the file; `hookline convert` also writes it under this name. */
  readonly name: string;
  readonly layout: WeightLayout;
  /** Alternative names that other programs use for the same weight, such as timm's besides torchvision's. */
  readonly aliases?: readonly string[];
}

/**
 * The weights of a model in files of another framework, keyed by our variable names. Variables that are not listed keep
 * their names and layouts.
 *
 * @example
 * { 'stem/kernel': { name: 'conv1.weight', layout: 'convolution' }, 'head/bias': { name: 'fc.bias', layout: 'same' } }
 */
export type WeightTable = Readonly<Record<string, ForeignWeight>>;
