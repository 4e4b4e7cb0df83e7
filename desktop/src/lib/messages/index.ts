/**
 * The message catalogue: the only source of words on the screen.
 *
 * `t` is the language in use. Start with `en.ts` for texts and `errors.ts` for refusals.
 */
import { en } from "./en";

type Widen<T> = T extends string
	? string
	: T extends (...args: infer A) => string
		? (...args: A) => string
		: { readonly [K in keyof T]: Widen<T[K]> };

/** The shape every language fills. */
export type Messages = Widen<typeof en>;

export const t: Messages = en;
export { errors, wording, type Action, type ErrorText } from "./errors";
export * from "./format";
