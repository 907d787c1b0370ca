// The builder's side: reads one segment as it is now and makes its build, which the writer stores part by part.
import type { Database } from '../sqlite/driver.ts';
import { endedColumns, endedRowIn } from './endedRow.ts';
import { segmentSize } from './postings.ts';
import { RecordReader } from './records.ts';
import { type BuildPart, SegmentBuild } from './segmentBuild.ts';
import type { Answers, BuilderQuestion } from './threadMessages.ts';

export function builderAnswers(database: Database): Answers<BuilderQuestion> {
  const records = new RecordReader(database);
  return { makeBuild: (segment) => makeBuild(database, records, segment) };
}

function makeBuild(database: Database, records: RecordReader, segment: number): readonly BuildPart[] {
  const build = new SegmentBuild();
  const lowest = segment * segmentSize;
  database.exec('BEGIN'); // one moment of the file
  try {
    const rows = database
      .prepare(`SELECT ${endedColumns} FROM ended WHERE task_id >= ? AND task_id < ? ORDER BY task_id`)
      .all(lowest, lowest + segmentSize);
    for (const row of rows) {
      const { text, isSound } = records.find(row);
      // A damaged one is found by its columns and named when it is read; what is left of it is kept.
      build.add(endedRowIn(row), text, isSound);
    }
  } finally {
    database.exec('COMMIT');
  }
  return build.parts();
}
