/** @casmotion/guests: the programs that come with CASMotion. Works wherever JavaScript does. */
import { decodeBase64 } from './base64.ts';
import {
  BENCH_ELF,
  CASMOTION_GUEST_ELF,
  CHANNEL_TEST_ELF,
  HELLO_ELF,
  LAB_ELF,
} from './embedded-elf.ts';

/**
 * `hello`: a bare-metal program for M-mode, entered at 0x8000_0000 (boot mode `none`). Greets on
 * the UART, takes five timer interrupts 10 ms apart, shows keys typed in between, and powers off
 * through the test finisher. An ELF file; a new array at each call.
 */
export function helloGuest(): Uint8Array<ArrayBuffer> {
  return decodeBase64(HELLO_ELF);
}

/**
 * The embedded guest: a small S-mode kernel with preemptive threads, a shell on the UART, a block
 * journal, random numbers, the clock, an event channel and a race. Entered at 0x8020_0000 by the
 * built-in SBI or OpenSBI; its command line is a list of shell commands such as `demo` or `compute
 * 100; race 10`, and empty for the shell. An ELF file; a new array at each call.
 */
export function embeddedGuest(): Uint8Array<ArrayBuffer> {
  return decodeBase64(CASMOTION_GUEST_ELF);
}

/**
 * `bench`: bare-metal workloads for measuring, for M-mode, entered at 0x8000_0000 (boot mode
 * `none`). The kernel's command line names one and its size, such as `sieve 50` or `irq 100 50`;
 * each prints a checksum of the work done and powers off. An ELF file; a new array at each call.
 */
export function benchGuest(): Uint8Array<ArrayBuffer> {
  return decodeBase64(BENCH_ELF);
}

/**
 * `channel-test`: uses the event channel in every way it has, in S-mode, entered at 0x8020_0000 by
 * the built-in SBI or OpenSBI. The command line: `local` checks each operation within the domain;
 * `churn ROUNDS` repeats much of that; `listen` shows what comes from outside; `serve PEER ROUNDS`
 * and `call PEER ROUNDS` are two domains that share a page; `provoke PEER` takes all that any host
 * or domain may send, virtio devices too, until `q` at the UART. An ELF file; a new array at each
 * call.
 */
export function channelTestGuest(): Uint8Array<ArrayBuffer> {
  return decodeBase64(CHANNEL_TEST_ELF);
}

/**
 * `lab`: several domains, in S-mode, entered at 0x8020_0000 by the built-in SBI. The command line
 * says which part a domain plays: `front PEER BLOCKS` reads blocks through a shared ring from `back
 * PEER`, which has a disk; `ping PEER FRAMES` and `echo FRAMES` use the switch; `flood PEER` is
 * hostile to `victim PEER ROUNDS`. An ELF file; a new array at each call.
 */
export function labGuest(): Uint8Array<ArrayBuffer> {
  return decodeBase64(LAB_ELF);
}
