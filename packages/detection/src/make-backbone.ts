import { residualBackbone, type BackboneFactory, featurePyramid, mobilenetV3Small, resnet } from '@hookline/vision';
import type { DetectionConfig } from './config/detection-config.ts';

/** Makes the backbone that the config's `model` describes. @throws HooklineError `HKL_BACKBONE_OPTION` for too many frozen stages */
export function makeBackbone({
  backbone,
  width,
  frozenStages,
  frozenBatchNorm,
}: DetectionConfig['model']): BackboneFactory {
  const frozen = { frozenStages, frozenBatchNorm };
  const channels = 2 * width;
  switch (backbone) {
    case 'small':
      return residualBackbone({ widths: [width, 2 * width, 3 * width], channels, ...frozen });
    case 'resnet18':
      return featurePyramid(resnet({ depth: 18, ...frozen }), { channels });
    case 'resnet50':
      return featurePyramid(resnet({ depth: 50, ...frozen }), { channels });
    case 'mobilenetV3Small':
      return featurePyramid(mobilenetV3Small(frozen), { channels });
  }
}
