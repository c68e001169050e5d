/** The errors of a file system in the words of the system. */
import type { PlatformError } from "@effect/platform/Error"
import { StorageError } from "./storageError.js"

/** What `strerror` says. */
const texts: Record<string, string> = {
  EACCES: "Permission denied",
  EBADF: "Bad file descriptor",
  EDQUOT: "Disk quota exceeded",
  EEXIST: "File exists",
  EFBIG: "File too large",
  EIO: "Input/output error",
  EISDIR: "Is a directory",
  EMFILE: "Too many open files",
  ENFILE: "Too many open files in system",
  ENODEV: "No such device",
  ENOENT: "No such file or directory",
  ENOSPC: "No space left on device",
  ENOTDIR: "Not a directory",
  EPERM: "Operation not permitted",
  EROFS: "Read-only file system",
  ESTALE: "Stale file handle"
}

const codeOf = (error: PlatformError): string | undefined => {
  const cause = error._tag === "SystemError" ? error.cause : undefined
  return typeof cause === "object" && cause !== null && "code" in cause ? String(cause.code) : undefined
}

const reasons: Record<string, string> = {
  NotFound: "No such file or directory",
  PermissionDenied: "Permission denied",
  WriteZero: "No space left on device"
}

/** The error as a server words it, on one line. */
export const describe = (error: PlatformError): string => {
  const known = texts[codeOf(error) ?? ""] ?? (error._tag === "SystemError" ? reasons[error.reason] : undefined)
  return known ?? (error.description ?? error.message).replace(/\s+/g, " ")
}

export const isNotFound = (error: PlatformError): boolean => error._tag === "SystemError" && error.reason === "NotFound"

/** Whether a file could not be made because it is there. */
export const isThere = (error: PlatformError): boolean =>
  error._tag === "SystemError" && error.reason === "AlreadyExists"

/** Whether the system cannot do what was asked for, to any file of the kind. */
export const isUnsupported = (error: PlatformError): boolean =>
  ["EINVAL", "EPERM", "EISDIR", "ENOTSUP", "ENOSYS"].includes(codeOf(error) ?? "")

/** The failure to use a folder or a file. */
export const unavailable =
  (path: string, deed: string) =>
  (error: PlatformError): StorageError =>
    new StorageError({ path, reason: "Unavailable", detail: `cannot ${deed}: ${describe(error)}` })
