import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

// The service has the page at /viz and its files below; in development its routes are those of a service that runs.
const service = process.env.KAT_RAY_URL ?? "http://127.0.0.1:8000";

/** Every script and style a second time as .gz, which the service sends to whom takes it. */
function compressed(): Plugin {
  return {
    name: "compressed",
    writeBundle({ dir = "dist" }) {
      for (const name of readdirSync(dir, { recursive: true, encoding: "utf-8" })) {
        if (/\.(js|css)$/.test(name)) writeFileSync(join(dir, `${name}.gz`), gzipSync(readFileSync(join(dir, name))));
      }
    },
  };
}

/** Without the shaders of three.js' own materials, a quarter of it: the map brings its own (src/draw/shaders.ts). */
function withoutShaders(): Plugin {
  return {
    name: "without-shaders",
    enforce: "pre",
    load: (id) => (id.endsWith("three/src/renderers/shaders/ShaderChunk.js") ? "export const ShaderChunk = {};" : null),
  };
}

export default defineConfig(({ command }) => ({
  // relative in the built page, so that it works behind any prefix (serve/routes/pages.py)
  base: command === "build" ? "./" : "/viz/",
  plugins: [withoutShaders(), compressed()],
  // its sources, of which parts can be left out; the package's one file has all
  resolve: { alias: [{ find: /^three$/, replacement: "three/src/Three.js" }] },
  build: { target: "es2023", assetsInlineLimit: 0, modulePreload: { polyfill: false } },
  server: { host: "127.0.0.1", proxy: { "/v1": { target: service, changeOrigin: false } } },
  test: { include: ["tests/**/*.test.ts"] },
}));
