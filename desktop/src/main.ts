/** Starts the one window: chooses the backend, then hands over to `App.svelte`. */
import { mount } from "svelte";
import App from "./App.svelte";
import type { Backend } from "./lib/backend/backend";
import { insideShell, tauriBackend } from "./lib/backend/tauri";
import { systemClock } from "./lib/clock";
import "./styles/tokens.css";
import "./styles/base.css";

async function chooseBackend(): Promise<Backend> {
	// The in-memory practice is for a browser during development; builds do not carry it.
	if (import.meta.env.DEV && !insideShell()) {
		const { fakeBackend } = await import("./lib/backend/fake");
		const phase = new URLSearchParams(location.search).get("phase");
		return fakeBackend({
			clock: systemClock,
			phase: phase === "empty" || phase === "locked" ? phase : "open",
		});
	}
	return tauriBackend();
}

const target = document.getElementById("app");
if (!target) throw new Error("the page has no place for the desk");
mount(App, { target, props: { backend: await chooseBackend(), clock: systemClock } });
