// Tabulates what stdin says, by the module that pages use.
import { readFileSync } from "node:fs";

const { module, first, second, weights } = JSON.parse(readFileSync(0, "utf8"));
const { crossed, grouped, plain, together } = await import(module);
const given = Float64Array.from(weights);
const rows = grouped(first.map(plain), given);
const columns = second ? grouped(second.map(plain), given) : together(first.length);
console.log(JSON.stringify({ rows: rows.labels, columns: columns.labels, sums: crossed(rows, columns, given) }));
