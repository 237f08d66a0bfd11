/** Constants of the block device. Virtio 1.2 §5.2. */

export const VIRTIO_ID_BLOCK = 2;

export const VIRTIO_BLK_F_SEG_MAX = 2;
export const VIRTIO_BLK_F_RO = 5;
export const VIRTIO_BLK_F_BLK_SIZE = 6;
export const VIRTIO_BLK_F_FLUSH = 9;
export const VIRTIO_BLK_F_DISCARD = 13;
export const VIRTIO_BLK_F_WRITE_ZEROES = 14;

/** Offsets in the configuration, §5.2.4. */
export const CONFIG_CAPACITY = 0;
export const CONFIG_SEG_MAX = 12;
export const CONFIG_BLK_SIZE = 20;
export const CONFIG_NUM_QUEUES = 34;
export const CONFIG_MAX_DISCARD_SECTORS = 36;
export const CONFIG_MAX_DISCARD_SEG = 40;
export const CONFIG_DISCARD_SECTOR_ALIGNMENT = 44;
export const CONFIG_MAX_WRITE_ZEROES_SECTORS = 48;
export const CONFIG_MAX_WRITE_ZEROES_SEG = 52;
export const CONFIG_WRITE_ZEROES_MAY_UNMAP = 56;
export const CONFIG_BYTES = 60;

export const VIRTIO_BLK_T_IN = 0;
export const VIRTIO_BLK_T_OUT = 1;
export const VIRTIO_BLK_T_FLUSH = 4;
export const VIRTIO_BLK_T_GET_ID = 8;
export const VIRTIO_BLK_T_DISCARD = 11;
export const VIRTIO_BLK_T_WRITE_ZEROES = 13;

export const VIRTIO_BLK_S_OK = 0;
export const VIRTIO_BLK_S_IOERR = 1;
export const VIRTIO_BLK_S_UNSUPP = 2;

export const HEADER_BYTES = 16;
export const ID_BYTES = 20;
export const SECTOR_BYTES = 512;
/** A range of a discard or write-zeroes request: sector, count, flags. */
export const RANGE_BYTES = 16;
