/**
 * A whole day at one desk with no relay: set up by the settings, book with the mouse and with the
 * keyboard alone, move, check in, undo, find free, cancel, back up, lock, restart.
 */
import assert from "node:assert/strict";
import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { found } from "../lib/first-run.mjs";
import { atCursor, dragOver, goTo, nextMonday, seeVisit, settled, toGrid, walk } from "../lib/grid.mjs";
import { journey } from "../lib/journey.mjs";
import { addPerson, addRoom, addService, command, unlock } from "../lib/settings.mjs";

const PASSPHRASE = "a long walk by the river";
const monday = nextMonday();

await journey("a day at one desk, with no relay", async ({ open, step }) => {
	const desk = await step("the window opens", () => open({ name: "alone" }));
	await step("a practice is founded", () =>
		found(desk, { practice: "Riverside Vets", location: "High Street", passphrase: PASSPHRASE }),
	);
	await step("people, a room and a service are set up", async () => {
		await addPerson(desk, "Dr Hale", "Vet");
		await addPerson(desk, "Bea", "Groomer");
		await addRoom(desk, "Consulting 1");
		await addService(desk, "Check-up", 20);
	});
	await desk.picture("services");
	await step("the day is empty", async () => {
		await goTo(desk, monday);
		assert.deepEqual(await settled(desk), []);
	});
	await desk.picture("empty-day");

	await step("a stretch of the day is drawn with the mouse", async () => {
		await dragOver(desk, ["Dr Hale", "09:05"], ["Dr Hale", "09:35"]);
		await desk.see("heading", "New booking");
		assert.equal(await desk.value("time", "Time"), "09:00");
	});
	await step("a client and a pet are made inside the booking", async () => {
		await desk.fill("Client or pet", "Rosa Lima", "combobox");
		await desk.click("option", /new client “Rosa Lima”/i);
		await desk.fill("Phone", "07700 900111");
		await desk.fill("Pet’s name", "Pixel");
		await desk.fill("Species", "cat");
		await desk.picture("new-client");
		await desk.click("button", "Add client");
		await desk.see("text", "Rosa Lima");
		await desk.choose("Service", /^Check-up/);
		await desk.see("text", /this slot is free/i);
		await desk.picture("booking");
		await desk.click("button", /^book/i);
		await seeVisit(desk, /^09:00 – 09:\d\d, Dr Hale, Pixel · Rosa Lima, Check-up, Booked/);
		await atCursor(desk, /Rosa Lima/);
	});

	await step("and another booking by keys alone", async () => {
		await walk(desk, "Left", /Bea/);
		await walk(desk, "Down", /^10:00, Bea, free/);
		await desk.press("n");
		await desk.see("heading", "New booking");
		await desk.type("Otto Brandt");
		await desk.see("option", /new client “Otto Brandt”/i);
		await desk.press("Enter");
		await desk.see("textbox", "Pet’s name");
		await desk.type("07700 900222");
		await desk.press("Tab");
		await desk.type("Waffle");
		await desk.press("Tab");
		await desk.type("dog");
		await desk.press("Enter");
		await desk.until("Book under the focus", () =>
			desk.evaluate(() => /^Book/.test(document.activeElement?.textContent.trim())),
		);
		await desk.press("Enter");
		await seeVisit(desk, /^10:00 – .*Bea, Waffle · Otto Brandt/);
	});
	await step("the cursor stands on what was booked", () => atCursor(desk, /Otto Brandt/));

	await step("a visit is moved with the mouse to another person", async () => {
		await dragOver(desk, ["Dr Hale", "09:05"], ["Bea", "11:05"]);
		await seeVisit(desk, /^11:00 – .*Bea, Pixel · Rosa Lima/);
		await atCursor(desk, /^11:00 – .*Rosa Lima/);
	});
	await step("its lower edge is drawn further down", async () => {
		// A minute above its end is the border, below the handle.
		await dragOver(desk, ["Bea", "11:19"], ["Bea", "11:44"]);
		await seeVisit(desk, /^11:00 – 11:45, Bea, Pixel · Rosa Lima/);
		await atCursor(desk, /^11:00 – 11:45.*Rosa Lima/);
	});
	await step("a visit is moved by keys: M, arrows, Enter", async () => {
		await toGrid(desk, "Bea", "12:00");
		await walk(desk, "Up", /Otto Brandt/);
		await desk.press("m", "Down", "Down", "Right");
		await desk.picture("in-the-hand");
		await desk.press("Enter");
		await seeVisit(desk, /^10:30 – .*Dr Hale, Waffle · Otto Brandt/);
		await atCursor(desk, /^10:30 – .*Otto Brandt/);
	});

	await step("it is checked in, and taken back", async () => {
		await desk.press("c");
		await seeVisit(desk, /Otto Brandt.*Arrived/);
		await desk.press("Control+z");
		await seeVisit(desk, /Otto Brandt.*Booked/);
		await desk.press("c");
		await seeVisit(desk, /Otto Brandt.*Arrived/);
	});

	await step("a taken slot says so before anything is saved, and offers others", async () => {
		await desk.press("n");
		await desk.see("heading", "New booking");
		await desk.see("text", /this slot is taken/i);
		await desk.see("heading", /free instead/i);
		await desk.picture("taken");
		await desk.press("Escape");
		await desk.gone("heading", "New booking");
	});

	await step("find free: a list, and Enter books the first", async () => {
		await desk.press("f");
		await desk.see("heading", "Next free");
		await desk.until("first slot under the focus", () =>
			desk.evaluate(() => document.activeElement?.closest("li") !== null),
		);
		await desk.picture("find-free");
		await desk.press("Down", "Enter");
		await desk.see("heading", "New booking");
		await desk.type("0222");
		await desk.see("option", /Otto Brandt/);
		await desk.press("Enter");
		await desk.until("Book under the focus", () =>
			desk.evaluate(() => /^Book/.test(document.activeElement?.textContent.trim())),
		);
		await desk.press("Enter");
		await desk.gone("heading", "New booking");
		await desk.until("a second visit of Otto", async () =>
			(await settled(desk)).filter((one) => one.includes("Otto Brandt")).length === 2,
		);
	});

	await step("a visit is cancelled with a reason, and taken back", async () => {
		await toGrid(desk, "Bea", "10:30");
		await walk(desk, "Down", /Rosa Lima|Otto Brandt/);
		const before = (await settled(desk)).length;
		await desk.press("x");
		await desk.see("textbox", /^reason/i);
		await desk.type("the car broke down");
		await desk.press("Enter");
		await desk.until("one visit less", async () => (await settled(desk)).length === before - 1);
		await desk.press("Control+z");
		await desk.until("it is back", async () => (await settled(desk)).length === before);
	});
	await desk.picture("day");

	await step("dark, and high contrast", async () => {
		await command(desk, "Appearance: Dark");
		await desk.picture("dark");
		await command(desk, "High contrast");
		await desk.picture("dark-contrast");
		await command(desk, "High contrast");
		await command(desk, "Appearance: Light");
	});

	await step("a backup is written", async () => {
		const folder = join(process.env.E2E_PRIVATE, "usb");
		mkdirSync(folder);
		await command(desk, "Back up now");
		await desk.fill("Folder", folder);
		await desk.click("button", "Back up now");
		await desk.see("status", /written and verified/i);
		assert.equal(readdirSync(folder).length, 1);
		await desk.picture("backup");
	});

	const all = await step("lock and unlock keep all", async () => {
		await goTo(desk, monday);
		const before = await settled(desk);
		await command(desk, "Lock this");
		await unlock(desk, PASSPHRASE);
		await goTo(desk, monday);
		assert.deepEqual(await settled(desk), before);
		return before;
	});
	await step("so does a restart", async () => {
		await desk.close();
		await desk.reopen();
		await unlock(desk, PASSPHRASE);
		await goTo(desk, monday);
		assert.deepEqual(await settled(desk), all);
	});
});
