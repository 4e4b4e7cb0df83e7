/** A practice begins: found, write down the words, see the day, lock, unlock, restart. */
import assert from "node:assert/strict";
import { found } from "../lib/first-run.mjs";
import { journey } from "../lib/journey.mjs";
import { unlock } from "../lib/settings.mjs";

const PASSPHRASE = "a long walk by the river";

await journey("a practice begins", async ({ open, step }) => {
	const desk = await step("the window opens", () => open({ name: "found" }));
	await step("an empty home offers a beginning", () => desk.see("heading", /welcome to daybook/i));
	await desk.picture("welcome");

	const words = await step("a practice is founded", () =>
		found(desk, { practice: "Riverside Vets", location: "High Street", passphrase: PASSPHRASE }),
	);
	assert.equal(new Set(words).size > 20, true, "recovery words repeat too much to be random");

	await step("the book is open", async () => {
		await desk.see("button", /^day$/i);
		await desk.until("window title with the site", async () =>
			/High Street/.test(await desk.evaluate(() => document.title)),
		);
	});
	await desk.picture("nobody-yet");

	await step("the page can do nothing but what it was given", async () => {
		const page = await desk.evaluateAsync((done) => {
			const script = document.createElement("script");
			script.textContent = "window.planted = 1";
			document.body.append(script);
			const call = window.__TAURI_INTERNALS__.invoke;
			Promise.allSettled([
				fetch("http://127.0.0.1:1/"),
				call("plugin:window|close"),
				call("plugin:event|emit", { event: "daybook", payload: {} }),
			]).then((results) =>
				done({
					planted: "planted" in window,
					global: "__TAURI__" in window,
					allowed: results.map(({ status }) => status),
				}),
			);
		});
		assert.deepEqual(page, {
			planted: false,
			global: false,
			allowed: ["rejected", "rejected", "rejected"],
		});
	});

	await step("lock", async () => {
		await desk.press("Control+k");
		await desk.see("combobox", /./);
		await desk.type("Lock this");
		await desk.press("Enter");
		await desk.see("heading", "Locked");
	});
	await desk.picture("locked");

	await step("a wrong passphrase opens nothing", async () => {
		await desk.fill("Passphrase", "not the passphrase");
		await desk.click("button", "Unlock");
		await desk.until("field marked as wrong", async () => {
			const field = await desk.see("textbox", "Passphrase");
			return (await desk.attribute(field, "aria-invalid")) === "true";
		});
		await desk.see("heading", "Locked");
	});
	await step("the right one does", async () => {
		await unlock(desk, PASSPHRASE);
	});

	await step("a restart asks for the passphrase again", async () => {
		await desk.close();
		await desk.reopen();
		await unlock(desk, PASSPHRASE);
	});

	await step("a second window on the same home waits for the first", async () => {
		const second = await open({ name: "second-window", home: `${desk.home}/.` });
		await second.see("text", /already open/i);
		await second.picture("in-use");
		await desk.close();
		await second.click("button", "Try again");
		await unlock(second, PASSPHRASE);
	});
});
