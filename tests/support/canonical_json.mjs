// Reads a document as base64 a line; prints its canonical JSON as base64, or `refused: why`.

import { createInterface } from "node:readline";

const { canonicalJson, parseJson } = await import(process.argv[2]);

for await (const line of createInterface({ input: process.stdin })) {
  let said;
  try {
    said = Buffer.from(canonicalJson(parseJson(Buffer.from(line, "base64"), "it"))).toString("base64");
  } catch (error) {
    said = error.name === "FormatError" ? `refused: ${error.message.replaceAll("\n", " ")}` : `failed: ${error.stack}`;
  }
  process.stdout.write(`${said}\n`);
}
