/**
 * Which lane of its column each block lies in, so that what overlaps is drawn side by side.
 *
 * Always holds: two blocks that overlap never share a lane; a block that overlaps nothing has the
 * whole width; the outcome depends on the blocks alone, not on the order in which they are given.
 *
 * Start with `lanes`.
 */

/** Anything with a half-open range of minutes. */
export interface Span {
	readonly key: string;
	readonly from: number;
	readonly until: number;
}

/** Where a block lies: `lane` of `of`, and over how many lanes it may stretch. */
export interface Lane {
	readonly lane: number;
	readonly of: number;
	readonly wide: number;
}

export function lanes(spans: readonly Span[]): Map<string, Lane> {
	const sorted = [...spans].sort(
		(a, b) => a.from - b.from || b.until - a.until || compare(a.key, b.key),
	);
	const found = new Map<string, Lane>();
	let group: Span[] = [];
	let groupEnd = Number.NEGATIVE_INFINITY;
	for (const span of sorted) {
		if (span.from >= groupEnd) {
			settle(group, found);
			group = [];
			groupEnd = Number.NEGATIVE_INFINITY;
		}
		group.push(span);
		groupEnd = Math.max(groupEnd, span.until);
	}
	settle(group, found);
	return found;
}

/** Lays out one group of blocks that hang together by overlaps. */
function settle(group: readonly Span[], found: Map<string, Lane>): void {
	const columns: Span[][] = [];
	for (const span of group) {
		const free = columns.find((column) => (column.at(-1)?.until ?? 0) <= span.from);
		if (free) free.push(span);
		else columns.push([span]);
	}
	columns.forEach((column, lane) => {
		for (const span of column) {
			found.set(span.key, { lane, of: columns.length, wide: room(span, columns, lane) });
		}
	});
}

/** How many lanes to the right are empty beside a block, its own included. */
function room(span: Span, columns: readonly Span[][], lane: number): number {
	const blocked = columns
		.slice(lane + 1)
		.findIndex((column) => column.some((other) => overlap(span, other)));
	return blocked === -1 ? columns.length - lane : blocked + 1;
}

function overlap(a: Span, b: Span): boolean {
	return a.from < b.until && b.from < a.until;
}

function compare(a: string, b: string): number {
	return a < b ? -1 : a > b ? 1 : 0;
}
