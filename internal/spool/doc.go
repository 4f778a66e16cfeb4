// Package spool keeps the bytes of blobs between the network, which brings
// them in any order, and their readers: in memory as long as there is
// some, then in a file, for which disk is reserved before it is written.
//
// A Spool promises this, for bytes at offsets from 0 on:
//
//   - WriteAt keeps bytes at any offset, in any order. Bytes that were written
//     before are replaced, also when they were discarded or cut off since.
//   - ReadAt returns what was written last. Bytes that were never written, but
//     lie before others, are zeros. The blob ends where the last byte was
//     written: reading further is io.EOF. Reading what was discarded is
//     ErrDiscarded; memory of another blob never shows.
//   - Truncate ends the blob at size. What was cut off is forgotten, so that a
//     second answer of a server may be shorter than the first. A size at or
//     beyond the end changes nothing.
//   - Discard forgets the blocks that lie wholly in a range, and gives back
//     their memory and, where the file system can do that, their room on the
//     disk. Bytes of blocks that are only touched stay. When a part of a
//     discarded block is written again, what the rest of it reads as is not
//     defined.
//   - Reserve reserves disk for a file, before its bytes come, until Keep or
//     Close. What the file takes is reserved in any case before it is written,
//     block by block.
//   - Keep makes a file that holds exactly the first size bytes. It fails with
//     ErrDiscarded where one of them was discarded, and when fewer were
//     written. Afterwards all can still be read, and everything else that can
//     fail fails with os.ErrClosed.
//   - Close gives back memory, disk and what was reserved, and removes the
//     file, but for one that was kept. It may be called again; everything else
//     that can fail fails with os.ErrClosed then.
//
// Methods may be called concurrently, as long as no byte is written while it
// is read, written, discarded, cut off or kept. Sizes and offsets that no blob
// can have, such as negative ones, are errors.
//
// A Quota is the account of a disk that several spools share.
package spool
