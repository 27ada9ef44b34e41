import { defineConfig } from "vitest/config";

// The service has the page at /viz and its files below; in development its routes are those of a service that runs.
const service = process.env.KAT_RAY_URL ?? "http://127.0.0.1:8000";

export default defineConfig({
  base: "./",
  build: { target: "es2023", assetsInlineLimit: 0, modulePreload: { polyfill: false } },
  server: { host: "127.0.0.1", proxy: { "/v1": service } },
  test: { include: ["tests/**/*.test.ts"] },
});
