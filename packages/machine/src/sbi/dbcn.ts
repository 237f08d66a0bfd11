/** Debug console. SBI 2.0 chapter 12: bytes to and from console 0, addresses guest-physical. */
import {
  failure,
  SBI_ERR_INVALID_PARAM,
  SBI_ERR_NOT_SUPPORTED,
  type SbiCall,
  type SbiExtension,
  type SbiResult,
  success,
} from './sbi.ts';

export const sbiDbcn: SbiExtension = {
  id: 0x4442_434e,
  name: 'DBCN',
  call(functionId, call) {
    switch (functionId) {
      case 0:
        return write(call);
      case 1:
        return read(call);
      case 2: // console_write_byte
        call.host.writeConsole(Uint8Array.of(Number(call.args[0] & 0xffn)));
        return success();
      default:
        return failure(SBI_ERR_NOT_SUPPORTED);
    }
  },
};

/**
 * console_write(num_bytes, base_addr_lo, base_addr_hi): may write fewer; gives the count written.
 */
function write({ host, args }: SbiCall): SbiResult {
  const range = boundedRange(args);
  const bytes = range && host.memory.read(range.address, range.sizeBytes);
  if (bytes === undefined) return failure(SBI_ERR_INVALID_PARAM);
  host.writeConsole(bytes);
  return success(BigInt(bytes.length));
}

/**
 * console_read(num_bytes, base_addr_lo, base_addr_hi): gives the count read, 0 if nothing waits.
 */
function read({ host, args }: SbiCall): SbiResult {
  const range = boundedRange(args);
  if (range === undefined || host.memory.read(range.address, range.sizeBytes) === undefined) {
    return failure(SBI_ERR_INVALID_PARAM);
  }
  const bytes: number[] = [];
  while (bytes.length < range.sizeBytes) {
    const byte = host.readConsoleByte();
    if (byte === undefined) break;
    bytes.push(byte);
  }
  host.memory.write(range.address, Uint8Array.from(bytes));
  return success(BigInt(bytes.length));
}

/** The range, cut to what one call may move; undefined for an address no RAM can have. */
function boundedRange([count, low, high]: SbiCall['args']):
  { address: number; sizeBytes: number } | undefined {
  if (high !== 0n || low >= 1n << 40n) return undefined;
  const sizeBytes = Number(count < MAX_BYTES_PER_CALL ? count : MAX_BYTES_PER_CALL);
  return { address: Number(low), sizeBytes };
}

/** A bound on what a guest makes us do in one step. */
const MAX_BYTES_PER_CALL = 0x1_0000n;
