/**
 * The demo, as a person would show it: two front desks of one practice, the cable cut, one vet
 * booked twice, the relay back, and one decision that both desks see.
 *
 * Expects the practice of `cargo xtask run` in $DEMO. What is booked here stays there.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { goTo, settled } from "./lib/grid.mjs";
import { journey, say } from "./lib/journey.mjs";
import { Relay } from "./lib/relay.mjs";
import { command } from "./lib/settings.mjs";

const { DEMO, DEMO_PASSPHRASE, DEMO_RELAY } = process.env;
const VET = /^Dr Lindqvist/;
const IN_STEP = /in step$/i;

async function unlock(desk) {
	await desk.see("heading", "Locked");
	await desk.fill("Passphrase", DEMO_PASSPHRASE);
	await desk.click("button", "Unlock");
	await desk.see("button", /^new booking/i, 60_000);
}

/** Opens the booking panel with a client, a consultation and the vet of both sites. */
async function begin(desk, client) {
	await desk.click("button", /^new booking/i);
	await desk.fill("Client or pet", client, "combobox");
	await desk.see("option", new RegExp(client, "i"));
	await desk.press("Enter");
	await desk.choose("Service", /^Consultation/);
	await desk.choose("With", VET);
}

async function book(desk) {
	await desk.click("button", /^book(?! anyway)/i);
	// A slot in the past or outside hours is asked about once.
	await desk.until("booking made", async () => {
		if ((await desk.all("heading", "New booking")).length === 0) return true;
		if ((await desk.all("button", /^book anyway/i)).length > 0)
			await desk.click("button", /^book anyway/i);
		return false;
	});
}

const reviewsOf = async (desk) => {
	const [found] = await desk.all("button", /^\d+ to review$/);
	return found === undefined ? 0 : Number.parseInt(await desk.text(found), 10);
};

await journey("two front desks, one vet, no cable", async ({ open, step }) => {
	const relay = new Relay({
		program: DEMO_RELAY,
		data: join(DEMO, "relay", "data"),
		listen: readFileSync(join(DEMO, "relay", "listen"), "utf8").trim(),
	});
	await step(`a relay listens on ${relay.address}`, () => relay.start());
	try {
		const high = await step("High Street opens", () =>
			open({ name: "high-street", home: join(DEMO, "high-street") }),
		);
		await step("and unlocks", () => unlock(high));
		const mill = await step("Mill Lane opens", () =>
			open({ name: "mill-lane", home: join(DEMO, "mill-lane") }),
		);
		await step("and unlocks", () => unlock(mill));
		await step("Mill Lane looks at its own site", () => command(mill, "Switch to Mill Lane"));
		await step("both are in step", async () => {
			for (const desk of [high, mill]) await desk.see("button", IN_STEP, 30_000);
		});
		await high.picture("in-step");
		await mill.picture("in-step");
		await step("a full day of this week", async () => {
			const today = new Date();
			const wednesday = new Date(today.getTime() + (3 - (today.getUTCDay() || 7)) * 86_400_000);
			await goTo(high, wednesday.toISOString().slice(0, 10));
			assert.ok((await settled(high)).length > 10, "the demo week is empty");
			await high.picture("full-day");
			await command(high, "Appearance: Dark");
			await high.picture("full-day-dark");
			await command(high, "Appearance: Light");
			await goTo(high, today.toISOString().slice(0, 10));
		});
		const before = await reviewsOf(high);

		await step("the cable is cut", async () => {
			await relay.stop();
			for (const desk of [high, mill]) await desk.see("button", /^offline/i, 60_000);
		});

		const slot = await step("High Street books the first free slot of the vet", async () => {
			await begin(high, "Ada");
			await high.click("button", "First free slot");
			await high.see("text", /this slot is free/i);
			const when = {
				date: await high.value("time", "Day"),
				time: await high.value("time", "Time"),
			};
			await high.picture("books-offline");
			await book(high);
			return when;
		});
		say(`         ${slot.date} at ${slot.time}`);
		await step("Mill Lane books the same vet at the same time", async () => {
			await begin(mill, "Theo");
			await mill.set("Day", slot.date);
			await mill.set("Time", slot.time);
			await mill.picture("books-offline");
			await book(mill);
		});

		await step("the relay is back: the same clash at both desks", async () => {
			await relay.start();
			for (const desk of [high, mill]) {
				await desk.until("review", async () => (await reviewsOf(desk)) === before + 1, 60_000);
			}
		});
		await high.picture("clash");

		await step("High Street decides", async () => {
			await command(high, "Open Review");
			await high.see("button", /^keep this one/i);
			await high.picture("review");
			await high.click("button", /^keep this one/i);
		});
		await step("and both desks know", async () => {
			for (const desk of [high, mill]) {
				await desk.until("decision", async () => (await reviewsOf(desk)) === before, 60_000);
			}
		});
		await high.picture("decided");
		await mill.picture("decided");
		assert.equal(await reviewsOf(mill), await reviewsOf(high));
	} finally {
		await relay.stop();
	}
});
