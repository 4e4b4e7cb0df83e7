/**
 * Two desks and a relay: the second joins by code, what one books the other sees, a slot that was
 * just taken is said at once; the cable is cut, one vet is booked twice, the relay is back, both see
 * the same clash, one key decides, and both hold the same book after lock and restart.
 */
import assert from "node:assert/strict";
import { join as path } from "node:path";
import { found } from "../lib/first-run.mjs";
import { begin, book, goTo, nextMonday, seeVisit, settled } from "../lib/grid.mjs";
import { journey, say } from "../lib/journey.mjs";
import { Relay, built } from "../lib/relay.mjs";
import { addPerson, addService, command, invite, join, setRelay, unlock } from "../lib/settings.mjs";

const PASSPHRASE = "a long walk by the river";
const VET = "Dr Lindqvist";
const IN_STEP = /in step$/i;
const monday = nextMonday();

const took = (ms, limit, what) => {
	say(`           ${Math.round(ms)} ms: ${what}`);
	assert.ok(ms < limit, `${what}: ${Math.round(ms)} ms, at most ${limit} wanted`);
};

await journey("two desks, one vet, no cable", async ({ open, step }) => {
	const relay = new Relay({
		program: built("sync-server"),
		data: path(process.env.E2E_PRIVATE, "relay"),
	});
	await step("a relay starts", () => relay.start());
	try {
		const high = await step("the first desk founds a practice", async () => {
			const desk = await open({ name: "first" });
			await found(desk, { practice: "Riverside Vets", location: "High Street", passphrase: PASSPHRASE });
			await addPerson(desk, VET, "Vet");
			await addService(desk, "Check-up", 20);
			return desk;
		});
		await step("it is connected to the relay", async () =>
			setRelay(high, relay.address, await relay.ticket()),
		);
		await high.picture("relay");
		const code = await step("a code is made", () => invite(high, "Vet"));
		const mill = await step("the second desk joins by it", async () => {
			const desk = await open({ name: "second" });
			await join(desk, code, PASSPHRASE);
			return desk;
		});
		const both = [high, mill];
		await step("both are in step and open the same day", async () => {
			for (const desk of both) {
				await goTo(desk, monday);
				await desk.see("button", IN_STEP, 30_000);
			}
		});

		await step("what one desk books the other sees", async () => {
			await begin(high, VET, "09:00", "Rosa Lima", "07700 900111");
			const start = performance.now();
			await high.press("Enter");
			await seeVisit(mill, /^09:00 – .*Rosa Lima/);
			took(performance.now() - start, 2_000, "from Enter at one desk to the grid of the other");
			for (const desk of both) await seeVisit(desk, /^09:00 – .*Rosa Lima.*Confirmed/);
		});

		await step("a slot that was just taken says so at once, with the next best", async () => {
			await begin(high, VET, "10:00", "Ada Brandt", "07700 900222");
			await begin(mill, VET, "10:00", "Theo Moreau", "07700 900333");
			// The relay holds its breath, so that neither desk can know of the other.
			relay.pause();
			for (const desk of both) {
				await desk.press("Enter");
				await desk.gone("heading", "New booking");
			}
			const start = performance.now();
			relay.resume();
			const loser = await Promise.any(
				both.map((desk) => desk.see("text", /lost the slot/i, 10_000).then(() => desk)),
			);
			took(performance.now() - start, 1_000, "from the relay's answer to the notice");
			const slots = await loser.all("button", /^\d\d:\d\d .*Lindqvist/);
			assert.ok(slots.length >= 1, "no next best slot is offered");
			await loser.picture("just-taken");
			await loser.click("button", /^\d\d:\d\d .*Lindqvist/);
			await loser.gone("text", /lost the slot/i);
			for (const desk of both) {
				await desk.until("three visits, all confirmed", async () => {
					const labels = await settled(desk);
					const live = labels.filter((one) => !/Cancelled|Refused/.test(one));
					return live.length === 3 && live.every((one) => one.includes("Confirmed"));
				});
			}
			assert.deepEqual(await settled(high), await settled(mill));
			for (const desk of both) assert.equal((await desk.all("button", /to review$/)).length, 0);
		});

		await step("the cable is cut", async () => {
			await relay.stop();
			for (const desk of both) await desk.see("button", /^offline/i, 60_000);
		});
		await step("both desks book the vet for the same time", async () => {
			await book(high, VET, "14:00", "Uma Quill", "07700 900444");
			await book(mill, VET, "14:00", "Felix Ng", "07700 900555");
		});
		await high.picture("offline");
		await step("the relay is back: both see the same clash", async () => {
			await relay.start();
			for (const desk of both) {
				await desk.see("button", "1 to review", 60_000);
				await seeVisit(desk, /^14:00 – .*Uma Quill.*To review/);
				await seeVisit(desk, /^14:00 – .*Felix Ng.*To review/);
			}
		});
		await high.picture("clash");
		await step("it waits in Review at both", async () => {
			for (const desk of both) {
				await desk.press("Alt+2");
				await desk.see("button", /^keep this one/i);
				await desk.see("heading", "Uma Quill");
				await desk.see("heading", "Felix Ng");
			}
		});
		await high.picture("review");
		await step("one key decides, and both know", async () => {
			await high.press("k");
			for (const desk of both) await desk.gone("button", "1 to review", 30_000);
		});
		await high.picture("decided");
		await step("both show the same day", async () => {
			for (const desk of both) await goTo(desk, monday);
			await high.until("the same day at both", async () => {
				const [one, two] = [await settled(high), await settled(mill)];
				return JSON.stringify(one) === JSON.stringify(two) && !/To review/.test(one.join());
			});
		});
		await mill.picture("same-day");
		const all = await settled(high);
		await step("lock, unlock and restart keep it", async () => {
			await command(mill, "Lock this");
			await unlock(mill, PASSPHRASE);
			await high.close();
			await high.reopen();
			await unlock(high, PASSPHRASE);
			for (const desk of both) {
				await goTo(desk, monday);
				assert.deepEqual(await settled(desk), all);
				await desk.see("button", IN_STEP, 30_000);
			}
		});
	} finally {
		await relay.stop();
	}
});
