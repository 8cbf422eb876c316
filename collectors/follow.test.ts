/** One file followed through whatever happens to log files: each line handed out once, none lost, whatever is restarted when. */
import {
  appendFile,
  copyFile,
  mkdir,
  mkdtemp,
  readdir,
  readlink,
  rename,
  rm,
  symlink,
  truncate,
  unlink,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { property } from '../test/support/sizes.ts'
import { FollowedFile, type FollowOptions } from './follow.ts'

let folder: string
let path: string
const opened: FollowedFile[] = []
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'falconer-follow-'))
  path = join(folder, 'events.log')
})
afterEach(async () => {
  for (const file of opened.splice(0)) await file.close()
  await rm(folder, { recursive: true })
})

type Reader = {
  file: FollowedFile
  lines: string[]
  notes: string[]
  later(ms: number): void
  read(): Promise<string[]>
  restart(): Promise<void>
}

/** Reads all there is, a piece at a time; `restart` is what a kill leaves: what was acknowledged. */
function reader(options: FollowOptions = {}, at = path): Reader {
  const notes: string[] = []
  let passed = 0
  const made = (state?: FollowOptions['state']): FollowedFile => {
    opened.push(new FollowedFile(at, { ...options, state, note: (what) => notes.push(what), now: () => Date.now() + passed }))
    return opened.at(-1) as FollowedFile
  }
  const one: Reader = {
    file: made(options.state),
    lines: [],
    notes,
    later: (ms) => {
      passed += ms
    },
    read: async () => {
      const before = one.lines.length
      for (let idle = 0; idle < 3;) {
        const piece = await one.file.next()
        passed += piece === null ? 600 : 0
        idle = piece === null ? idle + 1 : 0
        if (piece === null) continue
        one.lines.push(...piece.bytes.toString().split('\n').filter(Boolean))
        await one.file.acknowledge(piece)
      }
      return one.lines.slice(before)
    },
    restart: async () => {
      const state = JSON.parse(JSON.stringify(one.file.state())) as FollowOptions['state']
      await one.file.close()
      one.file = made(state)
    },
  }
  return one
}

/** How many files of the folder this process holds open, deleted ones too. */
async function descriptors(): Promise<number> {
  const entries = await readdir('/proc/self/fd')
  const paths = await Promise.all(entries.map((entry) => readlink(`/proc/self/fd/${entry}`).catch(() => '')))
  return paths.filter((one) => one.startsWith(`${folder}/`)).length
}

describe('a followed file', () => {
  it('gives what is there, then what comes; a line only when it is whole', async () => {
    await writeFile(path, 'a\nb\nhal')
    const log = reader()
    expect(await log.read()).toEqual(['a', 'b'])
    expect(await log.read()).toEqual([])
    await appendFile(path, 'f\nc\n')
    expect(await log.read()).toEqual(['half', 'c'])
    await log.restart()
    expect(await log.read()).toEqual([])
    expect(log.notes).toEqual([])
  })

  it('hands out the same again until it is acknowledged', async () => {
    await writeFile(path, 'a\n')
    const file = new FollowedFile(path)
    const first = await file.next()
    expect((await file.next())?.bytes.toString()).toBe(first?.bytes.toString())
    await file.close()
  })

  it('waits for a file that is not there yet, says so once, and refuses what does not grow', async () => {
    const log = reader()
    expect(await log.read()).toEqual([])
    expect(log.notes).toEqual(['waiting'])
    await writeFile(path, 'a\n')
    expect(await log.read()).toEqual(['a'])
    await mkdir(join(folder, 'sub'))
    await expect(new FollowedFile(join(folder, 'sub')).next()).rejects.toThrow('not a file that grows')
    await writeFile(join(folder, 'old.gz'), gzipSync('a\n'))
    await expect(new FollowedFile(join(folder, 'old.gz')).next()).rejects.toThrow('`falconer import` reads it')
  })

  it('renamed: reads the rest of the old file, even what is written to it afterwards, and then the new one', async () => {
    await writeFile(path, 'a\n')
    const log = reader()
    await log.read()
    await appendFile(path, 'b\n')
    await rename(path, `${path}.1`)
    expect(await log.read()).toEqual(['b'])
    await writeFile(path, 'd\n')
    await appendFile(`${path}.1`, 'c\n')
    expect((await log.read()).sort()).toEqual(['c', 'd'])
    log.later(3_600_000)
    await appendFile(`${path}.1`, 'late\nand without its end')
    expect(await log.read()).toEqual(['late'])
    log.later(6_000)
    expect(await log.read()).toEqual(['and without its end'])
  })

  it('copied and emptied: reads the rest from the copy, also when the file has grown past the place since', async () => {
    await writeFile(path, 'a\nb\n')
    const log = reader()
    await log.read()
    await appendFile(path, 'rest\n')
    await copyFile(path, `${path}.1`)
    await truncate(path, 0)
    await appendFile(path, 'much longer than all there was before\n')
    expect((await log.read()).sort()).toEqual(['much longer than all there was before', 'rest'])
    await log.restart()
    expect(await log.read()).toEqual([])
    expect(log.notes).toEqual([])
  })

  it('emptied without a copy: says what may be gone', async () => {
    await writeFile(path, 'a\nb\n')
    const log = reader()
    await log.read()
    await writeFile(path, 'c\n')
    expect(await log.read()).toEqual(['c'])
    expect(log.notes).toEqual(['emptied'])
  })

  it('deleted and made again: nothing of the deleted one is lost', async () => {
    await writeFile(path, 'a\n')
    const log = reader()
    await log.read()
    await appendFile(path, 'b\n')
    await unlink(path)
    await writeFile(path, 'c\n')
    expect(await log.read()).toEqual(['b', 'c'])
  })

  it('made anew between two looks: the one before is left as if it had been renamed', async () => {
    await writeFile(path, 'a\n')
    const log = reader()
    await log.read()
    await appendFile(path, 'without its end')
    await unlink(path)
    await writeFile(path, 'c\n')
    expect(await log.read()).toEqual(['c'])
    expect(log.notes).toEqual(['rotated'])
    expect(log.file.offset()).toBe(2)
    log.later(6_000)
    expect(await log.read()).toEqual(['without its end'])
    const held = await descriptors()
    log.later(6_000)
    await log.read()
    expect(await descriptors()).toBe(held - 1)
  })

  it('rotated before anything of it was acknowledged: all of it is read at the next start, however old it is', async () => {
    await writeFile(`${path}.2`, 'long before\n')
    await utimes(`${path}.2`, 1_000, 1_000)
    await writeFile(path, 'a\n')
    await utimes(path, 2_000, 2_000.0007)
    const log = reader({ state: await FollowedFile.start(path) })
    await log.file.next()
    await log.restart()
    await rename(path, `${path}.1`)
    await writeFile(path, 'b\n')
    await log.restart()
    expect(await log.read()).toEqual(['a', 'b'])
  })

  it('gives no more than is asked for, but a whole line', async () => {
    await writeFile(path, `a\n${'x'.repeat(50)}\nb\nc\n`)
    const file = reader().file
    const given: string[] = []
    for (let piece = await file.next(4); piece !== null; piece = await file.next(4)) {
      given.push(piece.bytes.toString())
      await file.acknowledge(piece)
    }
    expect(given).toEqual(['a\n', `${'x'.repeat(50)}\n`, 'b\nc\n'])
  })

  it('rotated twice while nobody looked: reads the rest, the one that came and went, and the newest; nothing older, nothing packed', async () => {
    await writeFile(`${path}.3`, 'long before\n')
    await new Promise((resume) => {
      setTimeout(resume, 150)
    })
    await writeFile(path, 'a\n')
    const log = reader()
    await log.read()
    await appendFile(path, 'b\n')
    await rename(path, `${path}.2`)
    await writeFile(path, 'c\n')
    await rename(path, `${path}.1`)
    await writeFile(path, 'd\n')
    await writeFile(`${path}.4.gz`, gzipSync('packed\n'))
    await writeFile(`${path}.5`, gzipSync('packed\n'))
    await writeFile(join(folder, 'events.log.notes'), 'not ours\n')
    await log.restart()
    expect((await log.read()).sort()).toEqual(['b', 'c', 'd'])
    await log.restart()
    expect(await log.read()).toEqual([])
  })

  it('says so when the file it read is gone at the next start', async () => {
    await writeFile(path, 'a\n')
    const log = reader()
    await log.read()
    await log.file.close()
    await unlink(path)
    await writeFile(path, 'b\n')
    await log.restart()
    expect(await log.read()).toEqual(['b'])
    expect(log.notes).toEqual(['gone'])
  })

  it('follows a link that moves, as Kubernetes moves those of container logs', async () => {
    await mkdir(join(folder, 'pod'))
    await writeFile(join(folder, 'pod', '0.log'), 'a\n')
    const link = join(folder, 'app.log')
    await symlink(join(folder, 'pod', '0.log'), link)
    const log = reader({}, link)
    expect(await log.read()).toEqual(['a'])
    await appendFile(join(folder, 'pod', '0.log'), 'b\n')
    await rename(join(folder, 'pod', '0.log'), join(folder, 'pod', '0.log.20261125-101010'))
    await writeFile(join(folder, 'pod', '0.log'), 'c\n')
    expect(await log.read()).toEqual(['b', 'c'])
    await appendFile(join(folder, 'pod', '0.log'), 'd\n')
    await writeFile(join(folder, 'pod', '1.log'), 'e\n')
    await unlink(link)
    await symlink(join(folder, 'pod', '1.log'), link)
    await log.restart()
    expect(await log.read()).toEqual(['d', 'e'])
  })

  it('takes a line of any length, in bounded pieces', async () => {
    const long = 'x'.repeat(5_000)
    await writeFile(path, `a\n${long}\nb\n`)
    expect(await reader({ pieceBytes: 64 }).read()).toEqual(['a', long, 'b'])
  })

  it('guarantee 25: every line once, through any order of writing, rotating, copying, restarting and reading', async ({ task }) => {
    const step = fc.oneof(
      { weight: 5, arbitrary: fc.record({ do: fc.constant('write' as const), lines: fc.integer({ min: 1, max: 4 }), cut: fc.boolean() }) },
      {
        weight: 6,
        arbitrary: fc.record({
          do: fc.constantFrom('rename' as const, 'copy' as const, 'read' as const, 'restart' as const, 'kill' as const),
        }),
      },
    )
    const cases = property(1_000, 60)
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 25 }), fc.constantFrom(16, 64, 1_000_000), async (steps, pieceBytes) => {
        const own = await mkdtemp(join(folder, 'case-'))
        const at = join(own, 'falco.log')
        const log = reader({ pieceBytes }, at)
        const written: string[] = []
        let rest = ''
        let age = 0
        await log.read()
        for (const one of steps) {
          if (one.do === 'write') {
            const lines = Array.from({ length: one.lines }, (_, index) => `line ${written.length + index} ${'.'.repeat(index * 9)}`)
            written.push(...lines)
            const text = `${rest}${lines.join('\n')}\n`
            rest = one.cut ? text.slice(-7) : ''
            await appendFile(at, one.cut ? text.slice(0, -7) : text)
          } else if (one.do === 'read') await log.read()
          else if (one.do === 'restart') await log.restart()
          else if (one.do === 'kill') {
            // Handed out, never acknowledged: as if the process had died before.
            await log.file.next()
            await log.restart()
          } else {
            // Whoever writes ends its line before it turns to a new file.
            await appendFile(at, rest)
            rest = ''
            age += 1
            if (one.do === 'copy') {
              await copyFile(at, `${at}.${age}`)
              await truncate(at, 0)
            } else {
              await rename(at, `${at}.${age}`)
              await writeFile(at, '')
            }
          }
        }
        await appendFile(at, rest)
        await log.read()
        expect(log.lines.toSorted()).toEqual(written.toSorted())
        expect(log.notes.filter((what) => what === 'gone' || what === 'emptied')).toEqual([])
        await log.file.close()
      }),
      cases as fc.Parameters<[unknown, unknown]>,
    )
    Object.assign(task.meta, { cases: cases.numRuns })
  })
})
