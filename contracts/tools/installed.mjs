#!/usr/bin/env node
// Whether node_modules holds what package-lock.json names for this machine: exit code 0 or 1.
import { readFileSync } from "node:fs";

const packages = (path) => JSON.parse(readFileSync(path, "utf8")).packages;
const root = new URL("../", import.meta.url);
let installed;
try {
  installed = packages(new URL("node_modules/.package-lock.json", root));
} catch {
  process.exit(1);
}
const missing = Object.entries(packages(new URL("package-lock.json", root))).filter(
  ([path, locked]) => path && !locked.optional && installed[path]?.version !== locked.version,
);
process.exit(missing.length ? 1 : 0);
