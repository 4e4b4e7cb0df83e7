/**
 * Many wishes to read the same thing become at most two reads: the one under way, and one after it.
 * So a burst of events cannot pile up reads, and an old answer never lands after a newer one.
 */
export function coalesce(read: () => Promise<void>): () => Promise<void> {
	let running: Promise<void> | undefined;
	let again: Promise<void> | undefined;
	const start = (): Promise<void> => {
		running = read().finally(() => (running = undefined));
		return running;
	};
	return () => {
		if (!running) return start();
		again ??= running
			.catch(() => {})
			.then(() => {
				again = undefined;
				return start();
			});
		return again;
	};
}
