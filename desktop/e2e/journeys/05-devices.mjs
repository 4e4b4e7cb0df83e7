/**
 * A second computer comes, by a code that is proven by telephone, and goes: ten digits compared,
 * named, a client erased on both and proven, another code called back, the computer removed.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join as path } from "node:path";
import { promisify } from "node:util";
import { addClient, openClient, writeNote } from "../lib/clients.mjs";
import { found } from "../lib/first-run.mjs";
import { journey } from "../lib/journey.mjs";
import { Relay, built } from "../lib/relay.mjs";
import { command, invite, join, setRelay } from "../lib/settings.mjs";

const PASSPHRASE = "a long walk by the river";

/** The number on show, as soon as there is one. */
const number = (desk) =>
	desk.until("ten digits", async () => {
		const shown = await desk.evaluate(
			() => document.querySelector("[aria-label='The number']")?.textContent.trim() ?? "",
		);
		return shown.replace(/\D/g, "").length === 10 && shown;
	}, 60_000);

await journey("a second computer comes and goes", async ({ open, step }) => {
	const relay = new Relay({
		program: built("sync-server"),
		data: path(process.env.E2E_PRIVATE, "relay-of-devices"),
	});
	await step("a relay starts", () => relay.start());
	try {
		const first = await step("the first computer founds a practice", async () => {
			const desk = await open({ name: "devices" });
			await found(desk, { practice: "Riverside Vets", location: "High Street", passphrase: PASSPHRASE });
			return desk;
		});
		await step("without a relay nobody can be invited, and the page says so", async () => {
			await command(first, "Settings: People and devices");
			await first.click("button", "Invite a device");
			await first.see("text", /set a relay first/i);
			await first.picture("needs-relay");
			await first.press("Escape");
			await first.gone("dialog", /./);
		});
		await step("it is connected to the relay", async () =>
			setRelay(first, relay.address, await relay.ticket()),
		);
		await step("a client with a cat and its cards is there", async () => {
			await addClient(first, { name: "Rosa Lima", phone: "07700 900111", pet: "Pixel", species: "cat" });
			await writeNote(first, "Clinical", "Pixel", "heart murmur");
		});

		const code = await step("a code is made that reads nothing before a comparison", () =>
			invite(first, "Vet", { compare: true }),
		);
		const second = await step("the second computer joins by it", async () => {
			const desk = await open({ name: "comer" });
			await join(desk, code, PASSPHRASE);
			return desk;
		});
		await step("it is let in and reads nothing yet", async () => {
			await second.press("Alt+3");
			await second.see("heading", /./);
			assert.equal((await second.all("button", /Rosa Lima/)).length, 0);
		});
		await second.picture("waits");
		await step("both show the same ten digits", async () => {
			for (const desk of [first, second]) {
				await command(desk, "Settings: People and devices");
				await desk.click("button", /^compare: /i);
			}
			const [one, two] = [await number(first), await number(second)];
			assert.equal(one, two);
		});
		await first.picture("compare");
		await second.picture("compare-here");
		await step("they are the same: it gets what a vet reads", async () => {
			await first.click("button", "The same: let them in");
			await first.gone("dialog", /./);
			await second.press("Escape");
			await openClient(second, "Rosa Lima");
			await second.see("text", "heart murmur");
		});
		await second.picture("reads");
		await step("it gets a name", async () => {
			await command(first, "Settings: People and devices");
			await first.click("button", /^rename: vet/i);
			await first.fill("Name of the person or desk", "Mill Lane");
			await first.click("button", "Save");
			await first.gone("dialog", /./);
			await first.see("button", "Role or removal: Mill Lane");
			await command(second, "Settings: People and devices");
			await second.see("listitem", /Mill Lane/);
		});
		await first.picture("people");

		await step("another code is called back", async () => {
			await invite(first, "Receptionist");
			await first.click("button", "Call back: Receptionist");
			await first.see("text", "called back");
			assert.equal((await first.all("button", "Call back: Receptionist")).length, 0);
		});
		await first.picture("called-back");

		await step("a client that must be kept is not erased", async () => {
			await openClient(first, "Rosa Lima");
			await first.click("button", "Hold…");
			await first.fill("Reason", "a dispute about a bill");
			await first.picture("hold");
			await first.click("button", "Save");
			await first.see("text", /must be kept: a dispute about a bill/i);
			await first.click("button", "Erase…");
			await first.fill(/^type the name/i, "Rosa Lima");
			await first.click("button", "Erase for good");
			await first.see("status", /kept|hold/i);
			await first.picture("held");
			await first.click("button", "Cancel");
			await first.gone("dialog", /./);
			await first.click("button", "Hold…");
			await first.fill("Reason", "");
			await first.click("button", "Save");
			await first.gone("text", /must be kept/i);
		});
		await step("the wrong name erases nobody", async () => {
			await first.click("button", "Erase…");
			await first.fill(/^type the name/i, "Rosa");
			await first.click("button", "Erase for good");
			await first.see("text", "This is not the client's name.");
		});
		await first.picture("erase");
		await step("the right one does, on both computers", async () => {
			await first.fill(/^type the name/i, "Rosa Lima");
			await first.click("button", "Erase for good");
			await first.gone("dialog", /./, 60_000);
			await command(first, "Settings: Erasures");
			await first.see("text", "2 of 2 computers have done it", 60_000);
			for (const desk of [first, second]) {
				await desk.press("Alt+3");
				await desk.see("text", /no clients yet/i);
			}
		});
		await first.picture("no-clients");
		await step("and it is proven by a certificate", async () => {
			const file = path(process.env.E2E_PRIVATE, "erasure.json");
			await command(first, "Settings: Erasures");
			await first.picture("erasures");
			await first.click("button", "Certificate…");
			await first.fill("File", file);
			await first.picture("certificate");
			await first.click("button", "Write");
			await first.see("status", /the certificate is in/i);
			const text = readFileSync(file, "utf8");
			assert.ok(!text.includes("Rosa") && !text.includes("Pixel"), "the certificate names a client");
			// By a program that knows nothing of this practice.
			const { stdout } = await promisify(execFile)(built("daybook"), ["certificate", "verify", file], { cwd: process.env.E2E_PRIVATE });
			assert.ok(!existsSync(path(process.env.E2E_PRIVATE, "daybook-home")), "verifying made a home");
			assert.match(stdout, /2/);
		});

		await step("the second computer is removed and knows it", async () => {
			await command(first, "Settings: People and devices");
			await first.click("button", "Role or removal: Mill Lane");
			await first.choose("What to do", "Remove the computer with everyone on it");
			await first.picture("remove");
			await first.click("button", "Remove");
			await first.gone("dialog", /./, 60_000);
			await first.see("listitem", /Mill Lane.*removed/);
			await second.see("heading", "This computer was removed from the practice", 60_000);
		});
		await first.picture("removed");
		await second.picture("was-removed");
	} finally {
		await relay.stop();
	}
});
