import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** `getconf CLK_TCK`, which is 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

/** User and system time of `/proc/PID/stat`; the name in it may hold blanks and brackets. */
export const parseProcessStat = (stat: string): number => {
  const [, , , , , , , , , , , user, system] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(user) + Number(system)) / TICKS_PER_SECOND;
};

/** Time of all processes in `/proc/stat`, and what the host has taken away: all that is neither idle nor waiting. */
export const parseMachineStat = (stat: string): number => {
  const [, user, nice, system, , , interrupts, softInterrupts, stolen] = stat.split(/\s+/);
  const busy = [user, nice, system, interrupts, softInterrupts, stolen];
  return busy.reduce((sum, ticks) => sum + Number(ticks), 0) / TICKS_PER_SECOND;
};

/** CPU seconds of one process with all its threads, so far. */
export const processCpu = (pid: number): number =>
  parseProcessStat(readFileSync(`/proc/${pid}/stat`, 'utf8'));
export const processesCpu = (pids: readonly number[]): number =>
  pids.reduce((sum, pid) => sum + processCpu(pid), 0);
export const machineCpu = (): number => parseMachineStat(readFileSync('/proc/stat', 'utf8'));

/** The most memory that a process has ever had, in MB. */
export const peakMemory = (pid: number): number => {
  const [, kilobytes] = /^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) / 1024;
};

/** A process and all that it has started. */
export const processTree = (pid: number): number[] => {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean);
  return [pid, ...children.flatMap((child) => processTree(Number(child)))];
};

/** Of one core. */
const QUIET = 0.15;

/** Resolves once other processes leave the machine alone for a second, or patience ends. */
export const waitForQuiet = async (patienceSeconds: number): Promise<void> => {
  for (let waited = 0; waited < patienceSeconds; waited++) {
    const before = machineCpu();
    await sleep(1_000);
    if (machineCpu() - before < QUIET) return;
  }
};
