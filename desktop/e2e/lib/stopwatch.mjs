/** Times by the clock of the page: from a key to the frame in which something is there. */

/**
 * Sets a clock that starts with the next press of Enter and stops in the frame after every one of
 * these selectors finds something. What the web driver takes to ask is not in it.
 */
export async function watch(desk, ...selectors) {
	await desk.evaluate((...selectors) => {
		delete window.took;
		let start;
		const there = () => selectors.every((one) => document.querySelector(one) !== null);
		const look = new MutationObserver(() => {
			if (start === undefined || !there()) return;
			look.disconnect();
			requestAnimationFrame(() => (window.took = performance.now() - start));
		});
		const pressed = (event) => {
			if (event.key !== "Enter") return;
			removeEventListener("keydown", pressed, true);
			start = performance.now();
		};
		addEventListener("keydown", pressed, true);
		look.observe(document.documentElement, {
			subtree: true,
			childList: true,
			attributes: true,
			characterData: true,
		});
	}, ...selectors);
}

/** What the clock shows once it has stopped, in milliseconds. */
export function took(desk) {
	return desk.until("end of what is timed", () => desk.evaluate(() => window.took));
}
