// Package unpack checks a zip archive and extracts it below an *os.Root, also
// while the archive is still arriving, and expands the tars in it. It knows
// nothing of HTTP. Section numbers are those of PKWARE's APPNOTE.TXT 6.3.10.
//
// The code that writes files knows no format: it takes entries and their contents
// from the interface contents, which zip (units.go, decode.go) and tar (tar.go)
// implement. Formats are those that artifacts arrive in: so far zip (zip.go).
//
// Zip.Open reads a zip's directory, and accepts the zip only if all of this holds as
// far as the directory shows; Extract checks the rest of the archive as it reads
// it. If Extract fails, the files that it has written must not be used.
//
//   - The last end of central directory record (4.3.16) in the last 64 KiB of
//     the file counts, whatever follows it; it does not lie in the comment of
//     another one. The central directory (4.3.12) ends where it, or the zip64
//     record (4.3.14), begins. A zip64 record may be there without need, and
//     agrees with the end record then. Offsets may leave out what lies before
//     the archive. There is one disk (4.4.19).
//   - Bytes that belong to no entry, before the first or between them, are
//     not looked at: some writers align data, programs that extract
//     themselves begin with the program, and data descriptors (4.3.9) have
//     several forms. Nor are bytes after the end of a stream of DEFLATE,
//     Deflate64, bzip2 or LZMA.
//   - The directory holds exactly as many entries as it declares (4.4.22),
//     modulo 65,536 without a zip64 record, and no more than the Budget
//     allows, which counts them as they are read.
//   - No entry declares more than 1 PiB.
//   - No entry is encrypted (4.4.4 bits 0, 6, 13) or patched (bit 5), and
//     its method (4.4.5) is one of methods.go. zstd needs a window of at most
//     8 MiB, LZMA a dictionary that takes at most 32 MiB with its tables, XZ a
//     dictionary of at most 64 MiB.
//   - The local header (4.3.7) names the same file and method as the directory
//     and, if the file is stored and no data descriptor follows, the same
//     sizes. Only the name counts for directories. Local headers and data lie
//     before the directory and nowhere overlap.
//   - A name (4.4.17) is that of a Unicode Path field (4.6.9) that belongs to
//     it, is UTF-8, or is Code Page 437; bytes that are said to be UTF-8 and
//     are not stay as they are. Backslashes of a FAT, VFAT or NTFS creator
//     are slashes. The decoded name is relative and has no component "..", no
//     backslash, no drive letter and no NUL. Components that are empty or "."
//     are dropped; only a directory's name may have no others ("./"): it is the
//     destination itself. A name has at most 4096 bytes, 255 in a component,
//     since no file system that matters takes more, and 256 components.
//   - Of files that share a name the last one counts. Directories may share a
//     name, too; other entries may not. No entry lies below a file or a
//     symlink. An empty file that its attributes (4.4.15) call a directory
//     gives way to a directory of its name. At most 16,384 names are shared.
//     The names need no more than 1,000,000 directories that are no entries
//     themselves.
//   - What a Unix creator calls a device is refused. Otherwise a name that ends
//     with a slash is a directory's, and content of a directory is ignored. An
//     entry that is neither a directory nor a symlink with a target is a file.
//   - A symlink's target is at most 4096 bytes long, relative and without NUL. It
//     stays inside when it is followed through all other symlinks of the
//     archive, in a bounded number of steps; if it has a backslash, also when
//     that separates directories. It may lead back to the symlink. Names and
//     targets of all symlinks together, and 100 bytes for each, are at most
//     32 MiB, because they are kept until the end.
//
// Extract compares every file with its declared size and CRC-32 as it is
// written. Permissions come from the umask; only the execute bit is taken from
// the archive, set-id bits never. Symlinks are made last, so nothing can be
// written through one.
//
// Only the archive's bytes make a *RefusedError. When the archive's reader
// fails, with whatever error, that is a *ReadError.
//
// Memory: the directory stays where it is and is read again when it is needed,
// since a million entries with long names take hundreds of megabytes. While it
// is checked, the names of entries and of directories are kept as hashes of 8
// bytes; after that an entry takes one bit at most, and 8 bytes more if the
// entries lie in another order than the directory's.
//
// Descriptors: directories are made and opened from the one above, and all
// archives of a Pool together keep no more of them open than the system allows.
// The time for a file does not depend on how deep it lies.
package unpack

import "fmt"

// RefusedError says why an archive is not extracted. Entry is the name of the
// entry as the archive has it, or empty if the reason concerns the archive as a
// whole. Reason is a clause about the one or the other.
type RefusedError struct {
	Entry, Reason string
}

func (e *RefusedError) Error() string {
	if e.Entry == "" {
		return "refused: " + e.Reason
	}
	name := e.Entry
	if len(name) > maxShown {
		name = name[:maxShown] + "..."
	}
	return fmt.Sprintf("refused: entry %q: %s", name, e.Reason)
}

// maxShown bounds what a message shows of an entry's name, in bytes.
const maxShown = 300
