/**
 * One WebKitWebDriver with one session, over plain HTTP (Linux only: it looks into /proc).
 *
 * The driver starts the program itself; TAURI_WEBVIEW_AUTOMATION makes the program's web view
 * controllable. A driver holds one session only, so each window has a driver of its own.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, readdirSync } from "node:fs";
import { createServer, connect } from "node:net";

/** A port which was free a moment ago. */
async function freePort() {
	const server = createServer().listen(0, "127.0.0.1");
	await once(server, "listening");
	const { port } = server.address();
	server.close();
	await once(server, "close");
	return port;
}

/** Waits until something listens on the port, or the process which should is gone. */
async function listening(port, process) {
	for (;;) {
		if (process.exitCode !== null)
			throw new Error(`WebKitWebDriver ended with ${process.exitCode}`);
		const socket = connect(port, "127.0.0.1");
		const open = await Promise.race([
			once(socket, "connect").then(() => true),
			once(socket, "error").then(() => false),
		]).catch(() => false);
		socket.destroy();
		if (open) return;
		await new Promise((again) => setTimeout(again, 20));
	}
}

/** A process as /proc tells of it, or nothing when there is none. */
function processOf(pid) {
	try {
		const line = readFileSync(`/proc/${pid}/cmdline`, "utf8").replace(/\0$/, "");
		const [state, parent, ...rest] = readFileSync(`/proc/${pid}/stat`, "utf8")
			.split(") ")
			.at(-1)
			.split(" ");
		// A process that has ended and waits to be noticed has no command line any more.
		if (state === "Z" || line === "") return undefined;
		// With the time of its start a number means one process for ever.
		return { pid, line, parent: Number(parent), began: rest[17] };
	} catch {
		return undefined; // it has ended since
	}
}

const alive = ({ pid, began }) => processOf(pid)?.began === began;

/** The program with these arguments and every process under it: network, page. */
function family(program, args) {
	const wanted = [program, ...args].join("\0");
	const all = readdirSync("/proc")
		.filter((name) => /^\d+$/.test(name))
		.flatMap((pid) => processOf(Number(pid)) ?? []);
	const found = all.filter(({ line }) => line === wanted);
	for (const one of found) found.push(...all.filter(({ parent }) => parent === one.pid));
	return found;
}

/** Waits for processes to end; those that do not are ended, and that is an error. */
async function ended(processes) {
	const until = Date.now() + 15_000;
	for (;;) {
		const left = processes.filter(alive);
		if (left.length === 0) return;
		if (Date.now() > until) {
			left.forEach(({ pid }) => process.kill(pid, "SIGKILL"));
			const names = left.map(({ line }) => line.split("\0")[0]);
			throw new Error(`still running after the window was closed: ${names.join(", ")}`);
		}
		await new Promise((again) => setTimeout(again, 20));
	}
}

export class Driver {
	#process;
	#command;
	#base;
	#session;
	#family = [];
	#log = [];

	/** Starts the driver and the program under it. */
	static async start({ program, args, env }) {
		const driver = new Driver();
		driver.#command = [program, args];
		const port = await freePort();
		driver.#process = spawn("WebKitWebDriver", [`--port=${port}`], {
			env: { ...process.env, ...env, TAURI_WEBVIEW_AUTOMATION: "true" },
			stdio: ["ignore", "pipe", "pipe"],
		});
		driver.#process.on("error", (error) => driver.#log.push(`WebKitWebDriver: ${error.message}\n`));
		for (const stream of [driver.#process.stdout, driver.#process.stderr]) {
			stream.on("data", (chunk) => driver.#log.push(chunk.toString()));
		}
		driver.#base = `http://127.0.0.1:${port}`;
		try {
			await listening(port, driver.#process);
			const session = await driver.call("POST", "/session", {
				capabilities: {
					alwaysMatch: { "webkitgtk:browserOptions": { binary: program, args } },
				},
			});
			driver.#session = session.sessionId;
			driver.#family = family(program, args);
		} catch (error) {
			await driver.stop();
			throw new Error(`${error.message}\n${driver.log()}`);
		}
		return driver;
	}

	/** What driver and program wrote so far. */
	log() {
		return this.#log.join("");
	}

	async call(method, path, body) {
		const inSession = this.#session === undefined ? "" : `/session/${this.#session}`;
		const response = await fetch(this.#base + inSession + path, {
			method,
			body: body === undefined ? undefined : JSON.stringify(body),
			headers: body === undefined ? {} : { "content-type": "application/json" },
			signal: AbortSignal.timeout(60_000),
		});
		const { value } = await response.json();
		if (!response.ok) {
			const error = new Error(`${method} ${path}: ${value?.error}: ${value?.message || this.#gone()}`);
			error.code = value?.error;
			throw error;
		}
		return value;
	}

	/** What a failure without words means: the driver has none for a process that went away. */
	#gone() {
		const names = this.#family.filter((one) => !alive(one)).map(({ line }) => line.split("\0")[0]);
		return names.length === 0 ? "no reason given" : `${names.join(" and ")} ended by itself`;
	}

	/** Ends the session, which closes the program, and then the driver; waits for both. */
	async stop() {
		try {
			if (this.#session !== undefined) await this.#close();
		} finally {
			this.#session = undefined;
			await this.#end();
		}
	}

	/** Closing the last window ends the program, as it does for a person. */
	async #close() {
		const all = family(...this.#command);
		await this.call("DELETE", "/window").catch((error) => this.#log.push(`${error.message}\n`));
		// Ending the session alone is not enough: the driver may be gone before the program has
		// heard of it. The helpers of the web view write to its folders until they end.
		await ended(all);
		await this.call("DELETE", "").catch((error) => this.#log.push(`${error.message}\n`));
	}

	async #end() {
		const { exitCode, signalCode, pid } = this.#process;
		if (exitCode === null && signalCode === null && pid !== undefined) {
			const gone = once(this.#process, "exit");
			this.#process.kill();
			await gone;
		}
		// Helpers of the web view may hold the other ends for a moment longer.
		this.#process.stdout.destroy();
		this.#process.stderr.destroy();
	}
}
