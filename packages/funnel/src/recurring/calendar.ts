/**
 * The times that a cron names, by the clock on the wall of its time zone.
 *
 * `Cron.next` of effect 3.22 leaves out the hour that comes twice where clocks go back, and where no time zone is given, it reckons
 * with the offset of the moment. This goes by what the wall clock shows; a time is named where `Cron.match` has it so.
 *
 * - A cron of every hour comes whenever the wall clock shows a time that it names: in an hour that comes twice, twice.
 * - A cron of some hours comes when the wall clock has first come as far as a time that it names: once, although the time may
 *   come twice; and where clocks leave the time out, at the first moment after the gap.
 */
import * as Cron from "effect/Cron"
import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"

export interface Calendar {
  /** The first time after the one given, in milliseconds since 1970; none where none comes within 400 years. */
  readonly next: (after: number) => number | undefined
}

const secondMillis = 1000
const dayMillis = 86_400_000

// After so many days, 400 years, all dates come again on the same days of the week.
const cycleDays = 146_097

// Wall clocks are taken for those of UTC, whose days are all alike.
const utc = Option.some<DateTime.TimeZone>(DateTime.zoneMakeOffset(0))

/** The month and the day of the month of a day since 1970, counted from the 1st of March, which puts leap days last. */
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

  /** The first second of a day, from one on, that is named. */
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
    // Whether one of the two will do, the cron keeps to itself.
    return Cron.match(onWall, day * dayMillis + first * secondMillis)
  }

  /** The first time that is named, from one on, both as a wall clock shows them. */
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

  /** When the offset that holds at one time gives way to another, until a second time; that second time where it does not. */
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

  /** How far the wall clock has come until a time: farther than it shows where it was put back within a day. */
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
      // No wall clock is a day away from that of UTC: there is nothing to find before.
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
