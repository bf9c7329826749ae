// The browser's client of channels on Node.js: one question as JSON on stdin, the verdict on stdout.

import { readFileSync, writeFileSync } from "node:fs";

const question = JSON.parse(readFileSync(0, "utf8"));
const { ChannelClient } = await import(question.client);
const { MemoryState } = await import(question.client.replace(/trust\.js$/, "store.js"));

class FileState extends MemoryState {
  constructor(file) {
    super();
    this.file = file;
  }

  all() {
    try {
      return JSON.parse(readFileSync(this.file, "utf8"));
    } catch {
      return {};
    }
  }

  async get(key) {
    return this.all()[key];
  }

  async set(key, value) {
    writeFileSync(this.file, JSON.stringify({ ...this.all(), [key]: value }));
  }
}

const stores = question.addresses.map((_, place) => `https://bucket-${place}.example`);
const client = new ChannelClient({
  stores,
  country: question.country,
  root: Buffer.from(question.root, "base64"),
  seen: question.seen.map((text) => new TextEncoder().encode(text)),
  grace: question.grace,
  state: new FileState(question.state),
  now: question.now ? new Date(question.now) : new Date(),
  // The state belongs to the bucket, wherever this test has it.
  fetcher: (url, options) => fetch(addressed(url), options),
});
function addressed(url) {
  const place = stores.findIndex((store) => url.startsWith(`${store}/`));
  return url.replace(stores[place], question.addresses[place]);
}

try {
  const { version, entries, signers } = await client.role(question.role);
  const blamed = [...client.stores.faults.keys()].map((source) => stores.indexOf(source.http.store));
  const pointer = question.lookup ? await client.lookup(question.role, question.lookup) : undefined;
  console.log(JSON.stringify({ version, entries: [...entries.values()], signers, blamed, pointer }));
} catch (error) {
  console.log(JSON.stringify({ error: error.name, message: error.message }));
}
process.exit(0); // a store that is silent is waited for no more
