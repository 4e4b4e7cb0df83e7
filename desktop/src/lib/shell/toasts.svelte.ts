/** Short notices with at most one button; they wait while looked at, and go by themselves. */
export interface Toast {
	readonly id: number;
	readonly text: string;
	readonly tone: "plain" | "warning" | "danger";
	readonly detail?: string;
	readonly undo?: number;
	/** What it speaks of, by id. */
	readonly about?: string;
}

const STAYS = { plain: 10_000, warning: 14_000, danger: 20_000 } as const;
const AT_MOST = 3;

export class Toasts {
	list = $state<Toast[]>([]);
	private next = 1;
	private readonly timers = new Map<number, ReturnType<typeof setTimeout>>();

	show(toast: Omit<Toast, "id">): void {
		const id = this.next++;
		// Only the latest change can be taken back with one key, so only it offers to.
		const older =
			toast.undo === undefined ? this.list : this.list.filter((one) => one.undo === undefined);
		this.list = [...older, { ...toast, id }].slice(-AT_MOST);
		this.wait(id, STAYS[toast.tone]);
	}

	dismiss(id: number): void {
		clearTimeout(this.timers.get(id));
		this.timers.delete(id);
		this.list = this.list.filter((one) => one.id !== id);
	}

	/** What a notice said of this is not true any more. */
	withdraw(about: string): void {
		for (const one of this.list) if (one.about === about) this.dismiss(one.id);
	}

	/** While the pointer or the focus is on the notices, none goes. */
	hold(): void {
		this.timers.forEach((timer) => clearTimeout(timer));
		this.timers.clear();
	}

	release(): void {
		for (const toast of this.list) this.wait(toast.id, STAYS[toast.tone]);
	}

	clear(): void {
		this.hold();
		this.list = [];
	}

	private wait(id: number, ms: number): void {
		clearTimeout(this.timers.get(id));
		this.timers.set(
			id,
			setTimeout(() => this.dismiss(id), ms),
		);
	}
}
