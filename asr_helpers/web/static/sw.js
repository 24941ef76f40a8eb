// Keeps the whole page after the first visit, so that it works without a network. `asr web` fills in the files and
// their hash: a new version has another name, so that old code never meets a new network.

const VERSION = "@VERSION@";
const FILES = @FILES@;
const OURS = `asr web ${self.registration.scope} `; // other pages of the same server have caches, too
const NAME = OURS + VERSION;

async function keep() {
  const cache = await caches.open(NAME);
  // The browser asks the server before it takes a copy of its own: that may be of an older version.
  await cache.addAll(FILES.map((file) => new Request(file, { cache: "no-cache" })));
  await self.skipWaiting();
}

async function forgetOthers() {
  for (const name of await caches.keys()) if (name.startsWith(OURS) && name !== NAME) await caches.delete(name);
  await self.clients.claim();
}

async function answer(request) {
  return (await (await caches.open(NAME)).match(request, { ignoreSearch: true })) ?? fetch(request);
}

self.addEventListener("install", (event) => event.waitUntil(keep()));
self.addEventListener("activate", (event) => event.waitUntil(forgetOthers()));
self.addEventListener("fetch", (event) => event.respondWith(answer(event.request)));
