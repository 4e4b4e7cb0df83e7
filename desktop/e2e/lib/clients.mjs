/** Clients, their cards and their rights, as hands and eyes use them. */

/** Adds a client with a pet in the list of clients; its page is open afterwards. */
export async function addClient(desk, { name, phone, pet, species }) {
	await desk.press("Alt+3");
	await desk.click("button", "New client");
	await desk.fill("Name", name);
	await desk.fill("Phone", phone);
	await desk.fill("Pet’s name", pet);
	await desk.fill("Species", species);
	await desk.click("button", "Add client");
	await desk.see("heading", name);
}

/** Opens a client's page from the list. */
export async function openClient(desk, name) {
	await desk.press("Alt+3");
	await desk.click("button", new RegExp(`^${name}`));
	await desk.see("heading", name);
}

/** Writes a note on a card, by the keys that the form names. */
export async function writeNote(desk, kind, owner, text) {
	await desk.click("button", `Add a note: ${kind} of ${owner}`);
	await desk.see("textbox", `${kind} of ${owner}`);
	await desk.type(text);
	await desk.press("Control+Enter");
	await desk.gone("textbox", `${kind} of ${owner}`);
	await desk.see("text", new RegExp(text));
}
