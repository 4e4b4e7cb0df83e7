/** The screens on which a practice is set up. */

/** Runs a command of the palette. */
export async function command(desk, text) {
	await desk.press("Control+k");
	await desk.see("combobox", "Commands");
	await desk.type(text);
	await desk.press("Enter");
	await desk.gone("combobox", "Commands");
}

/** Fills the dialog behind "Add …" and waits until it has closed, which it does when saved. */
async function add(desk, section, button, fill) {
	await command(desk, `Settings: ${section}`);
	await desk.click("button", button);
	await desk.see("dialog", button);
	await fill();
	await desk.click("button", "Save");
	await desk.gone("dialog", button);
}

export function addPerson(desk, name, role) {
	return add(desk, "Staff", "Add a person", async () => {
		await desk.fill("Name", name);
		await desk.choose("Role", role);
	});
}

export function addRoom(desk, name) {
	return add(desk, "Rooms", "Add a room", () => desk.fill("Name", name));
}

export function addService(desk, name, minutes) {
	return add(desk, "Services", "Add a service", async () => {
		await desk.fill("Name", name);
		await desk.fill("Minutes", String(minutes), "spinbutton");
	});
}

export async function unlock(desk, passphrase) {
	await desk.see("heading", "Locked");
	await desk.fill("Passphrase", passphrase);
	await desk.click("button", "Unlock");
	await desk.gone("heading", "Locked");
	await desk.see("button", /^day$/i);
}

/** Connects the practice to a relay that knows nothing of it yet. */
export async function setRelay(desk, address, ticket) {
	await command(desk, "Settings: Relay");
	await desk.fill("Address", address);
	await desk.fill(/^ticket/i, ticket);
	await desk.click("button", "Connect");
	await desk.see("text", /the relay is set/i, 60_000);
}

/** Makes a code that lets one more computer in, at once or once two people compared a number. */
export async function invite(desk, role, { compare = false } = {}) {
	await command(desk, "Settings: People and devices");
	await desk.click("button", "Invite a device");
	await desk.choose("It may act as", role);
	if (compare) await desk.click("checkbox", /^compare a number/i);
	await desk.picture("invite");
	await desk.click("button", "Make a code");
	const code = await desk.until("join code", () => desk.value("textbox", "Join code"), 60_000);
	const drawn = await desk.evaluate(() => document.querySelector("dialog svg[role=img] path")?.getAttribute("d"));
	if (!drawn) throw new Error("the code is not drawn for a telephone to read");
	await desk.picture("invited");
	await desk.click("button", "Close");
	return code;
}

/** Joins by code from an empty home, up to the open book. */
export async function join(desk, code, passphrase) {
	await desk.click("button", /join a practice/i);
	await desk.fill("Join code", code);
	await desk.fill("Passphrase", passphrase);
	await desk.fill("Passphrase again", passphrase);
	await desk.picture("join");
	await desk.click("button", "Join");
	await desk.see("button", /^day$/i, 60_000);
}
