import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { claimTempName, releaseTempName, removeStaleTemps } from '@hookline/core';
import { graphMessages, type GraphMessage } from './graph-messages.ts';
import type { NativeBinding } from '../device/native-backend.ts';

const TAG = 'train';

/**
 * Loads a graph into a session of its own and returns the session's number for the binding.
 *
 * @param parent where the folder lies through which the graph is handed over
 */
export function loadGraph(binding: NativeBinding, graph: GraphMessage, parent = tmpdir()): number {
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
  const name = claimTempName('step');
  const folder = join(parent, name);
  sweep(parent);
  // The name cannot be guessed, and nobody else may look into the folder or write there.
  mkdirSync(folder, { mode: 0o700 });
  try {
    writeFileSync(join(folder, 'saved_model.pb'), model.serializeBinary());
    return binding.loadSavedModel(folder, TAG);
  } finally {
    rmSync(folder, { recursive: true, force: true });
    releaseTempName(name);
  }
}

const swept = new Set<string>();

/** Removes, once, the folders that processes of this user left because they were killed while they loaded a graph. */
function sweep(parent: string): void {
  if (swept.has(parent)) return;
  swept.add(parent);
  void removeStaleTemps(parent).catch(() => undefined);
}
