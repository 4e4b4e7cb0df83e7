/**
 * How quick the real window is: key to paint, opening a full day, cold start beside an empty window
 * of the same kind, memory, two people who take turns at the desk. Prints one line a figure; `desktop/e2e/run.sh PROGRAM measure.mjs` runs it.
 *
 * The empty window is the same program on an empty home: the same process, web view and page with
 * no book behind it. Both are opened in turn, so that both meet the same load.
 */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { loadavg } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { goTo, nextMonday, toGrid } from "./lib/grid.mjs";
import { journey, say } from "./lib/journey.mjs";
import { addSeat, switchTo } from "./lib/people.mjs";
import { built } from "./lib/relay.mjs";
import { command } from "./lib/settings.mjs";

const PASSPHRASE = "a long walk by the river";
const COLUMNS = 15;
const VISITS = 40;
const monday = nextMonday();
const tuesday = new Date(Date.parse(monday) + 86_400_000).toISOString().slice(0, 10);

const sorted = (list) => list.toSorted((a, b) => a - b);
const part = (list, share) => sorted(list)[Math.ceil(list.length * share) - 1];
const summary = (list) =>
	`median ${part(list, 0.5).toFixed(0)} ms, p95 ${part(list, 0.95).toFixed(0)} ms, worst ${Math.max(...list).toFixed(0)} ms (${list.length} times)`;
const figure = (what, value) => say(`figure: ${what}: ${value}`);

/** Two days of 15 people with 40 visits each, by the command line. */
async function fill(home) {
	const secret = join(process.env.E2E_PRIVATE, "passphrase");
	writeFileSync(secret, PASSPHRASE);
	const before = ["--home", home, "--passphrase-file", secret, "--json"];
	const daybook = built("daybook");
	await promisify(execFile)(daybook, [
		...before,
		...["found", "--practice", "Riverside Vets", "--location", "High Street", "--zone", "UTC"],
	]);
	const batch = spawn(daybook, [...before, "batch", "--strict"], {
		stdio: ["pipe", "pipe", "inherit"],
	});
	const answers = createInterface({ input: batch.stdout })[Symbol.asyncIterator]();
	const ask = async (line) => {
		batch.stdin.write(`${JSON.stringify(line)}\n`);
		const answer = JSON.parse((await answers.next()).value);
		if (answer.refused) throw new Error(`${JSON.stringify(line)}: ${answer.refused.message}`);
		return answer.ok;
	};
	const { locations } = await ask({ ask: { type: "practice" } });
	const location = locations[0].id;
	const clients = [];
	for (let n = 0; n < 60; n += 1) {
		const name = `Client ${String.fromCharCode(65 + (n % 26))}${n}`;
		const made = await ask({ type: "add_client", name, phones: [`07700 900${100 + n}`] });
		clients.push(made.id);
	}
	for (let column = 0; column < COLUMNS; column += 1) {
		const name = `Dr ${String.fromCharCode(65 + column)}`;
		const person = { type: "add_staff", name, role: "vet", locations: [location], colour: column % 12 };
		const { id: staff } = await ask(person);
		for (let n = 0; n < VISITS; n += 1) {
			const minute = 8 * 60 + n * 15;
			const time = `${String(Math.floor(minute / 60)).padStart(2, "0")}:${String(minute % 60).padStart(2, "0")}:00`;
			for (const day of [monday, tuesday]) {
				await ask({
					...{ type: "book", location, start: `${day}T${time}`, staff, minutes: 15 },
					...{ client: clients[(column + n) % clients.length], pets: [], despite_warnings: true },
				});
			}
		}
	}
	batch.stdin.end();
	await once(batch, "exit");
}

/** Notes, for every key that arrives, how long it takes until the frame it changes is painted. */
function watchKeys() {
	window.__painted = [];
	const channel = new MessageChannel();
	let pressed = [];
	channel.port1.onmessage = () => {
		const now = performance.now();
		window.__painted.push(...pressed.map((at) => now - at));
		pressed = [];
	};
	window.addEventListener(
		"keydown",
		(event) => {
			pressed.push(event.timeStamp);
			// After the frame is made, the message is the first thing that can run.
			if (pressed.length === 1) requestAnimationFrame(() => channel.port2.postMessage(0));
		},
		{ capture: true },
	);
}

/** Presses one key after another, each when the one before is painted, as a person does. */
async function keys(desk, what, presses) {
	await desk.evaluate(() => (window.__painted = []));
	for (const [n, key] of presses.entries()) {
		await desk.press(key);
		await desk.until("key painted", () =>
			desk.evaluate((n) => window.__painted.length > n, n),
		);
	}
	figure(`key to paint, ${what}`, summary(await desk.evaluate(() => window.__painted)));
}

/** From the key that turns the page to the painted day. */
function openDay(desk, key, day) {
	return desk.evaluateAsync(
		(key, day, done) => {
			const start = performance.now();
			const channel = new MessageChannel();
			channel.port1.onmessage = () => done(performance.now() - start);
			const look = () => {
				const shown = document.querySelector("[role=grid]").getAttribute("aria-label");
				if (shown.includes(day)) channel.port2.postMessage(0);
				else requestAnimationFrame(look);
			};
			const event = new KeyboardEvent("keydown", { key, altKey: true, bubbles: true });
			document.body.dispatchEvent(event);
			requestAnimationFrame(look);
		},
		key,
		day,
	);
}

/** From Enter on the passphrase to the painted book, ready for a booking. */
function unlocked(desk, passphrase) {
	return desk.evaluateAsync((passphrase, done) => {
		const field = document.querySelector("input[type=password]");
		field.value = passphrase;
		field.dispatchEvent(new Event("input", { bubbles: true }));
		const channel = new MessageChannel();
		const start = performance.now();
		channel.port1.onmessage = () => done(performance.now() - start);
		const look = () => {
			if (document.querySelector("[data-block], [data-current]")) channel.port2.postMessage(0);
			else requestAnimationFrame(look);
		};
		requestAnimationFrame(() => {
			field.form.requestSubmit();
			look();
		});
	}, passphrase);
}

/** Memory of the desk and its web processes, shared pages counted once, in MiB. */
function memory(home) {
	const stat = (pid) => readFileSync(`/proc/${pid}/stat`, "utf8");
	const all = readdirSync("/proc")
		.filter((name) => /^\d+$/.test(name))
		.flatMap((pid) => {
			try {
				const fields = stat(pid).split(") ").at(-1).split(" ");
				return [{ pid, parent: fields[1], line: readFileSync(`/proc/${pid}/cmdline`, "utf8") }];
			} catch {
				return []; // it has ended since
			}
		});
	const root = all.find(({ line }) => line.includes("daybook-desk") && line.includes(home));
	const family = [root];
	for (const one of family) family.push(...all.filter(({ parent }) => parent === one.pid));
	return family.map(({ pid, line }) => ({
		name: line.split("\0")[0].split("/").at(-1),
		mib: Number(/Pss:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))[1]) / 1024,
	}));
}

await journey("how quick the window is", async ({ open, step }) => {
	const home = join(process.env.E2E_PRIVATE, "full");
	mkdirSync(home);
	await step(`${2 * COLUMNS * VISITS} visits are booked by the command line`, () => fill(home));

	const starts = { empty: [], locked: [], unlock: [] };
	const opened = async (name, folder, heading) => {
		const began = performance.now();
		const desk = await open({ name, home: folder });
		await desk.see("heading", heading, 60_000);
		return [desk, performance.now() - began];
	};
	let full;
	await step("the window is opened on nothing and on the book, in turn", async () => {
		for (let turn = 0; turn < 5; turn += 1) {
			const nothing = join(process.env.E2E_PRIVATE, `nothing-${turn}`);
			const [empty, emptyTook] = await opened(`empty-${turn}`, nothing, /welcome/i);
			starts.empty.push(emptyTook);
			await empty.close();
			const [desk, took] = await opened("full", home, "Locked");
			starts.locked.push(took);
			starts.unlock.push(await unlocked(desk, PASSPHRASE));
			if (turn === 4) full = desk;
			else await desk.close();
		}
	});
	figure("program start to the first page, empty home", summary(starts.empty));
	figure("program start to the locked page, full home", summary(starts.locked));
	figure("unlock to a usable book (passphrase stretching included)", summary(starts.unlock));
	const more = starts.locked.map((ms, n) => ms + starts.unlock[n] - starts.empty[n]);
	figure("cold start beyond the empty window", summary(more));

	await goTo(full, monday);
	await full.until("600 visits on the day", () =>
		full.evaluate(() => document.querySelectorAll("[data-block]").length === 600),
	);
	await full.picture("full-day");
	const days = await step("days are opened by a key", async () => {
		const times = [];
		const named = (date) =>
			new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "long" }).format(new Date(date));
		for (let turn = 0; turn < 20; turn += 1) {
			times.push(await openDay(full, "ArrowRight", named(tuesday)));
			times.push(await openDay(full, "ArrowLeft", named(monday)));
		}
		return times;
	});
	figure(`open a day of ${COLUMNS} columns and ${COLUMNS * VISITS} visits`, summary(days));

	await full.evaluate(watchKeys);
	await toGrid(full, "Dr C", "07:20");
	const arrows = ["Down", "Right", "Down", "Left", "Up", "Right"];
	await step("arrows on the full day", () =>
		keys(
			full,
			`arrows on a day of ${COLUMNS * VISITS} visits`,
			Array.from({ length: 200 }, (_, n) => arrows[n % arrows.length]),
		),
	);
	await step("typing a name", async () => {
		await full.press("n");
		await full.see("heading", "New booking");
		await keys(full, "typing in the client search", [..."Client A26", ..."zzz", ..."90011234"]);
	});
	const used = memory(home);
	figure(
		"memory (PSS)",
		`${used.reduce((sum, { mib }) => sum + mib, 0).toFixed(0)} MiB: ${used.map(({ name, mib }) => `${name} ${mib.toFixed(0)}`).join(", ")}`,
	);

	const switches = await step("two people take turns", async () => {
		await full.press("Escape");
		await command(full, "Settings: This computer");
		await full.click("button", "Set my PIN");
		await full.fill("PIN", "7193");
		await full.fill("The same again", "7193");
		await full.click("button", "Save");
		await full.see("listitem", /Owner.*PIN/);
		await addSeat(full, "Bea", "Receptionist", "4862");
		const times = [];
		for (let turn = 0; turn < 5; turn += 1) {
			times.push(await switchTo(full, "Bea", "4862"));
			times.push(await switchTo(full, "Owner", "7193"));
		}
		return times;
	});
	figure("from Enter to the next person's day", summary(switches));
	figure("load of this machine while measuring", loadavg()[0].toFixed(1));
});
