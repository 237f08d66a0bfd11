/** Constants of the console device. Virtio 1.2 §5.3. */

export const VIRTIO_ID_CONSOLE = 3;
export const RX_QUEUE = 0;
export const TX_QUEUE = 1;

export const VIRTIO_CONSOLE_F_EMERG_WRITE = 2;

/** cols, rows (le16), max_nr_ports (le32), emerg_wr (le32). */
export const CONFIG_EMERG_WR = 8;
export const CONFIG_BYTES = 12;
