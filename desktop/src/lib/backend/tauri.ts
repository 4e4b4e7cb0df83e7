/** The program itself: three commands and one event of the desktop shell. The only file that names them. */
import { invoke } from "@tauri-apps/api/core";
import { listen } from "@tauri-apps/api/event";
import { asRefusal, type Backend } from "./backend";
import type { Event } from "./types/Event";

async function call<T>(command: string, args: Record<string, unknown>): Promise<T> {
	try {
		return await invoke<T>(command, args);
	} catch (thrown) {
		throw asRefusal(thrown);
	}
}

/** Whether this page runs inside the desktop shell. */
export function insideShell(): boolean {
	return "__TAURI_INTERNALS__" in window;
}

export function tauriBackend(): Backend {
	return {
		home: (request) => call("home", { request }),
		execute: (command) => call("execute", { command }),
		query: (query) => call("query", { query }),
		onEvent(listener) {
			let stopped = false;
			let stop: (() => void) | undefined;
			void listen<Event>("daybook", ({ payload }) => {
				if (!stopped) listener(payload);
			}).then((unlisten) => {
				if (stopped) unlisten();
				else stop = unlisten;
			});
			return () => {
				stopped = true;
				stop?.();
			};
		},
	};
}
