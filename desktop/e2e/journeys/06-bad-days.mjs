/**
 * Bad days: the recovery words are tried before they are needed, backups are made by themselves and
 * read back, the relay is put back to an old copy and every desk says so until an owner agrees, and
 * at last the words alone bring the practice back on an empty computer.
 */
import assert from "node:assert/strict";
import { cpSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join as path } from "node:path";
import { addClient, openClient } from "../lib/clients.mjs";
import { found } from "../lib/first-run.mjs";
import { book, goTo, nextMonday, seeVisit } from "../lib/grid.mjs";
import { journey } from "../lib/journey.mjs";
import { Relay, built } from "../lib/relay.mjs";
import { addPerson, command, setRelay } from "../lib/settings.mjs";

const PASSPHRASE = "a long walk by the river";
const VET = "Dr Hale";
const IN_STEP = /in step$/i;
const monday = nextMonday();

await journey("bad days", async ({ open, step }) => {
	const data = path(process.env.E2E_PRIVATE, "relay-of-bad-days");
	const relay = new Relay({ program: built("sync-server"), data });
	await step("a relay starts", () => relay.start());
	try {
		const desk = await open({ name: "bad-days" });
		const words = await step("a practice is founded", async () => {
			const words = await found(desk, {
				practice: "Riverside Vets",
				location: "High Street",
				passphrase: PASSPHRASE,
			});
			await addPerson(desk, VET, "Vet");
			await addClient(desk, { name: "Rosa Lima", phone: "07700 900111", pet: "Pixel", species: "cat" });
			return words;
		});

		await step("the kit's page says what is missing on it", async () => {
			await command(desk, "Settings: Recovery kit");
			await desk.see("text", /no relay is set yet/i);
			await desk.see("text", /have never been tried/i);
		});
		await desk.picture("kit-without-relay");
		await step("with a relay it holds all that the way back needs", async () => {
			await setRelay(desk, relay.address, await relay.ticket());
			await command(desk, "Settings: Recovery kit");
			await desk.see("text", relay.address);
			await desk.gone("text", /no relay is set yet/i);
		});
		const kit = await desk.evaluate(() =>
			Object.fromEntries(
				[...document.querySelectorAll(".page dt")].map((dt) => [
					dt.textContent,
					dt.nextElementSibling.textContent,
				]),
			),
		);
		await step("words with a slip of the pen are found out", async () => {
			await desk.fill("The 24 recovery words", words.with(3, words[4]).join(" "));
			await desk.click("button", "Try them");
			await desk.until("a word against the words", async () => {
				const field = await desk.see("textbox", "The 24 recovery words");
				return (await desk.attribute(field, "aria-invalid")) === "true";
			});
		});
		await desk.picture("slip");
		await step("the right ones are good, and the line of state stops asking", async () => {
			await desk.see("button", "Try the recovery words");
			await desk.fill("The 24 recovery words", words.join(" "));
			await desk.click("button", "Try them");
			await desk.see("status", /the words are good/i);
			await desk.gone("button", "Try the recovery words");
		});
		await desk.picture("drilled");

		const folder = path(process.env.E2E_PRIVATE, "stick");
		await step("where nothing can be written, the page says so", async () => {
			const taken = path(process.env.E2E_PRIVATE, "a-file");
			writeFileSync(taken, "");
			await command(desk, "Settings: Backup");
			await desk.see("text", /no backup has been made/i);
			await desk.fill("Into this folder", path(taken, "stick"));
			await desk.click("button", "Back up now and from now on");
			await desk.see("status", /the disk did not take it/i);
			await desk.see("text", /no backup has been made/i);
		});
		await desk.picture("no-folder");
		await step("with the stick in, it is written and read back", async () => {
			await desk.fill("Into this folder", folder);
			await desk.click("button", "Back up now and from now on");
			await desk.see("text", /every 24 hours into/i, 60_000);
			const [file] = readdirSync(folder);
			await desk.fill("Backup file", path(folder, file));
			await desk.click("button", "Read it");
			await desk.see("text", /every signature in it is good: Riverside Vets/i, 60_000);
		});
		await desk.picture("backups");

		await step("visits are booked and confirmed", async () => {
			await goTo(desk, monday);
			await book(desk, VET, "09:00", "Uma Quill", "07700 900444");
			await seeVisit(desk, /^09:00 – .*Uma Quill.*Confirmed/);
			await desk.see("button", IN_STEP, 60_000);
		});
		const old = path(process.env.E2E_PRIVATE, "old-relay");
		await step("the relay is put back to an old copy of its data", async () => {
			await relay.stop();
			cpSync(data, old, { recursive: true });
			await relay.start();
			await desk.see("button", IN_STEP, 60_000);
			await book(desk, VET, "10:00", "Felix Ng", "07700 900555");
			await seeVisit(desk, /^10:00 – .*Felix Ng.*Confirmed/);
			await relay.stop("SIGKILL");
			rmSync(data, { recursive: true });
			cpSync(old, data, { recursive: true });
			await relay.start();
		});
		await step("the desk says so, and what to do", async () => {
			await desk.see("button", "1 thing to look into", 60_000);
			await desk.picture("alarm-in-the-line");
			await desk.click("button", "1 thing to look into");
			await desk.see("heading", "The relay lost data");
			await desk.see("button", "Let the relay confirm again");
		});
		await desk.picture("alarm");
		await step("work goes on, and nothing new is confirmed", async () => {
			await desk.press("Escape");
			await desk.gone("dialog", /./);
			await book(desk, VET, "11:00", "Ada Brandt", "07700 900222");
			await desk.see("button", IN_STEP, 60_000);
			await seeVisit(desk, /^10:00 – .*Felix Ng.*Confirmed/);
			assert.ok(!/Confirmed/.test(await seeVisit(desk, /Ada Brandt/)));
		});
		await desk.picture("tentative");
		await step("the owner lets it confirm again", async () => {
			await desk.click("button", "1 thing to look into");
			await desk.click("button", "Let the relay confirm again");
			await desk.gone("heading", "The relay lost data", 60_000);
			await desk.press("Escape");
			await desk.gone("button", /to look into$/);
			await seeVisit(desk, /^11:00 – .*Ada Brandt.*Confirmed/);
		});
		await desk.picture("ended");

		await step("the computer burns", async () => {
			await desk.see("button", IN_STEP, 60_000);
			await desk.close();
		});
		const fresh = await step("on an empty one the words bring the practice back", async () => {
			const fresh = await open({ name: "after-the-fire" });
			await fresh.click("button", /all computers are lost/i);
			await fresh.fill("The 24 recovery words", words.join(" "));
			await fresh.fill("Practice's id", kit["Practice's id"]);
			await fresh.fill("Relay", kit["Relay"]);
			await fresh.fill("Relay's key", kit["Relay's key"]);
			await fresh.fill("Passphrase", PASSPHRASE);
			await fresh.fill("Passphrase again", PASSPHRASE);
			await fresh.picture("words");
			await fresh.click("button", "Bring everything back");
			await fresh.see("button", /^new booking|^day$/i, 60_000);
			return fresh;
		});
		await fresh.picture("back");
		await step("everything is there, and the lost computer is named", async () => {
			await goTo(fresh, monday);
			for (const visit of [/^09:00 – .*Uma Quill/, /^10:00 – .*Felix Ng/, /^11:00 – .*Ada Brandt/])
				await seeVisit(fresh, visit);
			await openClient(fresh, "Rosa Lima");
			await command(fresh, "Settings: People and devices");
			await fresh.see("listitem", /this computer/);
		});
		await fresh.picture("people");
	} finally {
		await relay.stop();
	}
});
