/** Several people at one computer: adding them, and giving them the desk. */
import { took, watch } from "./stopwatch.mjs";
import { command } from "./settings.mjs";

/** The day in the hands of somebody. */
const dayOf = (name) => [`header button[aria-label^="At the desk: ${name}."]`, "main [role=grid]"];

/** Adds somebody to this computer, with a PIN of their own. */
export async function addSeat(desk, name, role, pin) {
	await command(desk, "Settings: This computer");
	await desk.click("button", "Add a person");
	await desk.see("dialog", "Add a person");
	await desk.fill("Name", name);
	await desk.choose("Role", role);
	await desk.fill("PIN", pin);
	await desk.fill("The same again", pin);
	await desk.picture(`add-${role.toLowerCase()}`);
	await desk.click("button", "Save");
	await desk.gone("dialog", "Add a person");
	await desk.see("listitem", new RegExp(`${name}.*PIN`));
}

/** Gives the desk to somebody by keys alone; says how long the page took from Enter to their day. */
export async function switchTo(desk, name, pin) {
	await desk.press("Control+j");
	return take(desk, name, pin);
}

/** Chooses somebody where the desk is to be taken and types the PIN. */
export async function take(desk, name, pin) {
	await choose(desk, name);
	await desk.type(pin);
	await watch(desk, ...dayOf(name));
	await desk.press("Enter");
	return took(desk);
}

/** Chooses somebody where the desk is to be taken; what is typed then is the PIN. */
export async function choose(desk, name) {
	await desk.click("radio", new RegExp(name));
	await desk.until(`${name} chosen, and the focus with the PIN or the person`, () =>
		desk.evaluate(
			(name) =>
				/^(radio|password)$/.test(document.activeElement?.type) &&
				document
					.querySelector("[role=radiogroup] :checked")
					.closest("label")
					.textContent.includes(name),
			name,
		),
	);
}

/** Opens a locked computer with the passphrase; says how long the page took to the day. */
export async function timedUnlock(desk, name, passphrase) {
	await desk.see("heading", "Locked");
	await desk.fill("Passphrase", passphrase);
	await watch(desk, ...dayOf(name));
	await desk.press("Enter");
	return took(desk);
}
