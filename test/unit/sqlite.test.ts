// Choosing SQLite and naming what goes wrong with its files.
import { expect, test } from 'vitest';
import { isNewEnough, loadDriver } from '../../scheduler/sqlite/driver.ts';
import { faultOf } from '../../scheduler/sqlite/fault.ts';

test('SQLite is taken from 3.51.3 on', () => {
  for (const version of ['3.51.3', '3.51.10', '3.52.0', '4.0.0'])
    expect(isNewEnough(version), version).toBe(true);
  for (const version of ['3.51.2', '3.50.9', '3.9.99', '2.99.99'])
    expect(isNewEnough(version), version).toBe(false);
});

test('this runtime has a SQLite that is new enough', () => {
  const database = new (loadDriver().DatabaseSync)(':memory:');
  const version = database.prepare('SELECT sqlite_version() AS version').get()?.['version'];
  database.close();
  expect(isNewEnough(String(version))).toBe(true);
});

test('an error of SQLite is named by its primary code, with the file and what to do', () => {
  const of = (errcode: number) => faultOf(Object.assign(new Error('text'), { errcode }), '/data/journal.db');
  expect(of(13)).toMatchObject({ cause: 'disk_full' });
  expect(of(13).message).toMatch(/^\/data\/journal\.db: disk is full: free space/);
  expect(of(778).cause).toBe('io_error'); // SQLITE_IOERR_WRITE
  expect(of(11).cause).toBe('damaged');
  expect(of(26).cause).toBe('not_a_database');
  expect(of(1032).cause).toBe('read_only'); // SQLITE_READONLY_DBMOVED
  expect(of(5).cause).toBe('in_use');
  expect(faultOf(new Error('boom'), 'x').cause).toBe('unknown');
});
