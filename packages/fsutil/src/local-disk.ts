import { statfsSync } from "node:fs";

// File systems that one running kernel at a time can have mounted for writing (linux/magic.h).
const LOCAL = new Set([
  0xef53, // ext2, ext3, ext4
  0x58465342, // xfs
  0x9123683e, // btrfs
  0xca451a4e, // bcachefs
  0xf2f52010, // f2fs
  0x2fc12fc1, // zfs
  0x01021994, // tmpfs
  0x858458f6, // ramfs
  0x794c7630, // overlayfs
]);

/** Whether a folder is on a disk of this machine; false where that cannot be known. */
export function isOnLocalDisk(folder: string): boolean {
  try {
    return LOCAL.has(statfsSync(folder).type >>> 0);
  } catch {
    return false;
  }
}
