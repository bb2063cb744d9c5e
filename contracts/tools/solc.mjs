#!/usr/bin/env node
// The compiler of the npm package `solc` behind the command line that forge calls: there is no native build in
// any package registry. The package is named by PLIMSOLL_SOLC, `solc` unless told.
import { createRequire } from "node:module";
import { existsSync, readFileSync, writeSync } from "node:fs";
import { resolve } from "node:path";

const require = createRequire(import.meta.url);
const solc = require(process.env.PLIMSOLL_SOLC ?? "solc");
const words = process.argv.slice(2);

/** Writes all of `text`: a pipe takes it in parts. */
function print(text) {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(1, bytes, at);
    } catch (error) {
      if (error.code !== "EAGAIN") throw error;
    }
  }
}

if (words.includes("--version")) {
  // forge reads the platform of a native build.
  const version = solc.version().replace(".Emscripten.clang", ".Linux.g++");
  print(`solc, the solidity compiler commandline interface\nVersion: ${version}\n`);
  process.exit(0);
}

/** The values that follow each `name` on the command line. */
function values(name) {
  return words.flatMap((word, place) => (word === name ? [words[place + 1]] : []));
}

const roots = [...values("--base-path"), process.cwd(), ...values("--include-path"), ""];
const found = (path) => roots.map((root) => resolve(root, path)).find(existsSync);
const source = readFileSync(0, "utf8");
const compiled = solc.compile(source, {
  import: (path) => {
    const file = found(path);
    return file ? { contents: readFileSync(file, "utf8") } : { error: `${path} was not found` };
  },
});
print(compiled);
