// For bundlers, which follow imports alone.
import * as tf from '@tensorflow/tfjs';

export default tf;
