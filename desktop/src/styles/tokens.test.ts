import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

const css = readFileSync("src/styles/tokens.css", "utf8");

function block(selector: string): Map<string, string> {
	const at = css.indexOf(`\n${selector} {`);
	const body = css.slice(at, css.indexOf("\n}", at));
	return new Map([...body.matchAll(/(--[\w-]+):\s*(#[0-9a-f]{6});/g)].map((m) => [m[1]!, m[2]!]));
}

function luminance(hex: string): number {
	const [r, g, b] = [1, 3, 5].map((at) => {
		const channel = parseInt(hex.slice(at, at + 2), 16) / 255;
		return channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4;
	}) as [number, number, number];
	return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(one: string, other: string): number {
	const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b) as [number, number];
	return (high + 0.05) / (low + 0.05);
}

const light = block(":root");
const dark = new Map([...light, ...block(":root.dark")]);
const themes = {
	light,
	dark,
	"light, high contrast": new Map([...light, ...block(":root.contrast")]),
	"dark, high contrast": new Map([...dark, ...block(":root.contrast.dark")]),
};

describe.each(Object.entries(themes))("%s", (_name, theme) => {
	const at = (name: string) => theme.get(name) ?? expect.fail(`no ${name}`);
	const legible = (text: string, ground: string, least = 4.5) =>
		expect(contrast(at(text), at(ground)), `${text} on ${ground}`).toBeGreaterThanOrEqual(least);

	it("keeps words legible on every surface", () => {
		for (const ground of ["--surface", "--surface-raised", "--surface-sunken", "--surface-hover"])
			for (const text of ["--text", "--text-muted"]) legible(text, ground);
		for (const ground of ["--surface", "--surface-sunken"])
			for (const text of ["--text-faint", "--accent", "--danger", "--warning", "--success"])
				legible(text, ground);
		legible("--accent-text", "--accent");
		for (const kind of ["accent", "danger", "warning", "success"]) {
			legible(`--${kind}`, `--${kind}-soft`);
			legible("--text", `--${kind}-soft`);
		}
	});

	it("keeps names legible on every colour of staff and site", () => {
		for (let n = 0; n < 12; n += 1) {
			for (const text of ["--text", "--text-muted", `--staff-ink-${n}`])
				legible(text, `--staff-soft-${n}`);
			legible(`--staff-${n}`, "--surface", 3);
		}
		for (let n = 0; n < 8; n += 1) legible("--site-text", `--site-${n}`);
	});

	it("draws controls and focus so that they can be seen", () => {
		for (const line of ["--border-strong", "--focus"])
			for (const ground of ["--surface", "--surface-sunken"]) legible(line, ground, 3);
	});
});
