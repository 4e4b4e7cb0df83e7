import js from "@eslint/js";
import prettier from "eslint-config-prettier";
import svelte from "eslint-plugin-svelte";
import globals from "globals";
import ts from "typescript-eslint";
import svelteConfig from "./svelte.config.js";

/** Only the backend folder knows the desktop shell; everything else sees the `Backend` interface. */
const onlyTheBackend = {
	patterns: [
		{
			group: ["@tauri-apps/*"],
			message: "Ask the Backend interface; only lib/backend may call the shell.",
		},
	],
};

export default ts.config(
	{ ignores: ["dist/", "node_modules/", "src-tauri/", "e2e/", "src/lib/backend/types/"] },
	js.configs.recommended,
	...ts.configs.recommended,
	...svelte.configs.recommended,
	{
		languageOptions: { globals: { ...globals.browser, ...globals.node } },
		rules: {
			eqeqeq: ["error", "always", { null: "ignore" }],
			"no-undef": "off",
			"no-restricted-imports": ["error", onlyTheBackend],
			"@typescript-eslint/consistent-type-imports": "error",
			"@typescript-eslint/no-unused-vars": [
				"error",
				{ argsIgnorePattern: "^_", varsIgnorePattern: "^_", ignoreRestSiblings: true },
			],
		},
	},
	{
		files: ["**/*.svelte", "**/*.svelte.ts"],
		languageOptions: {
			parserOptions: { extraFileExtensions: [".svelte"], parser: ts.parser, svelteConfig },
		},
		rules: {
			"svelte/button-has-type": "error",
			"svelte/no-at-html-tags": "error",
			"svelte/no-unused-props": "error",
			// Sets and maps here are values: made, read and replaced as a whole.
			"svelte/prefer-svelte-reactivity": "off",
			"svelte/require-each-key": "error",
		},
	},
	{ files: ["src/lib/backend/**"], rules: { "no-restricted-imports": "off" } },
	prettier,
	...svelte.configs.prettier,
);
