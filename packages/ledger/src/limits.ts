/** Longest message, in bytes of UTF-8 with its newline: 256 KiB. Larger content goes by file and checksum. */
export const MAX_MESSAGE_BYTES = 262_144;
