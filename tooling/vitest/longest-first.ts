import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Waits for minutes to pass, and needs little else: whatever runs beside it costs no time. */
const LONGEST = 'e2e/limits.test.ts';

/** The run is as long as its longest file at least, so that one begins first. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isLongest = ({ moduleId }: TestSpecification) => moduleId.endsWith(LONGEST);
    return [...sorted.filter(isLongest), ...sorted.filter((file) => !isLongest(file))];
  }
}
