/**
 * Registers of the 16550A: eight bytes. National Semiconductor PC16550D data sheet (1995), table
 * II; names as in the data sheet.
 */

/** Receive buffer (read), transmit holding (write); divisor latch low while LCR.DLAB. */
export const RBR_THR_DLL = 0;
/** Interrupt enable; divisor latch high while LCR.DLAB. */
export const IER_DLM = 1;
/** Interrupt identification (read), FIFO control (write). */
export const IIR_FCR = 2;
export const LCR = 3;
export const MCR = 4;
export const LSR = 5;
export const MSR = 6;
export const SCR = 7;
/** The window of `virt`; only the first eight bytes are registers. */
export const UART_WINDOW_BYTES = 0x100;
/** `clock-frequency` of `virt` in Hz: what a driver computes divisors from. */
export const UART_CLOCK_HZ = 3_686_400;

export const IER_RECEIVED = 0x01;
export const IER_THR_EMPTY = 0x02;
export const IER_LINE_STATUS = 0x04;
export const IER_MODEM_STATUS = 0x08;

export const IIR_NONE = 0x01;
export const IIR_MODEM_STATUS = 0x00;
export const IIR_THR_EMPTY = 0x02;
export const IIR_RECEIVED = 0x04;
export const IIR_LINE_STATUS = 0x06;
export const IIR_CHARACTER_TIMEOUT = 0x0c;
export const IIR_FIFOS_ENABLED = 0xc0;

export const FCR_ENABLE = 0x01;
export const FCR_CLEAR_RX = 0x02;
export const FCR_TRIGGER = 0xc0;

export const LCR_DLAB = 0x80;

export const MCR_DTR = 0x01;
export const MCR_RTS = 0x02;
export const MCR_OUT1 = 0x04;
export const MCR_OUT2 = 0x08;
export const MCR_LOOP = 0x10;

export const LSR_DATA_READY = 0x01;
export const LSR_OVERRUN = 0x02;
export const LSR_THR_EMPTY = 0x20;
export const LSR_TRANSMITTER_EMPTY = 0x40;

export const MSR_DELTA = 0x0f;
export const MSR_CTS = 0x10;
export const MSR_DSR = 0x20;
export const MSR_RI = 0x40;
export const MSR_DCD = 0x80;
