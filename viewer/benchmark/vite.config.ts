import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

// Pages that the map is measured against. They are no part of the viewer: three.js whole, nothing compressed.
const root = fileURLToPath(new URL(".", import.meta.url));

export default defineConfig({
  root,
  base: "./",
  build: {
    target: "es2023",
    emptyOutDir: true,
    rolldownOptions: { input: ["seeds", "ids"].map((name) => `${root}${name}.html`) },
  },
});
