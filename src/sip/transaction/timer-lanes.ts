import type { Clock } from '../../core/clock.js'

/** What an `Alarm` wakes. */
export interface AlarmOwner<Name extends string> {
  alarm(name: Name): void
}

/**
 * A timer that is started again and again for one owner: an intrusive list node, so that starting one allocates nothing.
 */
export class Alarm<Name extends string = string> {
  previous: Alarm | undefined = undefined
  next: Alarm | undefined = undefined
  lane: Lane | undefined = undefined
  due = 0
  name: Name

  constructor(readonly owner: AlarmOwner<Name>, name: Name) {
    this.name = name
  }

  get running(): boolean {
    return this.lane !== undefined
  }

  /** Takes it off; harmless when it isn't running. */
  stop(): void {
    this.lane?.remove(this as unknown as Alarm)
  }
}

/** Alarms of one duration: they fall due in the order in which they were started, so the head alone needs a timer of the clock. */
class Lane {
  #head: Alarm | undefined
  #tail: Alarm | undefined
  #armed = false

  constructor(readonly clock: Clock, readonly ms: number) {}

  add(alarm: Alarm): void {
    alarm.lane = this
    alarm.due = this.clock.now() + this.ms
    alarm.previous = this.#tail
    alarm.next = undefined
    if (this.#tail === undefined) this.#head = alarm
    else this.#tail.next = alarm
    this.#tail = alarm
    if (!this.#armed) this.#arm(this.ms)
  }

  remove(alarm: Alarm): void {
    if (alarm.previous === undefined) this.#head = alarm.next
    else alarm.previous.next = alarm.next
    if (alarm.next === undefined) this.#tail = alarm.previous
    else alarm.next.previous = alarm.previous
    alarm.previous = alarm.next = alarm.lane = undefined
  }

  #arm(ms: number): void {
    this.#armed = true
    this.clock.after(ms, this.#turn)
  }

  readonly #turn = (): void => {
    this.#armed = false
    const now = this.clock.now()
    try {
      for (let alarm = this.#head; alarm !== undefined && alarm.due <= now; alarm = this.#head) {
        this.remove(alarm)
        alarm.owner.alarm(alarm.name)
      }
    } finally {
      if (this.#head !== undefined && !this.#armed) this.#arm(Math.max(0, this.#head.due - now))
    }
  }
}

/**
 * Timers of a few constant durations (T1 and its doublings, T4, 64*T1) for hundreds of thousands of transactions: one lane a duration,
 * one timer of the clock a lane, no closure.
 */
export class TimerLanes {
  readonly #lanes = new Map<number, Lane>()

  constructor(readonly clock: Clock) {}

  /** Starts `alarm`, or starts it anew; `ms` should come from a small set of durations. */
  start<Name extends string>(alarm: Alarm<Name>, ms: number): void {
    const started = alarm as unknown as Alarm
    started.lane?.remove(started)
    let lane = this.#lanes.get(ms)
    if (lane === undefined) this.#lanes.set(ms, (lane = new Lane(this.clock, ms)))
    lane.add(started)
  }
}
