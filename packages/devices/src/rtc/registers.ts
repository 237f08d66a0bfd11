/**
 * Registers of the goldfish RTC: 32 bits each. GOLDFISH-VIRTUAL-HARDWARE.TXT (Android emulator
 * 2.0), "V. Goldfish timer"; where it is silent, as QEMU's hw/rtc/goldfish_rtc.c behaves.
 */

/** Reading it latches the high half. Nanoseconds since 1970. */
export const TIME_LOW = 0x00;
export const TIME_HIGH = 0x04;
/** Writing it arms the alarm; the high half is written first. */
export const ALARM_LOW = 0x08;
export const ALARM_HIGH = 0x0c;
export const IRQ_ENABLED = 0x10;
export const CLEAR_ALARM = 0x14;
/** 1 while the alarm is armed and has not gone off. */
export const ALARM_STATUS = 0x18;
export const CLEAR_INTERRUPT = 0x1c;
export const RTC_WINDOW_BYTES = 0x1000;
