/**
 * Whether what an alert saw run or opened lies in a package that a scanner found in files: the program itself, or the application of the server
 * program that started it. Paths are compared part by part; what lies in a folder of the system says nothing.
 */
import type { Alert } from '../domain/alert.ts'
import { alertField } from './record-field.ts'
import { startedByServer } from './server-program.ts'

/** `how`: it is the package’s own file, or it is the application the package belongs to. `field`: of the alert, where the path stands. */
export type PackageUse = { how: 'itself' | 'application'; field: string }

/** A package is described by these; its files lie beside them. */
const describing = /(^|\/)(package\.json|METADATA|PKG-INFO|[^/]+\.gemspec|composer\.json|[^/]+\.deps\.json)$/
const ofSystem = /^\/(s?bin|lib\d*|etc|dev|proc|sys|tmp|run|root|home|var|opt|srv|usr(\/local)?(\/(s?bin|lib\d*|share))?)?$/

export function packageUse(alert: Alert, paths: readonly string[]): PackageUse | null {
  const files = paths.map((path) => `/${path.replace(/^(\.?\/)+/, '')}`)
  for (const { path, field } of seenPaths(alert))
    if (files.some((file) => within(path, describing.test(file) ? folderOf(file) : file))) return { how: 'itself', field }
  if (!startedByServer(alert)) return null
  for (const { path, field } of programPaths(alert))
    if (files.some((file) => within(path, file) || within(file, folderOf(path)))) return { how: 'application', field }
  return null
}

const within = (path: string, folder: string): boolean => path === folder || (!ofSystem.test(folder) && path.startsWith(`${folder}/`))
const folderOf = (path: string): string => path.slice(0, path.lastIndexOf('/'))

function seenPaths(alert: Alert): { path: string; field: string }[] {
  return ['fields.proc.exepath', 'file'].flatMap((field) => {
    const path = alertField(alert, field)
    return path?.startsWith('/') === true ? [{ path, field }] : []
  })
}

/** What the server program was started with: `node /app/server.js`, `java -jar /app/app.jar`. */
function programPaths(alert: Alert): { path: string; field: string }[] {
  const field = 'fields.proc.pcmdline'
  const words = alertField(alert, field)?.split(/\s+/) ?? []
  return words.filter((word) => /^\/[\w.@/-]+$/.test(word)).map((path) => ({ path, field }))
}
