/** Changes to a record of options: what is missing stays as it was, what is `undefined` goes back to its default. */
export type Changes<Options> = { readonly [Key in keyof Options]?: Options[Key] | undefined }

/** The options with the changes made. */
export const changed = <Options extends object>(options: Options, changes: Changes<Options>): Options =>
  Object.fromEntries(Object.entries({ ...options, ...changes }).filter(([, value]) => value !== undefined)) as Options
