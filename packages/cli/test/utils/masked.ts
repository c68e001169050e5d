/** Output with the ids of jobs, and times of day, made the same for all runs. */
export const masked = (text: string): string =>
  text
    .replace(/D-[0-9a-f]{8}-[A-Za-z0-9+/]{24}-([0-9a-f]{4})/g, "D-xxxxxxxx-xxxxxxxxxxxxxxxxxxxxxxxx-$1")
    .replace(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/g, "2026-01-02 03:04:05")
