/// <reference types="vitest/config" />
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { svelteTesting } from "@testing-library/svelte/vite";
import { defineConfig } from "vite";

const host = process.env["TAURI_DEV_HOST"];
const debug = process.env["TAURI_ENV_DEBUG"] === "true";

export default defineConfig({
	plugins: [svelte(), svelteTesting()],
	clearScreen: false,
	server: {
		port: 5173,
		strictPort: true,
		host: host ?? "127.0.0.1",
		watch: { ignored: ["**/src-tauri/**", "**/e2e/**"] },
	},
	envPrefix: ["VITE_", "TAURI_ENV_"],
	build: {
		// The oldest web view the packages promise to run in.
		target: process.env["TAURI_ENV_PLATFORM"] === "windows" ? "chrome111" : "safari16",
		// Everything ships inside the program: a data: URL would need a hole in the content policy.
		assetsInlineLimit: 0,
		modulePreload: { polyfill: false },
		minify: debug ? false : "oxc",
		sourcemap: debug,
	},
	test: {
		environment: "jsdom",
		include: ["src/**/*.test.ts"],
		setupFiles: ["src/test/setup.ts"],
		restoreMocks: true,
	},
});
