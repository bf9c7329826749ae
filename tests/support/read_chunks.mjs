// Reads parts of a payload as pages do: a question as JSON on stdin, the bytes as base64 on stdout.

import { readFileSync } from "node:fs";

const question = JSON.parse(readFileSync(0, "utf8"));
const { VerifiedPayload } = await import(`${question.static}/chunks.js`);
const { HttpSource } = await import(`${question.static}/source.js`);

const asked = [];
const http = new HttpSource(question.address, (url, options) => {
  asked.push(options.headers.Range ?? url.split("/").pop());
  return fetch(url, options);
});
try {
  const payload = await VerifiedPayload.open(http, "us", question.pointer);
  asked.length = 0;
  const parts = [];
  for (const range of question.ranges) parts.push(Buffer.from(await payload.slice(...range)).toString("base64"));
  console.log(JSON.stringify({ parts, asked, size: payload.byteLength }));
} catch (error) {
  console.log(JSON.stringify({ error: error.name, message: error.message }));
}
