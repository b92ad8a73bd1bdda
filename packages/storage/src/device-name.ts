const DEVICE = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i;

/** Whether Windows gives a name to a device, whatever its ending: a store must survive being copied there. */
export function isDeviceName(name: string): boolean {
  return DEVICE.test(name);
}
