/** Builds a small Linux Image with an EFI stub's PE/COFF header for tests. */

export interface TestImage {
  readonly textOffset?: bigint;
  readonly imageSizeBytes?: bigint;
  readonly fileSizeBytes?: number;
}

/** One PE section that reaches to the end of the file; the rest of the file is zero. */
export function buildImage({
  textOffset = 0x20_0000n,
  imageSizeBytes = 0x4000n,
  fileSizeBytes = 0x400,
}: TestImage = {}): Uint8Array<ArrayBuffer> {
  const file = new Uint8Array(fileSizeBytes);
  const view = new DataView(file.buffer);
  file.set([0x4d, 0x5a]);
  view.setBigUint64(8, textOffset, true);
  view.setBigUint64(16, imageSizeBytes, true);
  view.setUint32(32, 2, true);
  file.set([0x52, 0x49, 0x53, 0x43, 0x56], 48);
  view.setUint32(56, 0x0543_5352, true);
  view.setUint32(60, 64, true);
  file.set([0x50, 0x45, 0, 0], 64);
  view.setUint16(70, 1, true);
  view.setUint16(84, 0, true);
  view.setUint32(88 + 16, fileSizeBytes - 0x100, true);
  view.setUint32(88 + 20, 0x100, true);
  return file;
}
