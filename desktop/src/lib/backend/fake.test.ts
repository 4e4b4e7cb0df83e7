import { describe, expect, it } from "vitest";
import { fixedClock } from "../clock";
import { asRefusal } from "./backend";
import { fakeBackend } from "./fake";
import type { Command } from "./types/Command";

// A Wednesday.
const clock = fixedClock("2026-03-04T08:00:00Z");
const booking = (start: string, more: object = {}): Command => ({
	type: "book",
	location: "loc_river",
	start: `2026-03-04T${start}`,
	staff: "res_amin",
	service: "svc_consult",
	client: "cli_ivers",
	pets: [],
	despite_warnings: false,
	...more,
});

async function refused(call: Promise<unknown>) {
	try {
		await call;
	} catch (thrown) {
		return asRefusal(thrown);
	}
	return expect.fail("it was not refused");
}

describe("the in-memory practice", () => {
	it("books a free slot and shows it on the day", async () => {
		const backend = fakeBackend({ clock });
		const reply = await backend.execute(booking("12:00"));
		const day = await backend.query({ type: "day", location: "loc_river", date: "2026-03-04" });
		const visit = day.visits.find((one) => one.id === reply.id);
		expect(visit).toMatchObject({
			start: "2026-03-04T12:00",
			end: "2026-03-04T12:20",
			flagged: false,
		});
		expect(visit?.starts).toBe("2026-03-04T12:00:00.000Z");
	});

	it("refuses a taken slot with alternatives that are free", async () => {
		const backend = fakeBackend({ clock });
		const refusal = await refused(backend.execute(booking("10:10")));
		expect(refusal.code).toBe("slot_taken");
		const slot = refusal.alternatives?.[0];
		expect(slot).toBeDefined();
		if (slot)
			await backend.execute(booking(slot.start.slice(11), { staff: slot.staff, room: slot.room }));
	});

	it("double books with a reason and puts no clash on the list for it", async () => {
		const backend = fakeBackend({ clock });
		const before = (await backend.query({ type: "clashes" })).clashes.length;
		await backend.execute(booking("10:10", { double_book: "Emergency" }));
		expect((await backend.query({ type: "clashes" })).clashes).toHaveLength(before);
	});

	it("asks before booking on a closed hour", async () => {
		const backend = fakeBackend({ clock });
		const refusal = await refused(backend.execute(booking("20:00")));
		expect(refusal).toMatchObject({ code: "needs_confirmation", warnings: ["site_closed"] });
		await backend.execute(booking("20:00", { despite_warnings: true }));
	});

	it("holds one clash that can be decided", async () => {
		const backend = fakeBackend({ clock });
		const { reviews } = await backend.query({ type: "reviews" });
		expect(reviews).toHaveLength(1);
		const verdicts = reviews[0]?.suggestion?.verdicts ?? [];
		expect(verdicts.map((one) => one.type)).toEqual(["keep", "move"]);
		await backend.execute({ type: "decide", verdicts });
		expect((await backend.query({ type: "reviews" })).reviews).toEqual([]);
	});

	it("shows a clock change as a day of 23 hours", async () => {
		const backend = fakeBackend({ clock });
		const day = await backend.query({ type: "day", location: "loc_river", date: "2026-03-29" });
		expect(day.minutes).toBe(23 * 60);
	});

	it("finds by phone digits, by name without accents, and by pet", async () => {
		const backend = fakeBackend({ clock });
		const names = async (text: string) =>
			(await backend.query({ type: "search", text })).clients.map((one) => one.name);
		expect(await names("0171")).toEqual(["Petra Nováková"]);
		expect(await names("novakova")).toEqual(["Petra Nováková"]);
		expect(await names("bisc")).toEqual(["Grace Okafor"]);
		expect(await names("zz")).toEqual([]);
	});

	it("takes changes back in order", async () => {
		const backend = fakeBackend({ clock });
		const one = await backend.execute({ type: "edit_entry", of: "res_cole", name: "One" });
		await backend.execute({ type: "edit_entry", of: "res_cole", name: "Two" });
		await backend.execute({ type: "undo" });
		const name = async () =>
			(await backend.query({ type: "practice" })).staff.find((person) => person.id === "res_cole")
				?.name;
		expect(await name()).toBe("One");
		await backend.execute({ type: "undo", ...(one.undo === undefined ? {} : { step: one.undo }) });
		expect(await name()).toBe("Dr Tom Cole");
		expect((await refused(backend.execute({ type: "undo" }))).code).toBe("nothing_to_undo");
	});

	it("changes nothing when it refuses", async () => {
		const backend = fakeBackend({ clock });
		const before = await backend.query({ type: "practice" });
		const refusal = await refused(
			backend.execute({
				type: "set_hours",
				of: "loc_river",
				weekly: [[["12:00", "09:00"]], [], [], [], [], [], []],
				closed: [],
			}),
		);
		expect(refusal).toMatchObject({ code: "invalid_input", field: "weekly" });
		expect(await backend.query({ type: "practice" })).toEqual(before);
	});
});
