/** The first minutes of a practice, as the owner goes through them. */

/** Founds a practice through the window and gives the 24 recovery words, up to the open book. */
export async function found(desk, { practice, location, passphrase }) {
	await desk.click("button", /start a new practice/i);
	await desk.fill(/^practice/i, practice);
	await desk.fill(/^first site/i, location);
	await desk.fill("Passphrase", passphrase);
	await desk.fill("Passphrase again", passphrase);
	await desk.picture("found");
	await desk.click("button", "Start the practice");
	await desk.see("heading", /write these 24 words down/i, 60_000);
	const words = await desk.evaluate(() =>
		[...document.querySelectorAll("ol li strong")].map((word) => word.textContent.trim()),
	);
	if (words.length !== 24) throw new Error(`24 words were promised, ${words.length} are shown`);
	await desk.picture("words");
	await desk.click("button", /i have written them down/i);
	// Two of the words are asked for, by number.
	await desk.see("textbox", /^word \d+/i);
	for (const field of await desk.all("textbox", /^word \d+/i)) {
		const label = await desk.evaluate(
			(input) => input.labels[0].textContent,
			desk.reference(field),
		);
		await desk.fillElement(field, words[Number(/\d+/.exec(label)[0]) - 1]);
	}
	await desk.click("button", "Open the book");
	return words;
}
