/** A journey: named steps with their times, desks that are closed whatever happens, one exit code. */
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { Desk } from "./desk.mjs";

/** Says a line, and keeps it beside the pictures. */
export function say(line) {
	console.log(line);
	appendFileSync(join(process.env.E2E_OUT, "transcript.txt"), `${line}\n`);
}

export async function journey(title, walk) {
	const desks = [];
	const began = performance.now();
	const step = async (what, act) => {
		const start = performance.now();
		const result = await act();
		say(`  ${String(Math.round(performance.now() - start)).padStart(6)} ms  ${what}`);
		return result;
	};
	const open = async (options) => {
		const desk = await Desk.open(options);
		desks.push(desk);
		return desk;
	};
	say(`journey: ${title}`);
	let failed = false;
	try {
		await walk({ open, step });
	} catch (error) {
		failed = true;
		console.error(error);
		for (const desk of desks) {
			await desk.picture("failed").then(
				(file) => console.error(`see ${file}`),
				() => {},
			);
			console.error(`--- what ${desk.name} wrote:\n${desk.log()}`);
		}
	}
	for (const desk of desks) {
		await desk.close().catch((error) => {
			failed = true;
			console.error(`${desk.name} did not close: ${error.message}`);
		});
	}
	const seconds = ((performance.now() - began) / 1000).toFixed(1);
	say(`journey: ${title}: ${failed ? "FAILED" : "passed"} in ${seconds} s`);
	process.exitCode = failed ? 1 : 0;
}
