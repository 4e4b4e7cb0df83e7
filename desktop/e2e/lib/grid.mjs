/** The day grid, as hands and eyes use it. */

/** What every visit on the day says of itself, in order of columns and time. */
export function visits(desk) {
	return desk.evaluate(() =>
		[...document.querySelectorAll("[data-block]")].map((block) =>
			block.getAttribute("aria-label"),
		),
	);
}

/** Waits until some visit of the day reads like this; gives its words. */
export function seeVisit(desk, words) {
	return desk.until(`visit ${words}`, async () =>
		(await visits(desk)).find((label) => words.test(label)),
	);
}

/** Waits until the day is shown and still: nothing is asked for and nothing arrives. */
export async function settled(desk) {
	let before;
	await desk.until("day at rest", async () => {
		const now = JSON.stringify(await visits(desk));
		const same = now === before;
		before = now;
		return same;
	});
	return visits(desk);
}

/** The points of two places, each a column and a time, with what lies between them in sight. */
export async function points(desk, from, until) {
	let before;
	return desk.until(`${from.join(" ")} to ${until.join(" ")} at rest and in sight`, async () => {
		const now = await look(desk, from, until);
		// The grid may still be scrolling to where its cursor went, or a panel may be closing.
		if (now !== null && JSON.stringify(now) === JSON.stringify(before)) return now;
		before = now;
		return null;
	});
}

function look(desk, from, until) {
	return desk.evaluate(
		(...places) => {
			const grid = document.querySelector("[role=grid]");
			const heads = [...grid.querySelectorAll("[role=columnheader] .who")];
			const lanes = grid.querySelectorAll("[data-column]");
			const style = getComputedStyle(grid);
			const first = Number(style.getPropertyValue("--first"));
			const long = Number(style.getPropertyValue("--minutes"));
			const found = places.map(([column, time]) => {
				const at = heads.findIndex((head) => head.textContent.trim() === column);
				const [hours, minutes] = time.split(":").map(Number);
				return { lane: lanes[at], share: (hours * 60 + minutes - first) / long };
			});
			if (found.some(({ lane }) => lane === undefined)) return null;
			const tall = found[0].lane.getBoundingClientRect().height;
			grid.scrollTop = (tall * (found[0].share + found[1].share) - grid.clientHeight) / 2;
			const ends = found.map(({ lane, share }) => {
				const box = lane.getBoundingClientRect();
				return { lane, x: box.left + box.width / 2, y: box.top + tall * share };
			});
			// Nothing may lie over either end: not the head, not a notice, not the window's edge.
			const inSight = ends.every(({ lane, x, y }) =>
				lane.contains(document.elementFromPoint(Math.round(x), Math.round(y))),
			);
			return inSight ? ends.map(({ x, y }) => ({ x, y })) : null;
		},
		from,
		until,
	);
}

/** Drags from one place of the grid to another. */
export async function dragOver(desk, from, until) {
	const [start, end] = await points(desk, from, until);
	await desk.drag(start, end);
}

/** Puts the focus on the grid, where its keys work, as a click on an empty cell does. */
export async function toGrid(desk, column, time) {
	const [cell] = await points(desk, [column, time], [column, time]);
	await desk.drag(cell, cell, 1);
	await desk.until("focus in the grid", async () => (await underCursor(desk)).includes(column));
}

/** What the cell under the keyboard's cursor says. */
export function underCursor(desk) {
	return desk.evaluate(() => document.activeElement?.getAttribute("aria-label") ?? "");
}

/** Waits until the cursor stands on what reads like this, as it does after every change. */
export function atCursor(desk, words) {
	return desk.until(`cursor on ${words}`, async () => words.test(await underCursor(desk)));
}

/** Walks with one arrow key until the cell under the cursor reads like this. */
export async function walk(desk, arrow, words) {
	await settled(desk);
	for (let steps = 0; steps < 120; steps += 1) {
		if (words.test(await underCursor(desk))) return;
		await desk.press(arrow);
	}
	throw new Error(`${arrow} never reached ${words}; it is at ${await underCursor(desk)}`);
}

/** Goes to a day by the palette, where a date is a command. */
export async function goTo(desk, date) {
	await desk.press("Control+k");
	await desk.see("combobox", "Commands");
	await desk.type(date);
	await desk.press("Enter");
	await desk.gone("combobox", "Commands");
	await desk.until(`day ${date}`, () =>
		desk.evaluate(
			(day) => document.querySelector("[role=grid]")?.getAttribute("aria-label").includes(day),
			new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "long", timeZone: "UTC" }).format(
				new Date(`${date}T00:00:00Z`),
			),
		),
	);
}

/** The next Monday, at which every practice is open and nothing lies in the past. */
export function nextMonday(now = new Date()) {
	const days = ((8 - now.getUTCDay()) % 7) + (now.getUTCDay() === 1 ? 7 : 0);
	const monday = new Date(now.getTime() + days * 86_400_000);
	return monday.toISOString().slice(0, 10);
}

/** Opens a booking for somebody new at a cell, up to the Book button under the focus. */
export async function begin(desk, column, time, client, phone) {
	await toGrid(desk, column, time);
	await desk.press("n");
	await desk.see("heading", "New booking");
	await desk.type(client);
	await desk.see("option", new RegExp(`new client “${client}”`, "i"));
	await desk.press("Enter");
	await desk.see("textbox", "Pet’s name");
	await desk.type(phone);
	await desk.press("Enter");
	await desk.until("Book under the focus", () =>
		desk.evaluate(() => /^Book/.test(document.activeElement?.textContent.trim())),
	);
}

/** Books somebody new at a cell, by keys. */
export async function book(desk, column, time, client, phone) {
	await begin(desk, column, time, client, phone);
	await desk.press("Enter");
	await desk.gone("heading", "New booking");
	await atCursor(desk, new RegExp(client));
	return seeVisit(desk, new RegExp(`^${time} – .*${column}, ${client}`));
}
