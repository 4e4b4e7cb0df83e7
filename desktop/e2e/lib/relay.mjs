/** A relay on this machine that can be stopped and started again, as a cable is pulled and plugged. */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { openSync } from "node:fs";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";

/** A program that was built beside the desk. */
export const built = (name) => join(dirname(process.env.E2E_PROGRAM), name);

export class Relay {
	#process;
	#log;

	/** `data` is the relay's folder; `listen` the address it had before, if it had one. */
	constructor({ program, data, listen = "127.0.0.1:0" }) {
		this.program = program;
		this.data = data;
		this.listen = listen;
		// What it logs lies beside the pictures.
		this.#log = openSync(join(process.env.E2E_OUT, "relay.log"), "a");
	}

	get address() {
		return `ws://${this.listen}`;
	}

	/** Starts it and waits until it says where it listens; from then on it keeps that port. */
	async start() {
		this.#process = spawn(this.program, ["serve", "--listen", this.listen, "--data", this.data], {
			stdio: ["ignore", "pipe", this.#log],
		});
		const lines = createInterface({ input: this.#process.stdout });
		const ready = new Promise((resolve, reject) => {
			lines.on("line", (line) => {
				const found = /listening on ws:\/\/(\S+)/.exec(line);
				if (found) resolve(found[1].replace(/\/$/, ""));
			});
			this.#process.once("exit", (code) => reject(new Error(`the relay ended with ${code}`)));
			this.#process.once("error", reject);
		});
		this.listen = await ready;
	}

	/** A ticket with which one practice can be founded here. */
	async ticket() {
		const { stdout } = await promisify(execFile)(this.program, [
			"org",
			"invite",
			"--data",
			this.data,
		]);
		return stdout.trim().split(/\s+/).at(-1);
	}

	/** Holds it still, as a slow line does: desks stay connected and get no answer. */
	pause() {
		this.#process.kill("SIGSTOP");
	}

	resume() {
		this.#process.kill("SIGCONT");
	}

	/** Stops it; `how` is SIGTERM for a clean stop, SIGKILL for a crash. */
	async stop(how = "SIGTERM") {
		if (this.#process === undefined || this.#process.exitCode !== null) return;
		const gone = once(this.#process, "exit");
		this.#process.kill(how);
		await gone;
	}
}
