/**
 * Three people at one computer: each with a seat and a PIN, the desk changes hands in a moment, a
 * receptionist is warned of an animal and reads no clinical note, what was done is told by name, and
 * a client is handed what is kept about them.
 */
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { addClient, openClient, writeNote } from "../lib/clients.mjs";
import { found } from "../lib/first-run.mjs";
import { goTo, nextMonday } from "../lib/grid.mjs";
import { journey, say } from "../lib/journey.mjs";
import { addSeat, choose, switchTo, take, timedUnlock } from "../lib/people.mjs";
import { addPerson, command, unlock } from "../lib/settings.mjs";

const PASSPHRASE = "a long walk by the river";
const PINS = { Olive: "7391", Hale: "2580", Bea: "4826" };
const ALERT = "bites when her belly is touched";
const NOTE = "heart murmur, grade 2 of 6";

const took = (ms, limit, what) => {
	say(`           ${Math.round(ms)} ms: ${what}`);
	assert.ok(ms < limit, `${what}: ${Math.round(ms)} ms, at most ${limit} wanted`);
};

/** Everything the page holds, shown or not. */
const page = (desk) => desk.evaluate(() => document.documentElement.innerHTML);

await journey("three people at one computer", async ({ open, step }) => {
	const desk = await step("the window opens", () => open({ name: "people" }));
	await step("a practice is founded, with one vet in the book", async () => {
		await found(desk, { practice: "Riverside Vets", location: "High Street", passphrase: PASSPHRASE });
		await addPerson(desk, "Dr Hale", "Vet");
	});
	await step("the owner takes a name and a PIN", async () => {
		await command(desk, "Settings: People and devices");
		await desk.click("button", /^rename: owner/i);
		await desk.fill("Name of the person or desk", "Olive");
		await desk.picture("name");
		await desk.click("button", "Save");
		await desk.gone("dialog", /./);
		await desk.see("button", /^at the desk: olive/i);
		await command(desk, "Settings: This computer");
		await desk.click("button", "Set my PIN");
		await desk.fill("PIN", "1234");
		await desk.fill("The same again", "1234");
		await desk.click("button", "Save");
		await desk.see("text", /PIN/);
		await desk.until("a word against 1234", async () => {
			const field = await desk.see("textbox", "PIN");
			return (await desk.attribute(field, "aria-invalid")) === "true";
		});
		await desk.picture("weak-pin");
		await desk.fill("PIN", PINS.Olive);
		await desk.fill("The same again", PINS.Olive);
		await desk.click("button", "Save");
		await desk.gone("dialog", "Set my PIN");
	});
	await step("a vet and a receptionist get seats of their own", async () => {
		await addSeat(desk, "Dr Hale", "Vet", PINS.Hale);
		await addSeat(desk, "Bea", "Receptionist", PINS.Bea);
	});
	await desk.picture("this-computer");

	await step("a client with a cat is entered", () =>
		addClient(desk, { name: "Rosa Lima", phone: "07700 900111", pet: "Pixel", species: "cat" }),
	);
	await step("the vet takes the desk by keys alone", async () => {
		await goTo(desk, nextMonday());
		await desk.press("Control+j");
		await desk.see("dialog", "Switch person");
		const chosen = () =>
			desk.evaluate(() => document.activeElement?.closest("label")?.textContent ?? "");
		await desk.until("somebody under the focus", chosen);
		await desk.picture("switch");
		// There and back by arrows; a PIN is typed right where one is.
		await desk.press("Down");
		await desk.until("Bea under the focus", async () => /Bea/.test(await chosen()));
		await desk.press("Up");
		await desk.until("Dr Hale under the focus", async () => /Hale/.test(await chosen()));
		await desk.type(PINS.Hale);
		await desk.press("Enter");
		await desk.see("button", /^at the desk: dr hale/i);
	});
	await step("what to be careful about and what was found go onto the cat's cards", async () => {
		await openClient(desk, "Rosa Lima");
		await desk.picture("no-cards");
		await writeNote(desk, "Handling", "Pixel", ALERT);
		await writeNote(desk, "Clinical", "Pixel", NOTE);
		await red(desk);
	});
	await desk.picture("cards");

	await step("the desk changes hands", async () => {
		await goTo(desk, nextMonday());
		took(await switchTo(desk, "Bea", PINS.Bea), 3_000, "from Enter to the next person's day");
		took(await switchTo(desk, "Olive", PINS.Olive), 3_000, "from Enter to the next person's day");
		took(await switchTo(desk, "Bea", PINS.Bea), 3_000, "from Enter to the next person's day");
	});
	await step("the receptionist is warned in red and finds no clinical note", async () => {
		await openClient(desk, "Rosa Lima");
		await red(desk);
		await desk.see("button", "Add a note: Payments of Rosa Lima");
		assert.equal((await desk.all("button", /clinical/i)).length, 0, "Bea is offered clinical notes");
		assert.ok(!(await page(desk)).includes("murmur"), "the page holds a clinical note");
	});
	await desk.picture("receptionist");
	await step("nor may she erase or change the place", async () => {
		assert.equal((await desk.all("button", "Erase…")).length, 0);
		await command(desk, "Settings: Staff");
		await desk.see("text", /your role may look at this/i);
		assert.equal((await desk.all("button", "Add a person")).length, 0);
	});
	await desk.picture("may-look");

	await step("she leaves the desk; a wrong PIN brings nobody back", async () => {
		await command(desk, "Leave the desk");
		await desk.see("heading", "Nobody is at the desk");
		assert.ok(!(await page(desk)).includes("Rosa Lima"), "a page nobody is at shows a client");
		await choose(desk, "Dr Hale");
		await desk.type("9999");
		await desk.press("Enter");
		await desk.until("a word against the PIN", async () => {
			const field = await desk.see("textbox", "PIN");
			return (await desk.attribute(field, "aria-invalid")) === "true";
		});
	});
	await desk.picture("wrong-pin");
	await step("the right one does", async () =>
		took(await take(desk, "Dr Hale", PINS.Hale), 3_000, "from Enter to the day, nobody being there"),
	);
	await step("a guesser of PINs needs the passphrase at last", async () => {
		await desk.press("Control+j");
		await choose(desk, "Bea");
		for (let tries = 0; (await desk.all("textbox", "A passphrase of this computer")).length === 0; ) {
			assert.ok((tries += 1) <= 10, "ten wrong PINs and still no passphrase is asked for");
			await desk.fill("PIN", `99${10 + tries}`);
			await desk.press("Enter");
			await desk.until("an empty field and an answer", async () => {
				const field = await desk.see("textbox", "PIN");
				const invalid = (await desk.attribute(field, "aria-invalid")) === "true";
				return (invalid || tries > 1) && (await desk.value("textbox", "PIN")) === "";
			});
			// The list of people says so a moment later.
			await desk.evaluateAsync((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
		}
		await desk.picture("guesser");
		await desk.fill("PIN", PINS.Bea);
		await desk.fill("A passphrase of this computer", PASSPHRASE);
		await desk.press("Enter");
		await desk.see("button", /^at the desk: bea/i);
	});

	await step("locked, only the passphrase opens", async () => {
		await desk.press("Control+l");
		await desk.see("heading", "Locked");
		assert.equal((await desk.all("radio")).length, 0, "a locked computer tells who works here");
		took(
			await timedUnlock(desk, "Olive", PASSPHRASE),
			5_000,
			"from Enter to the day, stretching of the passphrase included",
		);
	});

	await step("who did what is told by name", async () => {
		await command(desk, "Settings: Audit");
		await desk.see("text", /Dr Hale, Vet/);
		await desk.picture("audit");
		await desk.choose("Person", /^Bea/);
		await desk.until("what Bea did and what was done about her, and nothing of Dr Hale", async () => {
			const rows = await desk.evaluate(() =>
				[...document.querySelectorAll("ol[aria-label^=Changes] > li")].map((one) => one.textContent),
			);
			return /receptionist was added/i.test(rows.join()) && !/Hale/.test(rows.join());
		});
		await desk.picture("audit-of-one");
		await desk.click("button", "Check the log");
		await desk.see("text", /everything is as it was written/i);
	});
	await desk.picture("audit-checked");

	await step("a client is told what was changed about them", async () => {
		await openClient(desk, "Rosa Lima");
		await desk.click("button", "History");
		await desk.see("dialog", "What was changed about Rosa Lima");
		await desk.see("text", /Dr Hale, Vet/);
		await desk.picture("history");
		await desk.press("Escape");
		await desk.gone("dialog", /./);
	});
	await step("and handed all of it", async () => {
		const folder = join(process.env.E2E_PRIVATE, "handed-over");
		mkdirSync(folder);
		await desk.click("button", "Export…");
		await desk.click("button", "Write the files");
		await desk.see("text", "This is needed.");
		await desk.fill("Folder", folder);
		await desk.click("button", "Write the files");
		await desk.see("text", /^written to/i);
		await desk.picture("exported");
		const [made] = readdirSync(folder);
		const files = readdirSync(join(folder, made));
		const all = files.map((file) => readFileSync(join(folder, made, file), "utf8")).join("\n");
		for (const kept of ["Rosa Lima", "07700 900111", "Pixel", ALERT, NOTE])
			assert.ok(all.includes(kept), `the export lacks ${kept}: ${files.join(", ")}`);
		await desk.press("Escape");
		await desk.gone("dialog", /./);
	});
	await step("a restart asks for the passphrase, not for a PIN", async () => {
		await desk.close();
		await desk.reopen();
		await unlock(desk, PASSPHRASE);
	});
});

/** Waits for the warning, and for its colour to be red. */
async function red(desk) {
	await desk.see("text", new RegExp(`Careful – Pixel: ${ALERT}`));
	const [r, g, b] = await desk.evaluate(() =>
		getComputedStyle(document.querySelector("[role=alert] li")).color.match(/\d+/g).map(Number),
	);
	assert.ok(r > 120 && r > 2 * g && r > 2 * b, `the warning is drawn in rgb(${r}, ${g}, ${b})`);
}
