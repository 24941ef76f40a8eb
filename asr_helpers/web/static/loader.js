// Fetches and unpacks the recogniser's files, in a worker that ends when it has handed them over. What it has read and
// written on the way, four times the files' size, ends with it; from a thread that goes on, browsers take it back late.

import { named } from "./named.js";

const FORMAT = 1; // of recogniser.json

// The bytes of a file. Some servers label .gz so that the browser unpacks it, others do not: so look at the bytes.
async function fetched(name, report) {
  const response = await fetch(name);
  if (!response.ok) throw new Error(`the server answers ${response.status}`);
  const counted = response.body.pipeThrough(new TransformStream({
    transform(chunk, controller) {
      report(chunk.length);
      controller.enqueue(chunk);
    },
  }));
  const bytes = new Uint8Array(await new Response(counted).arrayBuffer());
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  const unpacked = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(unpacked).arrayBuffer());
}

async function readSettings() {
  const read = JSON.parse(new TextDecoder().decode(await fetched("recogniser.json", () => {})));
  if (read?.format !== FORMAT) throw new Error("it is of another version");
  return read;
}

async function load() {
  const settings = await named("recogniser.json", readSettings);
  const total = Object.values(settings.bytes).reduce((sum, bytes) => sum + bytes, 0);
  let seen = 0;
  const report = (bytes) => postMessage({ kind: "progress", share: Math.min(1, (seen += bytes) / total) });
  const names = [settings.engine, settings.network, settings.language_model].filter(Boolean);
  const files = await Promise.all(names.map((name) => named(name, () => fetched(name, report))));
  const [wasm, model, lm] = files;
  postMessage({ kind: "loaded", settings, wasm, model, lm }, files.map((bytes) => bytes.buffer));
}

load().catch((error) => postMessage({ kind: "error", message: error.message }));
