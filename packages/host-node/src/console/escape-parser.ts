/**
 * The escape of a raw terminal, as QEMU's and minicom's: Ctrl-A, then a letter. A pure state
 * machine over typed bytes.
 *
 *   Ctrl-A x       ends the machine
 *   Ctrl-A h       help
 *   Ctrl-A Ctrl-A  one Ctrl-A for the guest
 *   Ctrl-A other   both bytes go to the guest
 */
export type EscapeCommand = 'quit' | 'help';

export interface Typed {
  /** For the guest. */
  readonly bytes: Uint8Array;
  /** In the order typed. After `quit` nothing typed counts any more. */
  readonly commands: readonly EscapeCommand[];
}

export class EscapeParser {
  #isEscaped = false;

  /** The bytes may be cut anywhere. */
  push(typed: Uint8Array): Typed {
    const bytes: number[] = [];
    const commands: EscapeCommand[] = [];
    for (const byte of typed) {
      if (!this.#isEscaped) {
        if (byte === CTRL_A) this.#isEscaped = true;
        else bytes.push(byte);
        continue;
      }
      this.#isEscaped = false;
      if (QUIT_KEYS.has(byte)) {
        commands.push('quit');
        break;
      }
      if (HELP_KEYS.has(byte)) commands.push('help');
      else if (byte === CTRL_A) bytes.push(CTRL_A);
      else bytes.push(CTRL_A, byte);
    }
    return { bytes: Uint8Array.from(bytes), commands };
  }
}

export const ESCAPE_HELP = [
  'Ctrl-A x       end the machine; a recording is closed whole',
  'Ctrl-A h       this help',
  'Ctrl-A Ctrl-A  send Ctrl-A to the guest',
];

const CTRL_A = 0x01;
/** x, X and Ctrl-X: the finger is still on Ctrl. */
const QUIT_KEYS = new Set([0x78, 0x58, 0x18]);
const HELP_KEYS = new Set([0x68, 0x48, 0x3f]);
