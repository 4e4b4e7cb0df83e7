/**
 * One desk: the real program in its real window, as somebody at the desk uses it.
 *
 * Every look waits until what is looked for is there; nothing sleeps for a fixed time.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Driver } from "./driver.mjs";
import { locate, visibleText } from "./page.mjs";

const ELEMENT = "element-6066-11e4-a52e-4f735466cecf";
const PATIENCE = 20_000;

/** Keys by name, as WebDriver wants them. */
export const KEY = {
	Enter: "\uE007",
	Escape: "\uE00C",
	Tab: "\uE004",
	Space: " ",
	Backspace: "\uE003",
	Delete: "\uE017",
	Left: "\uE012",
	Up: "\uE013",
	Right: "\uE014",
	Down: "\uE015",
	Home: "\uE011",
	End: "\uE010",
	PageUp: "\uE00E",
	PageDown: "\uE00F",
	Control: "\uE009",
	Shift: "\uE008",
	Alt: "\uE00A",
};

const pattern = (name) =>
	name instanceof RegExp
		? [name.source, name.flags.replace("g", "")]
		: [`^${name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}$`, "i"];

export class Desk {
	#driver;
	#shots = 0;

	constructor(name, home, out) {
		this.name = name;
		this.home = home;
		this.out = out;
	}

	/** Opens the window on a home. `name` is used for folders and screenshots. */
	static async open({ name, home, program = process.env.E2E_PROGRAM, env = {} }) {
		const privately = join(process.env.E2E_PRIVATE, name);
		const desk = new Desk(name, home ?? join(privately, "daybook"), process.env.E2E_OUT);
		await desk.#start(program, privately, env);
		return desk;
	}

	async #start(program, privately, env) {
		const folders = {
			HOME: privately,
			XDG_DATA_HOME: join(privately, "data"),
			XDG_CONFIG_HOME: join(privately, "config"),
			XDG_CACHE_HOME: join(privately, "cache"),
		};
		for (const folder of Object.values(folders)) mkdirSync(folder, { recursive: true });
		this.reopen = async () => {
			this.#driver = await Driver.start({
				program,
				args: ["--home", this.home],
				env: { ...folders, ...env },
			});
		};
		await this.reopen();
	}

	/** Closes the window; `reopen` opens it again on the same home. */
	async close() {
		await this.#driver.stop();
	}

	log() {
		return this.#driver.log();
	}

	// --- looking

	/** Runs a function inside the page. */
	evaluate(inPage, ...args) {
		return this.#driver.call("POST", "/execute/sync", {
			script: `return (${inPage}).apply(null, arguments)`,
			args,
		});
	}

	/** Runs a function inside the page which calls its last argument when it is done. */
	evaluateAsync(inPage, ...args) {
		return this.#driver.call("POST", "/execute/async", {
			script: `return (${inPage}).apply(null, arguments)`,
			args,
		});
	}

	/** All visible elements of this kind and name, now. */
	async all(role, name = /(?:)/) {
		const found = await this.evaluate(locate, role, ...pattern(name));
		return found.map((element) => element[ELEMENT]);
	}

	/** Calls `look` until it gives something, or says what the page shows instead. */
	async until(what, look, patience = PATIENCE) {
		const end = Date.now() + patience;
		let last;
		while (Date.now() < end) {
			try {
				const found = await look();
				if (found) return found;
			} catch (error) {
				if (!/stale|no such element|javascript error/.test(error.code ?? "")) throw error;
				last = error;
			}
			await new Promise((again) => setTimeout(again, 40));
		}
		const shown = await this.evaluate(visibleText).catch((error) => error.message);
		throw new Error(
			`${this.name}: no ${what} in ${patience} ms${last ? ` (${last.message})` : ""}; the page shows:\n${shown}`,
		);
	}

	/** The first visible element of this kind and name, as soon as there is one. */
	see(role, name, patience) {
		return this.until(`${role} ${name}`, async () => (await this.all(role, name))[0], patience);
	}

	/** Waits until nothing of this kind and name is visible. */
	gone(role, name, patience) {
		return this.until(
			`end of ${role} ${name}`,
			async () => (await this.all(role, name)).length === 0,
			patience,
		);
	}

	text(element) {
		return this.#driver.call("GET", `/element/${element}/text`);
	}

	rect(element) {
		return this.#driver.call("GET", `/element/${element}/rect`);
	}

	attribute(element, name) {
		return this.#driver.call("GET", `/element/${element}/attribute/${name}`);
	}

	// --- acting

	async click(role, name) {
		await this.until(`${role} ${name} to click`, async () => {
			const element = (await this.all(role, name))[0];
			if (element === undefined) return false;
			if (!(await this.#driver.call("GET", `/element/${element}/enabled`))) return false;
			// As a person does who sees a notice lie over it.
			await this.evaluate(
				(element) => element.scrollIntoView({ block: "center" }),
				this.reference(element),
			);
			await this.#driver.call("POST", `/element/${element}/click`, {});
			return true;
		});
	}

	/** Replaces what a field holds. */
	async fill(name, text, role = "textbox") {
		await this.fillElement(await this.see(role, name), text);
	}

	/** Replaces what a field that was found holds. */
	async fillElement(element, text) {
		await this.#driver.call("POST", `/element/${element}/clear`, {});
		if (text !== "")
			return this.#driver.call("POST", `/element/${element}/value`, { text });
		// A driver types nothing at all, and clearing alone is no input to the page.
		return this.evaluate(
			(field) => field.dispatchEvent(new Event("input", { bubbles: true })),
			this.reference(element),
		);
	}

	/** An element that was found, as an argument for `evaluate`. */
	reference(element) {
		return { [ELEMENT]: element };
	}

	/** Picks an option of a plain select by its text. */
	async choose(name, option) {
		const select = await this.see("combobox", name);
		const [source, flags] = pattern(option);
		const picked = await this.evaluate(
			(select, source, flags) => {
				const wanted = [...select.options].find((o) =>
					new RegExp(source, flags).test(o.text.trim()),
				);
				if (wanted === undefined) return [...select.options].map((o) => o.text);
				select.value = wanted.value;
				select.dispatchEvent(new Event("input", { bubbles: true }));
				select.dispatchEvent(new Event("change", { bubbles: true }));
				return true;
			},
			{ [ELEMENT]: select },
			source,
			flags,
		);
		if (picked !== true) throw new Error(`${name} has no option ${option}: ${picked.join(", ")}`);
	}

	/** Sets a field whose way of typing depends on the machine's language: a date, a time. */
	async set(name, value) {
		const field = await this.see("time", name);
		await this.evaluate(
			(field, value) => {
				field.value = value;
				field.dispatchEvent(new Event("input", { bubbles: true }));
				field.dispatchEvent(new Event("change", { bubbles: true }));
			},
			this.reference(field),
			value,
		);
	}

	/** What a field holds. */
	async value(role, name) {
		const field = await this.see(role, name);
		return this.evaluate((field) => field.value, this.reference(field));
	}

	/** Types text where the focus is. */
	async type(text) {
		await this.#keys([...text].map((key) => [key]));
	}

	/** Presses keys one after another; `Control+k` holds the first while the second is pressed. */
	async press(...keys) {
		await this.#keys(
			keys.map((key) => (key.length > 1 ? key.split("+") : [key]).map((part) => KEY[part] ?? part)),
		);
	}

	async #keys(chords) {
		const actions = chords.flatMap((chord) => [
			...chord.map((value) => ({ type: "keyDown", value })),
			...chord.toReversed().map((value) => ({ type: "keyUp", value })),
		]);
		await this.#driver.call("POST", "/actions", {
			actions: [{ type: "key", id: "keys", actions }],
		});
	}

	/** Drags from one point of the page to another, in small moves as a hand does. */
	async drag(from, to, steps = 8) {
		const at = (x, y, duration) => ({
			type: "pointerMove",
			x: Math.round(x),
			y: Math.round(y),
			duration,
		});
		const way = Array.from({ length: steps }, (_, i) => {
			const part = (i + 1) / steps;
			return at(from.x + (to.x - from.x) * part, from.y + (to.y - from.y) * part, 30);
		});
		const actions = [
			at(from.x, from.y, 50),
			{ type: "pointerDown", button: 0 },
			{ type: "pause", duration: 80 },
			...way,
			{ type: "pause", duration: 80 },
			{ type: "pointerUp", button: 0 },
		];
		await this.#driver.call("POST", "/actions", {
			actions: [{ type: "pointer", id: "mouse", parameters: { pointerType: "mouse" }, actions }],
		});
	}

	/** A picture of the page, numbered in the order in which they were taken. */
	async picture(what) {
		this.#shots += 1;
		// What the page says already may not be painted yet.
		await this.evaluateAsync((done) =>
			requestAnimationFrame(() => requestAnimationFrame(() => done(true))),
		);
		const number = String(this.#shots).padStart(2, "0");
		const file = join(this.out, `${this.name}-${number}-${what}.png`);
		writeFileSync(file, Buffer.from(await this.#driver.call("GET", "/screenshot"), "base64"));
		return file;
	}
}
