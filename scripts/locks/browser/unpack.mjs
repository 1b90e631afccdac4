// Puts what the package has compressed beside this file; its own copy is not needed any more.
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { brotliDecompressSync } from "node:zlib";

const packed = "node_modules/@sparticuz/chromium/bin";
for (const name of readdirSync(packed)) {
  writeFileSync(name.replace(/\.br$/, ""), brotliDecompressSync(readFileSync(`${packed}/${name}`)));
}
rmSync(packed, { recursive: true });
