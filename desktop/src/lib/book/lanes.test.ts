import { describe, expect, it } from "vitest";
import { lanes, type Span } from "./lanes";

/** `a 0-30` a line; gives `a 0/2` (lane of lanes), `+` for each lane it stretches over. */
function check(timetable: string, expected: string): void {
	const spans = timetable.split(";").map((line): Span => {
		const [key = "", range = ""] = line.trim().split(" ");
		const [from, until] = range.split("-").map(Number);
		return { key, from: from ?? 0, until: until ?? 0 };
	});
	const said = (given: Span[]) => {
		const found = lanes(given);
		return spans
			.map(({ key }) => {
				const at = found.get(key);
				return at ? `${key} ${at.lane}/${at.of}${"+".repeat(at.wide - 1)}` : `${key} ?`;
			})
			.join("; ");
	};
	expect(said(spans)).toBe(expected);
	expect(said([...spans].reverse())).toBe(expected);
}

describe("lanes", () => {
	it("gives a lone visit the whole width", () => {
		check("a 0-30", "a 0/1");
	});
	it("leaves visits that only touch in one lane", () => {
		check("a 0-30; b 30-60", "a 0/1; b 0/1");
	});
	it("puts overlapping visits side by side", () => {
		check("a 0-30; b 15-45", "a 0/2; b 1/2");
	});
	it("uses a lane again as soon as it is free", () => {
		check("a 0-60; b 0-30; c 30-60", "a 0/2; b 1/2; c 1/2");
	});
	it("lets a visit stretch over lanes that are empty beside it", () => {
		check("a 0-60; b 0-20; c 10-20; d 30-60", "a 0/3; b 1/3; c 2/3; d 1/3+");
	});
	it("starts anew after a group", () => {
		check("a 0-30; b 10-20; c 40-50", "a 0/2; b 1/2; c 0/1");
	});
	it("never lets two overlapping visits share a lane, whatever the day", () => {
		let seed = 7;
		const random = (below: number) => {
			seed = (seed * 1103515245 + 12345) % 2147483648;
			return seed % below;
		};
		for (let round = 0; round < 200; round += 1) {
			const spans = Array.from({ length: 1 + random(25) }, (_, index) => {
				const from = random(200);
				return { key: String(index), from, until: from + 1 + random(60) };
			});
			const found = lanes(spans);
			for (const a of spans) {
				const at = found.get(a.key);
				expect(at).toBeDefined();
				for (const b of spans) {
					const other = found.get(b.key);
					if (a === b || !at || !other || a.from >= b.until || b.from >= a.until) continue;
					expect(at.of).toBe(other.of);
					const apart = at.lane + at.wide <= other.lane || other.lane + other.wide <= at.lane;
					expect(apart, `round ${round}: ${a.key} and ${b.key}`).toBe(true);
				}
			}
		}
	});
});
