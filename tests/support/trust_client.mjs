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

const store = "https://bucket.example";
const client = new ChannelClient({
  store,
  country: question.country,
  root: Buffer.from(question.root, "base64"),
  state: new FileState(question.state),
  now: question.now ? new Date(question.now) : new Date(),
  // The state belongs to the bucket, wherever this test has it.
  fetcher: (url, options) => fetch(url.replace(store, question.address), options),
});
try {
  const { version, entries, signers } = await client.role(question.role);
  console.log(JSON.stringify({ version, entries: [...entries.values()], signers }));
} catch (error) {
  console.log(JSON.stringify({ error: error.name, message: error.message }));
}
