/**
 * Whether a package lies in the application of a server program that started something. Paths are compared part by part; what lies beside a program
 * in a folder of the system says nothing. Whether a file of the package itself was run or opened is told elsewhere (store/in-use.ts).
 */
import type { Alert } from '../domain/alert.ts'
import { alertField } from './record-field.ts'
import { startedByServer } from './server-program.ts'

/** Where an alert holds the command line of what started it. */
export const startedBy = 'fields.proc.pcmdline'
const ofSystem = /^\/(s?bin|lib\d*|etc|dev|proc|sys|tmp|run|root|home|var|opt|srv|usr(\/local)?(\/(s?bin|lib\d*|share))?)?$/

/** Of `node /app/server.js` or `java -jar /app/app.jar`: it is that file, or lies in the folder of it. */
export function inApplication(alert: Alert, paths: readonly string[]): boolean {
  if (!startedByServer(alert)) return false
  const files = paths.map((path) => `/${path.replace(/^(\.?\/)+/, '')}`)
  const words = alertField(alert, startedBy)?.split(/\s+/) ?? []
  return words.some((word) => /^\/[\w.@/-]+$/.test(word) && files.some((file) => within(word, file) || within(file, folderOf(word))))
}

const within = (path: string, folder: string): boolean => path === folder || (!ofSystem.test(folder) && path.startsWith(`${folder}/`))
const folderOf = (path: string): string => path.slice(0, path.lastIndexOf('/'))
