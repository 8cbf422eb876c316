import { describe, expect, it } from 'vitest'
import { checkStatement } from './ask-statement.ts'

describe('reading a statement before it is asked', () => {
  it.each([
    `select rule, count(*) from alerts where event_ns > ns(now() - interval '1 day') group by rule order by 2 desc limit 10;`,
    `with a as (select id from incidents), b(x, y) as (select id, 1 from findings) select * from a join b on a.id = b.x where exists (select from alerts)`,
    `WITH a AS MATERIALIZED (SELECT 1) SELECT "title", (severity_level)::numeric(3, 1), cast('1' as varchar(3)) FROM incidents`,
    `select sum(alerts) over (partition by cluster order by last_ns rows between 1 preceding and current row), count(*) filter (where true) from incidents`,
    `select x.a from unnest(array(select 1), array['pg_sleep(1)']) as x(a, b) where a in (1, 2) and 'it''s; drop' <> E'\\'' -- ; pg_read_file('x')`,
    `/* insert /* nested */ into */ select $q$ ; delete $q$, updated_at, t."update" from incidents t`,
    `select percentile_cont(0.5) within group (order by alerts) from incidents having count(*) > 0`,
  ])('lets through %s', (statement) => {
    expect(() => checkStatement(statement)).not.toThrow()
  })

  it.each([
    ['', /Only one SELECT/],
    ['insert into x values (1)', /Only one SELECT/],
    ['explain select 1', /Only one SELECT/],
    ['select 1; select 2', /one statement/],
    ['with x as (delete from alerts returning *) select * from x', /only read/],
    ['select * into t from alerts', /only read/],
    ['with recursive r as (select 1) select * from r', /RECURSIVE/],
    ['select pg_sleep(1)', /“pg_sleep” is not available/],
    ['select pg_catalog . pg_sleep(1)', /pg_catalog/],
    ['select "pg_sleep"(1)', /pg_sleep/],
    ['select set_config($$role$$, $$none$$, true)', /function “set_config”/],
    ['select repeat/**/(1)', /function “repeat”/],
    ['select U&"\\0070g_sleep"(1)', /Unicode/],
    ['select * from information_schema.tables', /documented views/],
    ['select $1', /Parameters/],
    [`select 'open`, /not closed/],
    ['select "open', /not closed/],
    ['select /* open', /not closed/],
    ['select with_x(1) from a, repeat(1) as b', /not available/],
    [`select '${'x'.repeat(4_000)}'`, /longer than/],
  ])('refuses %s', (statement, reason) => {
    expect(() => checkStatement(statement)).toThrow(reason)
  })
})
