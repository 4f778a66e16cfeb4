// Package spool keeps the bytes of blobs between the network, which brings them in any
// order, and their readers: in memory as long as there is some, then in a file, whose disk
// space is reserved before it is written.
//
// The contract of a Spool, for bytes at offsets from 0 on:
//
//   - WriteAt keeps bytes at any offset, in any order. It replaces bytes that
//     were written before, even if they were discarded or cut off since.
//   - ReadAt returns what was written last. Bytes that were never written, but
//     lie before others, are zeros. The blob ends where the last byte was
//     written: reading further is io.EOF. Reading discarded bytes is
//     ErrDiscarded. A read never shows bytes of another blob.
//   - Truncate ends the blob at size. Bytes that are cut off are forgotten: a
//     server's second answer may be shorter than its first. A size at or
//     beyond the end changes nothing.
//   - Discard forgets the blocks that lie wholly in a range, and frees their
//     memory and, if the file system can do that, their disk space. Blocks
//     that lie partly in the range stay. If part of a discarded block is
//     written again, the content of the rest is undefined.
//   - Reserve reserves disk space for a file, before its bytes come, until Keep
//     or Close. Without it, disk space is reserved block by block, before each
//     is written.
//   - Keep makes a file of exactly the first size bytes. It fails with
//     ErrDiscarded if one of them was discarded, and with another error if
//     fewer were written. Afterwards ReadAt still works, and every other method
//     that returns an error returns os.ErrClosed.
//   - Close frees memory and disk space, and removes the file unless it was
//     kept. It may be called again; every other method that returns an error
//     returns os.ErrClosed from then on.
//
// Methods may be called concurrently, as long as no byte is written while it
// is read, written, discarded, cut off or kept. Sizes and offsets that no blob
// can have, such as negative ones, are errors.
//
// A Quota is an account of disk space that several spools share.
package spool
