/** Constants of the network device. Virtio 1.2 §5.1. */

export const VIRTIO_ID_NET = 1;
export const RX_QUEUE = 0;
export const TX_QUEUE = 1;

export const VIRTIO_NET_F_MAC = 5;
export const VIRTIO_NET_F_MRG_RXBUF = 15;
export const VIRTIO_NET_F_STATUS = 16;

export const CONFIG_MAC = 0;
export const CONFIG_STATUS = 6;
export const CONFIG_MAX_VIRTQUEUE_PAIRS = 8;
export const CONFIG_BYTES = 10;
export const VIRTIO_NET_S_LINK_UP = 1;

/**
 * struct virtio_net_hdr: 12 bytes, the last two `num_buffers`; a legacy one without merging has 10.
 */
export const HEADER_BYTES = 12;
export const HEADER_BYTES_LEGACY = 10;
export const HEADER_NUM_BUFFERS = 10;

/** An Ethernet header without payload. */
export const FRAME_MIN_BYTES = 14;
/** 64 KiB of IP and an Ethernet header: the most that §5.1.6.3.1 has a driver make room for. */
export const FRAME_MAX_BYTES = 65_550;
