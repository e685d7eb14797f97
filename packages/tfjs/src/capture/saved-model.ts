import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { graphMessages, type GraphMessage } from './graph-messages.ts';
import type { NativeBinding } from './native-backend.ts';

const TAG = 'train';

/** Loads a graph into a session of its own and returns the session's number for the binding. */
export function loadGraph(binding: NativeBinding, graph: GraphMessage): number {
  const { MetaGraphDef, SavedModel } = graphMessages();
  const metaInfo = new MetaGraphDef.MetaInfoDef();
  metaInfo.setTagsList([TAG]);
  const metaGraph = new MetaGraphDef();
  metaGraph.setMetaInfoDef(metaInfo);
  metaGraph.setGraphDef(graph);
  const model = new SavedModel();
  model.setSavedModelSchemaVersion(1);
  model.setMetaGraphsList([metaGraph]);
  // The binding loads graphs from folders only.
  const folder = mkdtempSync(join(tmpdir(), 'hookline-step-'));
  try {
    writeFileSync(join(folder, 'saved_model.pb'), model.serializeBinary());
    return binding.loadSavedModel(folder, TAG);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
