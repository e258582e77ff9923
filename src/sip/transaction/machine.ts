/**
 * The cell of a state machine's table: a row names the next state and what to do on the way; `ignore` is legal and does nothing;
 * `impossible` cannot happen while the runner is right (it is counted).
 */
export type Cell<State extends string, Action extends string> = readonly [next: State, ...actions: readonly Action[]] | 'ignore' | 'impossible'

/** A state machine as a constant: every cell is written, and a step allocates nothing. */
export type Machine<State extends string, Input extends string, Action extends string> = Readonly<
  Record<State, Readonly<Record<Input, Cell<State, Action>>>>
>

/** A machine of any kind, for those who only read it. */
export type AnyMachine = Machine<string, string, string>

/** A transition that a machine has written down. */
export interface Transition {
  readonly from: string
  readonly input: string
  readonly to: string
  readonly actions: readonly string[]
}

/** Every row of `machine`, in the order written. */
export const transitions = (machine: AnyMachine): readonly Transition[] =>
  Object.entries(machine).flatMap(([from, cells]) =>
    Object.entries(cells).flatMap(([input, cell]) => (typeof cell === 'string' ? [] : [{ from, input, to: cell[0], actions: cell.slice(1) }])))

/** `machine` as a Mermaid state diagram, for the documentation. */
export const mermaid = (machine: AnyMachine): string => {
  const [initial] = Object.keys(machine)
  const arrows = transitions(machine).map(({ from, input, to, actions }) =>
    `  ${from} --> ${to}: ${[input, actions.join(', ')].filter(text => text !== '').join(' / ')}`)
  return ['stateDiagram-v2', `  [*] --> ${initial}`, ...arrows, '  terminated --> [*]'].join('\n')
}
