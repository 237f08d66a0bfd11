/** Register contents and flags as test tables write them. Test support. */

/** A single by its 32 bits, boxed. */
export function single(bits: number): bigint {
  return 0xffffffff00000000n | BigInt(bits >>> 0);
}

/** A single by its value, which must be one, boxed. */
export function f32(value: number): bigint {
  view.setFloat32(0, value);
  if (!Object.is(view.getFloat32(0), value)) throw new Error(`${value} is not a single`);
  return single(view.getUint32(0));
}

/** A double by its value; not for NaN. */
export function f64(value: number): bigint {
  if (Number.isNaN(value)) throw new Error('a NaN has no certain bits');
  view.setFloat64(0, value);
  return view.getBigUint64(0);
}

/** An integer register by its signed value. */
export function x64(value: bigint | number): bigint {
  return BigInt.asUintN(64, BigInt(value));
}

export const NAN_S = single(0x7fc00000);
export const QUIET_S = single(0xffc12345);
export const SIGNALLING_S = single(0x7f800001);
/** 1.0 with a hole in its box. */
export const UNBOXED_ONE_S = 0xfffffffe3f800000n;
export const NAN_D = 0x7ff8000000000000n;
export const QUIET_D = 0xfff8123400000000n;
export const SIGNALLING_D = 0x7ff0000000000001n;

export const NV = 16;
export const DZ = 8;
export const OF = 4;
export const UF = 2;
export const NX = 1;
export const [RNE, RTZ, RDN, RUP, RMM] = [0, 1, 2, 3, 4] as const;

const view = new DataView(new ArrayBuffer(8));
