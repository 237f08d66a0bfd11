/** Constants of the entropy device. Virtio 1.2 §5.4. */

export const VIRTIO_ID_ENTROPY = 4;
export const REQUEST_QUEUE = 0;
