/**
 * The labels by which plugins order themselves, in detectron2's default order. They are known even where no plugin of a
 * trainer provides them, so that leaving out a plugin never breaks the order of the others.
 */
export const STANDARD_LABELS = Object.freeze({
  timing: 'measures steps; first, so that the time of other plugins is left out',
  schedule: 'sets what the next step uses, such as the learning rate',
  gradients: 'changes gradients, such as clipping',
  averaging: 'keeps averages of the weights',
  statistics: 'changes statistics that are part of the model, before they are saved',
  checkpointing: 'saves; before evaluation, so that a failing evaluation loses nothing',
  evaluation: 'computes results',
  metrics: 'stores scalars that others read',
  stopping: 'may end the training, by results',
  writing: 'writes what was stored; last, so that nothing is missed',
});

/** A label that is always known. */
export type StandardLabel = keyof typeof STANDARD_LABELS;
