/** @casmotion/guests: the programs that come with CASMotion. Works wherever JavaScript does. */
import { decodeBase64 } from './base64.ts';
import { HELLO_ELF } from './embedded-elf.ts';

/**
 * `hello`: a bare-metal program for M-mode, entered at 0x8000_0000 (boot mode `none`). Greets on the UART, takes five
 * timer interrupts 10 ms apart, shows keys typed in between, and powers off through the test finisher.
 * An ELF file; a new array at each call.
 */
export function helloGuest(): Uint8Array<ArrayBuffer> {
  return decodeBase64(HELLO_ELF);
}
