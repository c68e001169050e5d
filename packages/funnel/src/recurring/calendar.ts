/**
 * The times that a cron names, by the wall clock of its time zone.
 *
 * `Cron.next` of effect 3.22 leaves out the hour that comes twice when clocks go back, and without a time zone it computes with the
 * present offset of the machine. This module goes by what the wall clock shows; `Cron.match` says which times a cron names.
 *
 * - A cron of every hour comes whenever the wall clock shows a time that it names: in an hour that comes twice, twice.
 * - A cron of some hours comes when the wall clock first reaches a time that it names: once, even if the time comes twice; and at
 *   the first moment after the gap if clocks leave the time out.
 */
import * as Cron from "effect/Cron"
import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"

export interface Calendar {
  /** The first time after the one given, in milliseconds since 1970; undefined if there is none within 400 years. */
  readonly next: (after: number) => number | undefined
}

const secondMillis = 1000
const dayMillis = 86_400_000

// After this many days (400 years), all dates fall on the same days of the week again.
const cycleDays = 146_097

// Times of wall clocks are computed as times of UTC, whose days all have the same length.
const utc = Option.some<DateTime.TimeZone>(DateTime.zoneMakeOffset(0))

/** The month and the day of the month of a day since 1970. It counts years from the 1st of March, so that leap days come last. */
const dateOf = (day: number): readonly [month: number, day: number] => {
  const z = day + 719_468
  const ofEra = z - Math.floor(z / cycleDays) * cycleDays
  const year = Math.floor(
    (ofEra - Math.floor(ofEra / 1460) + Math.floor(ofEra / 36_524) - Math.floor(ofEra / 146_096)) / 365
  )
  const ofYear = ofEra - (365 * year + Math.floor(year / 4) - Math.floor(year / 100))
  const month = Math.floor((5 * ofYear + 2) / 153)
  return [month < 10 ? month + 3 : month - 9, ofYear - Math.floor((153 * month + 2) / 5) + 1]
}

const named = (field: ReadonlySet<number>, size: number): ReadonlyArray<number> =>
  Array.from({ length: size }, (_, n) => n).filter((n) => field.size === 0 || field.has(n))

export const make = (cron: Cron.Cron, zone: DateTime.TimeZone): Calendar => {
  const hours = named(cron.hours, 24)
  const minutes = named(cron.minutes, 60)
  const seconds = named(cron.seconds, 60)
  const isEachHour = hours.length === 24
  const onWall: Cron.Cron = { ...cron, tz: utc }

  /** The first second of a day, at `from` or later, that the cron names. */
  const secondOfDay = (from: number): number | undefined => {
    for (const hour of hours) {
      if (hour * 3600 + 3599 < from) continue
      for (const minute of minutes) {
        if (hour * 3600 + minute * 60 + 59 < from) continue
        for (const second of seconds) {
          const at = hour * 3600 + minute * 60 + second
          if (at >= from) return at
        }
      }
    }
    return undefined
  }

  const first = secondOfDay(0)

  const isNamed = (day: number, first: number): boolean => {
    const [month, ofMonth] = dateOf(day)
    if (cron.months.size > 0 && !cron.months.has(month)) return false
    const isDay = cron.days.size === 0 || cron.days.has(ofMonth)
    const isWeekday = cron.weekdays.size === 0 || cron.weekdays.has((((day + 4) % 7) + 7) % 7)
    if (isDay === isWeekday) return isDay
    if (cron.days.size === 0 || cron.weekdays.size === 0) return false
    // Only the cron itself knows whether one of the two is enough.
    return Cron.match(onWall, day * dayMillis + first * secondMillis)
  }

  /** The first time, at `from` or later, that the cron names; both are times of the wall clock. */
  const nextOnWall = (from: number): number | undefined => {
    if (first === undefined) return undefined
    const today = Math.floor(from / dayMillis)
    for (let day = today; day <= today + cycleDays; day++) {
      if (!isNamed(day, first)) continue
      const second = day === today ? secondOfDay(Math.ceil((from - day * dayMillis) / secondMillis)) : first
      if (second !== undefined) return day * dayMillis + second * secondMillis
    }
    return undefined
  }

  const offsetAt = (time: number): number =>
    zone._tag === "Offset" ? zone.offset : DateTime.zonedOffset(DateTime.unsafeMakeZoned(time, { timeZone: zone }))

  /** When the offset that holds at `from` changes, at `to` at the latest. */
  const changeWithin = (from: number, to: number, offset: number): number => {
    if (offsetAt(to) === offset) return to
    let before = from
    let after = to
    while (after - before > secondMillis) {
      const middle = before + Math.floor((after - before) / 2 / secondMillis) * secondMillis
      if (offsetAt(middle) === offset) before = middle
      else after = middle
    }
    return after
  }

  /** The latest time that the wall clock has shown until a time: later than it shows now if it was set back within a day. */
  const reachedAt = (time: number): number => {
    const offset = offsetAt(time)
    const earlier = offsetAt(time - dayMillis)
    return earlier > offset ? changeWithin(time - dayMillis, time, earlier) + earlier : time + offset
  }

  const next = (after: number): number | undefined => {
    let time = (Math.floor(after / secondMillis) + 1) * secondMillis
    let reached = isEachHour ? Number.NEGATIVE_INFINITY : reachedAt(time)
    for (;;) {
      const offset = offsetAt(time)
      const wall = nextOnWall(Math.max(time + offset, reached))
      if (wall === undefined) return undefined
      // No wall clock is a day away from UTC, so no time is named before.
      if (wall - dayMillis > time) {
        time = wall - dayMillis
        continue
      }
      const change = changeWithin(time, time + 2 * dayMillis, offset)
      if (wall - offset < change) return wall - offset
      if (!isEachHour) {
        if (wall < change + offsetAt(change)) return change
        reached = Math.max(reached, change + offset)
      }
      time = change
    }
  }

  return { next }
}
